import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createMemoryBlobs } from '../../local/simulation/memory-blobs.js';
import { createMemoryQueues } from '../../local/simulation/memory-queues.js';
import { createMemoryTable } from '../../local/simulation/memory-table.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { connectStorage } from '../../shared/connect.js';
import { createJournal } from '../../shared/ledger/journal.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import type { Table } from '../../shared/ledger/table.js';
import { statusOf } from '../../shared/net/storage-fault.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import type { Queue } from '../../shared/queue/queue-service.js';
import { createReceiver } from '../../shared/queue/receiver.js';
import type { BlobService } from '../../shared/report/blob-service.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { sharedAzurite } from '../support/line.js';

/** One kind of storage, and how to let seconds pass in it. */
interface Storage {
  readonly table: () => Promise<Table>;
  readonly blobs: () => Promise<BlobService>;
  readonly queue: () => Promise<Queue>;
  readonly pass: (seconds: number) => Promise<void>;
}

async function azurite(): Promise<Storage> {
  const { connectionString } = await sharedAzurite();
  const clients = connectStorage({ kind: 'connection-string', connectionString }, undefined);
  const name = () => `c${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  return {
    table: async () => {
      const table = clients.table(name());
      await table.createTable();
      return table;
    },
    blobs: () => Promise.resolve(clients.blobs),
    queue: async () => {
      const queue = clients.queues.getQueueClient(name());
      await queue.createIfNotExists();
      return queue;
    },
    // The real service has a clock of its own, which nobody can move.
    pass: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000 + 200)),
  };
}

function memory(): Promise<Storage> {
  let now = 0;
  return Promise.resolve({
    table: () => Promise.resolve(createMemoryTable()),
    blobs: () => Promise.resolve(createMemoryBlobs()),
    queue: () =>
      Promise.resolve(
        createMemoryQueues({
          now: () => now,
          lag: () => 0,
          fateOf: () => undefined,
          onVisible: () => undefined,
        }).getQueueClient('one'),
      ),
    pass: (seconds) => {
      now += seconds * 1000;
      return Promise.resolve();
    },
  });
}

const AT = '2026-06-01T12:00:00.000Z';
function newEntry(): LedgerEntry {
  return {
    key: parseKey({ registry: '127.0.0.1:5000', repository: 'team/app', digest: digestOf(randomUUID()) }),
    kind: 'image',
    mediaType: 'x',
    size: 1,
    firstSeenAt: AT,
    pushedAt: AT,
    tags: [],
    parents: [],
    children: [],
    scan: { state: 'none' },
    signature: { state: 'open', requestedAt: AT },
    enforcement: { state: 'none', operations: [] },
    marks: [],
  };
}

const status = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => statusOf(error),
  );

describe.each([
  ['Azurite', azurite],
  ['memory', memory],
])('storage in %s', (_name, open) => {
  it('guards a row by its ETag', async () => {
    const table = await (await open()).table();
    const row = { partitionKey: 'p:q', rowKey: 'sha256:r', json0: '{}' };
    expect(await status(table.getEntity('p:q', 'sha256:r'))).toBe(404);
    expect(await status(table.updateEntity(row, 'Replace', { etag: '*' }))).toBe(404);
    const { etag } = await table.createEntity(row);
    expect(await status(table.createEntity(row))).toBe(409);
    expect((await table.getEntity('p:q', 'sha256:r')).etag).toBe(etag);
    const next = await table.updateEntity({ ...row, json0: '1' }, 'Replace', { etag: etag! });
    expect(next.etag).not.toBe(etag);
    expect(await status(table.updateEntity({ ...row, json0: '2' }, 'Replace', { etag: etag! }))).toBe(412);
    expect(await status(table.updateEntity({ ...row, json0: '3' }, 'Replace', { etag: '*' }))).toBe('done');
    expect((await table.getEntity('p:q', 'sha256:r'))['json0']).toBe('3');
  });

  it('deletes a row once', async () => {
    const table = await (await open()).table();
    await table.createEntity({ partitionKey: 'p', rowKey: 'r', one: '1' });
    expect(await status(table.deleteEntity('p', 'r'))).toBe('done');
    expect(await status(table.getEntity('p', 'r'))).toBe(404);
    expect(await status(table.deleteEntity('p', 'r'))).toBe(404);
  });

  it('replaces a row as a whole', async () => {
    const table = await (await open()).table();
    const { etag } = await table.createEntity({ partitionKey: 'p', rowKey: 'r', one: '1', two: '2' });
    await table.updateEntity({ partitionKey: 'p', rowKey: 'r', one: '3' }, 'Replace', { etag: etag! });
    const { one, two } = await table.getEntity('p', 'r');
    expect({ one, two }).toEqual({ one: '3', two: undefined });
  });

  it('carries the ledger', async () => {
    const ledger = createLedger(await (await open()).table());
    const entry = newEntry();
    expect(await ledger.read(entry.key)).toBeUndefined();
    expect(await ledger.create(entry)).toBeTypeOf('string');
    expect(await ledger.create({ ...entry, size: 9 })).toBeUndefined();
    const { version } = (await ledger.read(entry.key))!;
    await ledger.replace({ ...entry, size: 2 }, version);
    await expect(ledger.replace({ ...entry, size: 3 }, version)).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' });
    await Promise.all(
      Array.from({ length: 8 }, () => ledger.update(entry.key, (current) => ({ ...current, size: current.size + 1 }))),
    );
    expect((await ledger.read(entry.key))?.entry).toEqual({ ...entry, size: 10 });
    const big = { ...newEntry(), mediaType: 'ü😀'.repeat(10_000) };
    await ledger.create(big);
    expect((await ledger.read(big.key))?.entry).toEqual(big);
  });

  it('carries the journal: the same line once', async () => {
    const lines: string[] = [];
    const table = await (await open()).table();
    const journal = createJournal(
      {
        createEntity: async (row) => {
          const created = await table.createEntity(row);
          lines.push(row.rowKey);
          return created;
        },
      },
      () => new Date(AT),
    );
    await journal({ what: 'lock', who: 'lazaret', id: 'same/one?#' });
    await journal({ what: 'lock', who: 'lazaret', id: 'same/one?#' });
    expect(lines).toHaveLength(1);
  });

  it('carries reports, which are created once', async () => {
    const reports = createReportStore(await (await open()).blobs());
    await reports.ensure();
    const name = `${randomUUID()}.json`;
    expect(await reports.readNamed('alerts', name, 100)).toBeUndefined();
    expect(await reports.createOnce('alerts', name, Buffer.from('one'))).toBe(true);
    expect(await reports.createOnce('alerts', name, Buffer.from('two'))).toBe(false);
    expect(Buffer.from((await reports.readNamed('alerts', name, 100))!).toString()).toBe('one');
    await expect(reports.readNamed('alerts', name, 2)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
    const bytes = Buffer.from(randomUUID());
    const ref = await reports.put(bytes, 'text/plain');
    expect(await reports.put(bytes, 'text/plain')).toEqual(ref);
    expect(Buffer.from(await reports.get(ref, 100))).toEqual(bytes);
    const missing = { digest: digestOf(randomUUID()), bytes: 1 };
    await expect(reports.get(missing, 10)).rejects.toMatchObject({ code: 'BLOB_MISSING', retryable: true });
  });

  it('lists blobs by the beginning of their names, in their order, a page at a time', async () => {
    const reports = createReportStore(await (await open()).blobs());
    await reports.ensure();
    const prefix = `${randomUUID()}/`;
    expect(await reports.listNamed('quarantine', { prefix, max: 2 })).toEqual({ names: [], next: undefined });
    const names = ['app/1', 'app/2', 'app-x/1', 'zoo/1', 'zoo:5000/2'].map((name) => `${prefix}${name}`);
    for (const name of names.toReversed()) await reports.createOnce('quarantine', name, Buffer.from(name));
    await reports.createOnce('alerts', `${prefix}other`, Buffer.from('x'));
    const pages: (readonly string[])[] = [];
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await reports.listNamed('quarantine', { prefix, after, max: 2 });
      pages.push(page.names);
      after = page.next;
    }
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(names.toSorted());
    const some = await reports.listNamed('quarantine', { prefix: `${prefix}app/`, max: 10 });
    expect(some).toEqual({ names: names.slice(0, 2), next: undefined });
  });

  it('hides a message that is delayed or received, counts its deliveries, and knows its last receipt alone', async () => {
    const storage = await open();
    const queue = await storage.queue();
    const text = Buffer.from('{"v":1}').toString('base64');
    await queue.sendMessage(text, { messageTimeToLive: -1, visibilityTimeout: 1 });
    const receive = createReceiver(queue, 1);
    expect(await receive(1)).toEqual([]);
    await storage.pass(1);
    const [first] = await receive(1);
    expect(first).toMatchObject({ body: { v: 1 }, deliveries: 1 });
    expect(await receive(1)).toEqual([]);
    await first!.renew();
    await first!.release(0);
    const [second] = await receive(1);
    expect(second?.deliveries).toBe(2);
    await expect(first!.renew()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await expect(first!.remove()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await storage.pass(1);
    // Nobody has taken it since, so its last receipt still counts.
    await second!.remove();
    await expect(second!.remove()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(await receive(32)).toEqual([]);
  });
});
