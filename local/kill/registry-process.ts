import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LOCAL_RESOURCE_ID } from '../environment.js';
import { deliverToFunction } from '../event-grid/destination.js';
import { createEventGrid } from '../event-grid/event-grid.js';
import { isDelivered } from '../event-grid/retry.js';
import { listenBoth } from '../registry/listen.js';
import { createRegistry } from '../registry/registry.js';
import { createFileStore } from '../registry/store.js';
import { type Handler, serve } from '../web/node-adapter.js';
import { requestName } from './request-name.js';

// The registry and the delivery of its events, in a process that is killed: `registry.ts` starts it. At each moment it asks
// the process that started it whether it may go on, and does not hear of it where it is killed.

/** What this process tells. `asks`: it waits for the answer with that number. */
export type RegistryMessage =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'moment'; readonly name: string; readonly asks?: number };

/** What it is told. */
export type RegistryOrder =
  { readonly kind: 'go'; readonly asks: number } | { readonly kind: 'functions'; readonly url: string };

/** How much faster than Azure events are delivered again: the first time after half a second. */
const ACCELERATION = 20;

const { values } = parseArgs({ options: { directory: { type: 'string' }, port: { type: 'string', default: '0' } } });
const { directory } = values;
if (directory === undefined) throw new Error('--directory is needed');
const at = (name: string) => join(directory, name);
const tell = (message: RegistryMessage) => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};
let functions: string | undefined;
const waiting = new Map<number, () => void>();
let asked = 0;
const ask = (name: string) =>
  new Promise<void>((resolve) => {
    asked += 1;
    waiting.set(asked, resolve);
    tell({ kind: 'moment', name, asks: asked });
  });
process.on('message', (order: RegistryOrder) => {
  if (order.kind === 'functions') functions = order.url;
  else waiting.get(order.asks)?.();
  if (order.kind === 'go') waiting.delete(order.asks);
});
process.on('disconnect', () => process.exit(0));

const clock = () => new Date();
const deliver = deliverToFunction(() => functions, { functionName: 'receive', schema: 'eventgrid' });
const grid = await createEventGrid({
  directory: at('events'),
  clock,
  schema: 'eventgrid',
  acceleration: ACCELERATION,
  deliver: async (event, facts) => {
    const answer = await deliver(event, facts);
    if (isDelivered(answer)) await ask('registry: event taken');
    return answer;
  },
});
const served: { handle?: Handler } = {};
const handle = serve(
  async (request) => {
    const name = requestName(request);
    await ask(`${name} arrived`);
    const response = (await served.handle?.(request)) ?? new Response(null, { status: 503 });
    if (response.ok) await ask(`${name} stored`);
    return response;
  },
  (error) => process.stderr.write(`${String(error)}\n`),
);
const listener = (incoming: IncomingMessage, outgoing: ServerResponse) => {
  const { method = 'GET', headers, url = '/' } = incoming;
  const name = requestName({
    method,
    url: new URL(url, 'http://registry').href,
    headers: { get: () => headers['user-agent'] ?? null },
  });
  outgoing.once('finish', () => {
    if (outgoing.statusCode < 300) tell({ kind: 'moment', name: `${name} answered` });
  });
  handle(incoming, outgoing);
};
const { key, certificate } = JSON.parse(await readFile(at('certificates.json'), 'utf8')) as {
  readonly key: string;
  readonly certificate: string;
};
const { port } = await listenBoth(listener, { port: Number(values.port), key, cert: certificate });
const registry = await createRegistry({
  loginServer: `127.0.0.1:${port}`,
  resourceId: LOCAL_RESOURCE_ID,
  store: await createFileStore(at('registry')),
  clock,
  publish: grid.publish,
});
served.handle = registry.handle;
tell({ kind: 'ready', port });
