import { createJournal } from '../../shared/ledger/journal.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import type { Table } from '../../shared/ledger/table.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import type { Alert } from '../../shared/message/alert.js';
import type { Log } from '../../shared/pipeline/effects.js';
import { openLedger } from '../../shared/pipeline/loss.js';
import type { Queue, QueueService } from '../../shared/queue/queue-service.js';
import type { Policy } from '../../shared/policy/policy.js';
import { createSend } from '../../shared/queue/queues.js';
import type { BlobService } from '../../shared/report/blob-service.js';
import { createReportStore } from '../../shared/report/report-store.js';
import type { Services } from '../../shared/steps.js';
import { contextOfThis } from './context.js';
import { createMemoryClient } from './memory-client.js';
import type { MemoryQueues } from './memory-queues.js';
import type { MemoryRegistry } from './memory-registry.js';
import type { Process } from './process.js';
import { MATERIAL, REGISTRIES } from './setting.js';

/** What stands outside every process and outlives it. */
export interface Surroundings {
  readonly clock: () => Date;
  readonly policy: Policy;
  readonly table: Table;
  readonly journalTable: Table;
  readonly blobs: BlobService;
  readonly queues: MemoryQueues;
  readonly registries: ReadonlyMap<LoginServer, MemoryRegistry>;
  readonly sendCard: (alert: Alert, by: { readonly process: string; readonly alertId: string }) => void;
  readonly note: (line: string) => void;
  /** Where the brake begins to hold. */
  readonly quarantinesPerHour: number;
}

/** The production services over the surroundings, each of their effects at the mercy of one process. */
export function createServices(process: Process, world: Surroundings): Services {
  const { clock } = world;
  return {
    clock,
    sleep: process.sleep,
    log: createTraceLog(process.name, world.note),
    send: createSend(queuesThrough(process, world.queues)),
    journal: createJournal(tableThrough(process, world.journalTable), clock),
    ledger: createLedger(tableThrough(process, world.table)),
    registry: createMemoryClient(world.registries, process.effect),
    reports: createReportStore(blobsThrough(process, world.blobs)),
    sendCard: (alert) => {
      const by = { process: process.name, alertId: contextOfThis()?.label ?? '-' };
      return process.effect('teams.card', () => {
        world.sendCard(alert, by);
        return Promise.resolve();
      });
    },
    policy: world.policy,
    material: MATERIAL,
    askAuthorities: () => Promise.resolve([]),
    registries: REGISTRIES,
    mode: 'enforce',
    signIn: 'local',
    reportUrl: undefined,
    maxDatabaseAgeMilliseconds: 72 * 3_600_000,
    queueLength: (queue) => process.effect('queue.length', () => Promise.resolve(world.queues.contents(queue).length)),
    isWaiting: (queue) => process.effect('queue.peek', () => Promise.resolve(world.queues.visible(queue) > 0)),
    reconcileCallsPerMinute: 300,
    maxNewQuarantinesPerHour: world.quarantinesPerHour,
    reserved: [],
    channels: ['common'],
    maxCardsPerHour: 1_000_000,
    readRetention: () => Promise.resolve({ state: 'off' }),
  };
}

/** As the app does when it starts for the first time. */
export function openFor({ table, blobs }: Pick<Surroundings, 'table' | 'blobs'>, at: Date): Promise<void> {
  return openLedger({ clock: () => at, ledger: createLedger(table), store: createReportStore(blobs) });
}

/** Log lines, as part of a trace. */
export function createTraceLog(name: string, note: (line: string) => void): Log {
  return (level, event, fields) => note(`${name}: ${level} ${event} ${JSON.stringify(fields ?? {})}`);
}

function tableThrough({ effect }: Process, table: Table): Table {
  return {
    createTable: table.createTable,
    getEntity: (...where) => effect('table.get', () => table.getEntity(...where)),
    createEntity: (row) => effect('table.create', () => table.createEntity(row)),
    deleteEntity: (...where) => effect('table.delete', () => table.deleteEntity(...where)),
    updateEntity: (...change) => effect('table.update', () => table.updateEntity(...change)),
    listEntities: async function* (options) {
      const all = async () => {
        const rows: Awaited<ReturnType<Table['getEntity']>>[] = [];
        for await (const row of table.listEntities(options)) rows.push(row as (typeof rows)[number]);
        return rows;
      };
      yield* await effect('table.list', all);
    },
  };
}

/** Blobs, as one process reaches them. */
export function blobsThrough({ effect }: Process, blobs: BlobService): BlobService {
  return {
    getContainerClient: (container) => {
      const client = blobs.getContainerClient(container);
      return {
        createIfNotExists: client.createIfNotExists,
        listBlobsFlat: client.listBlobsFlat,
        getBlockBlobClient: (name) => {
          const blob = client.getBlockBlobClient(name);
          return {
            upload: (...what) => effect('blob.upload', () => blob.upload(...what)),
            download: (...range) => effect('blob.download', () => blob.download(...range)),
          };
        },
      };
    },
  };
}

/** Queues, as one process sends to them. */
export function queuesThrough({ effect }: Process, queues: MemoryQueues): QueueService {
  return {
    getQueueClient: (name) => {
      const queue = queues.getQueueClient(name);
      return { sendMessage: (...message) => effect('queue.send', () => queue.sendMessage(...message)) };
    },
  };
}

/** One queue, as one process receives from it. */
export function queueThrough({ effect }: Process, queue: Queue): Omit<Queue, 'sendMessage'> {
  return {
    receiveMessages: (options) => effect('queue.receive', () => queue.receiveMessages(options)),
    updateMessage: (...change) => effect('queue.update', () => queue.updateMessage(...change)),
    deleteMessage: (...which) => effect('queue.delete', () => queue.deleteMessage(...which)),
  };
}
