import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_RESOURCE_ID, packageRoot } from '../local/environment.js';
import { deliverToFunction } from '../local/event-grid/destination.js';
import { startFunctionsHost } from '../local/functions-host/start.js';
import { type RegistryEvent, toEvent } from '../local/registry/event.js';
import { DEFAULT_SWITCHES } from '../local/registry/switches.js';
import { createApp } from '../shared/app.js';
import { digestOf } from '../shared/artifact/digest.js';
import { MediaType } from '../shared/artifact/media-type.js';
import { connectStorage } from '../shared/connect.js';
import { MESSAGE_VERSION } from '../shared/message/queue-message.js';
import { QUEUES } from '../shared/message/queue-name.js';
import { forkAzurite } from './azurite.js';
import { median, round, say } from './machine.js';
import { POLICY } from './stage.js';

const EVENTS = 10_000;
const ROUNDS = 5;
/** Events under way at once, for whoever sends. */
const AT_ONCE = 32;
const WANTED = 0.8;

/** Pushes of as many images, as the registry tells them. */
function makeEvents(count: number): readonly RegistryEvent[] {
  const origin = { resourceId: LOCAL_RESOURCE_ID, location: 'local', now: new Date(), switches: DEFAULT_SWITCHES };
  return Array.from({ length: count }, (_, i) =>
    toEvent(
      {
        ...{ action: 'push', repository: `team/app-${i % 100}`, digest: digestOf(`image ${i}`), tag: `v${i}` },
        ...{ mediaType: MediaType.ociManifest, size: 1234 },
        request: { host: '127.0.0.1:5000', method: 'PUT', useragent: 'bench' },
      },
      origin,
    ),
  );
}

/** Events a second, {@link AT_ONCE} of them under way at any moment. */
async function rateOf(events: readonly RegistryEvent[], send: (event: RegistryEvent) => Promise<unknown>) {
  const next = events.values();
  const work = async () => {
    for (const event of next) await send(event);
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return (events.length * 1000) / (performance.now() - started);
}

/**
 * How fast a burst of events is accepted into its durable queue, beside one client that enqueues the same messages
 * straight into the same Azurite; and through the Event Grid door of the local functions host.
 */
export async function burst(): Promise<object> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaret-bench-'));
  const policyFile = join(directory, 'policy.yaml');
  await writeFile(policyFile, POLICY);
  const azurite = await forkAzurite(join(directory, 'storage'));
  const { connectionString } = azurite;
  const { queues } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
  const env = {
    LAZARET_REGISTRIES: JSON.stringify([{ resourceId: LOCAL_RESOURCE_ID, loginServer: '127.0.0.1:5000' }]),
    LAZARET_STORAGE: connectionString,
    LAZARET_IDENTITY: 'anonymous',
    LAZARET_POLICY: policyFile,
    LAZARET_SIGN_IN: 'local',
  };
  const app = await createApp(env, { fetch, clock: () => new Date(), write: () => undefined });
  const host = await startFunctionsHost({
    ...{ root: packageRoot(), port: 0, queueLeaseSeconds: 60, onLine: () => undefined },
    env: {
      ...env,
      ...{ PATH: process.env['PATH'] ?? '', TZ: 'UTC', AzureWebJobsStorage: connectionString },
      // What is accepted stays where it is: working it off is another matter.
      'AzureWebJobs.receiveQueued.Disabled': 'true',
      'AzureWebJobs.reconcile.Disabled': 'true',
    },
  });
  const rawQueue = queues.getQueueClient('bench-raw');
  await rawQueue.createIfNotExists();
  const ownQueue = queues.getQueueClient(QUEUES.registryEvents);
  const door = deliverToFunction(() => host.url, { functionName: 'receive', schema: 'eventgrid' });
  const ways = {
    raw: (event: RegistryEvent) => {
      // The text that the pipeline writes.
      const text = JSON.stringify({ v: MESSAGE_VERSION, attempt: 0, since: new Date().toISOString(), event });
      return rawQueue.sendMessage(Buffer.from(text).toString('base64'), { messageTimeToLive: -1 });
    },
    accepted: (event: RegistryEvent) => app.accept(event),
    door: async (event: RegistryEvent) => {
      const status = await door(event, { attempts: 0 });
      if (status !== 200 && status !== 202) throw new Error(`the door answered ${status}`);
    },
  };
  const run = async (way: keyof typeof ways, events: readonly RegistryEvent[]): Promise<number> => {
    const queue = way === 'raw' ? rawQueue : ownQueue;
    const rate = await rateOf(events, ways[way]);
    // Durable, all of them, and none twice.
    const queued = (await queue.getProperties()).approximateMessagesCount;
    if (queued !== events.length) throw new Error(`${way}: ${queued} of ${events.length} are in the queue`);
    await queue.clearMessages();
    return rate;
  };
  const rounds: { readonly raw: number; readonly accepted: number; readonly door: number; readonly ratio: number }[] =
    [];
  try {
    for (const way of ['raw', 'accepted', 'door'] as const) await run(way, makeEvents(EVENTS / 10));
    for (let i = 0; i < ROUNDS; i++) {
      const events = makeEvents(EVENTS);
      const rates = { raw: 0, accepted: 0, door: 0 };
      // Who goes first takes turns: a store that has just been emptied may be quicker, or slower.
      for (const way of i % 2 === 0 ? (['raw', 'accepted'] as const) : (['accepted', 'raw'] as const)) {
        rates[way] = round(await run(way, events));
      }
      rates.door = round(await run('door', events));
      rounds.push({ ...rates, ratio: round(rates.accepted / rates.raw, 3) });
      say(`burst ${i + 1}: ${JSON.stringify(rounds.at(-1))}`);
    }
  } finally {
    await host.stop();
    await azurite.stop();
    await rm(directory, { recursive: true, force: true });
  }
  const of = (name: 'raw' | 'accepted' | 'door' | 'ratio') => median(rounds.map((each) => each[name]));
  return {
    events: EVENTS,
    atOnce: AT_ONCE,
    rawPerSecond: of('raw'),
    acceptedPerSecond: of('accepted'),
    ratio: of('ratio'),
    wanted: WANTED,
    met: of('ratio') >= WANTED,
    doorPerSecond: of('door'),
    doorRatio: round(of('door') / of('raw'), 3),
    rounds,
  };
}
