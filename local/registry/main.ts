import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Handler, serve } from '../web/node-adapter.js';
import { killAt } from './kill-at.js';
import { loadRegistryOptions } from './options-file.js';
import { createRegistry } from './registry.js';
import { createFileStore } from './store.js';

// The registry alone, in a process of its own: `node dist/local/registry/main.js --directory DIR [--port N]
// [--options FILE] [--kill-at N]`. Prints one JSON line once it listens.

const { values } = parseArgs({
  options: {
    directory: { type: 'string' },
    port: { type: 'string', default: '0' },
    options: { type: 'string' },
    'kill-at': { type: 'string' },
  },
});
if (values.directory === undefined) throw new Error('--directory is needed');
const store = await createFileStore(values.directory);
const served: { handle?: Handler } = {};
const server = createServer(
  serve(
    (request) => served.handle?.(request) ?? Promise.resolve(new Response(null, { status: 503 })),
    (error) => process.stderr.write(`${String(error)}\n`),
  ),
);
await new Promise<void>((resolve) => server.listen(Number(values.port), '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const registry = await createRegistry({
  loginServer: `127.0.0.1:${port}`,
  resourceId: '/subscriptions/0/resourceGroups/local/providers/Microsoft.ContainerRegistry/registries/alone',
  store: values['kill-at'] === undefined ? store : killAt(store, Number(values['kill-at'])),
  clock: () => new Date(),
  publish: () => Promise.resolve(),
  ...(values.options !== undefined && (await loadRegistryOptions(values.options))),
});
served.handle = registry.handle;
process.stdout.write(`${JSON.stringify({ port, pid: process.pid })}\n`);
