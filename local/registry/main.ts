import { appendFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Handler, serve } from '../web/node-adapter.js';
import type { RegistryEvent } from './event.js';
import { type Guard, createKillSwitch, guardStore } from './kill-at.js';
import { loadRegistryOptions } from './options-file.js';
import { createRegistry } from './registry.js';
import { createFileStore } from './store.js';

// The registry alone, in a process of its own: `node dist/local/registry/main.js --directory DIR [--port N]
// [--options FILE] [--events FILE] [--kill-at N]`. Prints one JSON line once it listens. Events go to a file, one a line.

const { values } = parseArgs({
  options: {
    directory: { type: 'string' },
    port: { type: 'string', default: '0' },
    options: { type: 'string' },
    events: { type: 'string' },
    'kill-at': { type: 'string' },
  },
});
if (values.directory === undefined) throw new Error('--directory is needed');
const guard: Guard = values['kill-at'] === undefined ? (write) => write : createKillSwitch(Number(values['kill-at']));
const { events } = values;
const publish = async (event: RegistryEvent): Promise<void> => {
  if (events !== undefined) await appendFile(events, `${JSON.stringify(event)}\n`);
};
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
  store: guardStore(await createFileStore(values.directory), guard),
  clock: () => new Date(),
  publish: guard(publish),
  ...(values.options !== undefined && (await loadRegistryOptions(values.options))),
});
served.handle = registry.handle;
process.stdout.write(`${JSON.stringify({ port, pid: process.pid })}\n`);
