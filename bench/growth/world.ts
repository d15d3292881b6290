import { randomUUID } from 'node:crypto';
import { createMemoryBlobs } from '../../local/simulation/memory-blobs.js';
import { createMemoryTable } from '../../local/simulation/memory-table.js';
import { createRegistry } from '../../local/registry/registry.js';
import { createMemoryStore } from '../../local/registry/store.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { connectStorage } from '../../shared/connect.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import type { Table } from '../../shared/ledger/table.js';
import type { CoverageDeps } from '../../shared/pipeline/coverage.js';
import { openLedger } from '../../shared/pipeline/loss.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { layOut, seedLedger, seedRegistry } from './seed.js';

const LOGIN_SERVER = parseLoginServer('growing.azurecr.test');
const RESOURCE_ID = '/subscriptions/0/resourcegroups/rg/providers/microsoft.containerregistry/registries/growing';
const SEEDED_AT = new Date(Date.UTC(2026, 0, 1));
const NOW = new Date(Date.UTC(2026, 0, 8));

/** What {@link createWorld} is told. */
export interface WorldOptions {
  readonly count: number;
  readonly perRepository: number;
  /** Of the Azurite that holds the ledger; undefined for a table in memory. */
  readonly connectionString: string | undefined;
}

/** The emulated registry and a ledger that knows all of it. Nothing is to be repaired. */
export async function createWorld({ count, perRepository, connectionString }: WorldOptions): Promise<CoverageDeps> {
  const clock = () => NOW;
  const sleep = () => Promise.resolve();
  const layout = layOut(count, perRepository);
  const emulator = await createRegistry({
    loginServer: LOGIN_SERVER,
    resourceId: RESOURCE_ID,
    store: { ...createMemoryStore(), log: seedRegistry(layout, SEEDED_AT) },
    clock,
    publish: () => Promise.resolve(),
  });
  const ledger = createLedger(openTable(connectionString));
  await ledger.ensure();
  const store = createReportStore(createMemoryBlobs());
  await openLedger({ clock: () => SEEDED_AT, ledger, store });
  await seedLedger(layout, { ledger, registry: LOGIN_SERVER, at: SEEDED_AT });
  const unexpected = (): Promise<never> => Promise.reject(new Error('nothing was to be repaired'));
  return {
    clock,
    sleep,
    mode: 'enforce',
    store: { ...store, createOnce: unexpected },
    ...{ channels: [], reportUrl: undefined, epochs: () => Promise.resolve() },
    log: () => undefined,
    send: unexpected,
    journal: unexpected,
    newId: randomUUID,
    servers: [LOGIN_SERVER],
    policy: {
      digest: digestOf('a policy'),
      trust: digestOf('keys'),
      deadlineMilliseconds: 30 * 60_000,
      maxAgeMilliseconds: 7 * 24 * 3_600_000,
    },
    // One run is to see all of it: how a budget spreads the calls over several runs is no matter of time or memory.
    callsPerMinute: 1_000_000,
    queueLength: () => Promise.resolve(0),
    isWaiting: () => Promise.resolve(false),
    registry: createRegistryClient({
      fetch: (input, init) => emulator.handle(new Request(input, init)),
      ...{ clock, sleep, credential: { kind: 'anonymous' }, registries: [LOGIN_SERVER] },
    }),
    ledger,
    registries: new Map([[RESOURCE_ID, LOGIN_SERVER]]),
    readRetention: () => Promise.resolve({ state: 'off' }),
  };
}

function openTable(connectionString: string | undefined): Table {
  if (connectionString === undefined) return createMemoryTable();
  const name = `ledger${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  return connectStorage({ kind: 'connection-string', connectionString }, undefined).table(name);
}
