import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { type StorageClients, connectStorage } from '../../shared/connect.js';
import { createJournal } from '../../shared/ledger/journal.js';
import { type Ledger, createLedger } from '../../shared/ledger/ledger.js';
import { partitionKey } from '../../shared/ledger/table-key.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import { createIsWaiting, createQueueLength, createSend, ensureQueues } from '../../shared/queue/queues.js';
import { createReceiver } from '../../shared/queue/receiver.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { sharedAzurite } from '../support/line.js';

let storage: StorageClients;
let ledger: Ledger;
beforeAll(async () => {
  storage = connectStorage(
    { kind: 'connection-string', connectionString: (await sharedAzurite()).connectionString },
    undefined,
  );
  ledger = createLedger(storage.table('ledger'));
  await ledger.ensure();
});

const AT = '2026-06-01T12:00:00.000Z';
function newEntry(name: string = randomUUID()): LedgerEntry {
  return {
    key: parseKey({ registry: '127.0.0.1:5000', repository: 'team/app', digest: digestOf(name) }),
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

describe('the ledger', () => {
  it('creates once, and refuses a write that would undo another', async () => {
    const entry = newEntry();
    expect(await ledger.create(entry)).toBeTypeOf('string');
    expect(await ledger.create(entry)).toBeUndefined();
    const { version } = (await ledger.read(entry.key))!;
    await ledger.replace({ ...entry, size: 2 }, version);
    await expect(ledger.replace({ ...entry, size: 3 }, version)).rejects.toMatchObject({
      code: 'LEDGER_CONFLICT',
      retryable: true,
    });
    expect((await ledger.read(entry.key))?.entry.size).toBe(2);
  });
  it('loses no change of ten at once', async () => {
    const entry = newEntry();
    await ledger.create(entry);
    await Promise.all(
      Array.from({ length: 10 }, () => ledger.update(entry.key, (current) => ({ ...current, size: current.size + 1 }))),
    );
    expect((await ledger.read(entry.key))?.entry.size).toBe(11);
  });
  it('keeps an entry larger than one property', async () => {
    const entry = { ...newEntry(), mediaType: 'ü😀'.repeat(10_000) };
    await ledger.create(entry);
    expect((await ledger.read(entry.key))?.entry).toEqual(entry);
    await expect(ledger.create({ ...newEntry(), mediaType: 'x'.repeat(500_000) })).rejects.toMatchObject({
      code: 'LEDGER_TOO_LARGE',
    });
  });
  it('does not take a row for an entry that it cannot read', async () => {
    const { key } = newEntry();
    await storage
      .table('ledger')
      .createEntity({ partitionKey: partitionKey(key), rowKey: key.digest, json0: '{"half":' });
    await expect(ledger.read(key)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT', retryable: false });
  });
  it('has a partition of its own for each repository', () => {
    const keys = [
      ['a', 'b/c'],
      ['a', 'b'],
      ['a:1', 'b'],
      ['a', '1/b'],
    ].map(([registry = '', repository = '']) => partitionKey({ registry, repository }));
    expect(new Set(keys).size).toBe(keys.length);
  });
  it('remembers the newest database alone', async () => {
    const database = (updatedAt: string) => ({ digest: updatedAt, updatedAt, entries: 1 });
    await ledger.recordDatabase(database('2026-06-02T00:00:00.000Z'));
    await ledger.recordDatabase(database('2026-06-01T00:00:00.000Z'));
    expect((await ledger.newestDatabase())?.updatedAt).toBe('2026-06-02T00:00:00.000Z');
  });
});

describe('the journal', () => {
  it('writes the same line once', async () => {
    const table = storage.table('journal');
    await table.createTable();
    const journal = createJournal(table, () => new Date(AT));
    await journal({ what: 'lock', who: 'lazaret', id: 'same/one?#' });
    await journal({ what: 'lock', who: 'lazaret', id: 'same/one?#' });
    await journal({ what: 'lock', who: 'lazaret' });
    const rows = [];
    for await (const row of table.listEntities()) rows.push(row);
    expect(rows).toHaveLength(2);
  });
});

describe('queues', () => {
  it('carry messages that never expire, under a lease that can be kept and lost', async () => {
    await ensureQueues(storage.queues);
    const send = createSend(storage.queues);
    await send('decide', { v: 1, text: 'ü' });
    const queue = storage.queues.getQueueClient('decide');
    const [peeked] = (await queue.peekMessages()).peekedMessageItems;
    expect(peeked?.expiresOn.getUTCFullYear()).toBe(9999);
    const receive = createReceiver(queue, 1);
    const [first] = await receive(1);
    expect(first).toMatchObject({ body: { v: 1, text: 'ü' }, deliveries: 1 });
    await first!.renew();
    await first!.renew();
    await first!.release(0);
    const [second] = await receive(1);
    expect(second?.deliveries).toBe(2);
    await expect(first!.renew()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    await second!.remove();
    expect(await receive(1)).toEqual([]);
  });

  it('tell what waits from what is delayed', async () => {
    await ensureQueues(storage.queues);
    const send = createSend(storage.queues);
    const [length, isWaiting] = [createQueueLength(storage.queues), createIsWaiting(storage.queues)];
    expect(await isWaiting('scanned')).toBe(false);
    await send('scanned', { v: 1 }, { delaySeconds: 3600 });
    expect(await length('scanned')).toBe(1);
    expect(await isWaiting('scanned')).toBe(false);
    await send('scanned', { v: 1 });
    expect(await isWaiting('scanned')).toBe(true);
  });
  it('take no message that is too large', async () => {
    await expect(createSend(storage.queues)('decide', { text: 'x'.repeat(50_000) })).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    });
  });
});

describe('reports', () => {
  it('are created once, and are what their name says', async () => {
    const reports = createReportStore(storage.blobs);
    await reports.ensure();
    const ref = await reports.put(Buffer.from('hello'), 'text/plain');
    expect(await reports.put(Buffer.from('hello'), 'text/plain')).toEqual(ref);
    expect(Buffer.from(await reports.get(ref, 100)).toString()).toBe('hello');
    await expect(reports.get(ref, 2)).rejects.toMatchObject({ code: 'BLOB_TOO_LARGE' });
    await expect(reports.get({ digest: digestOf('nothing'), bytes: 1 }, 10)).rejects.toMatchObject({
      code: 'BLOB_MISSING',
      retryable: true,
    });
    const tampered = storage.blobs
      .getContainerClient('reports')
      .getBlockBlobClient(`sha256/${digestOf('asked').slice(7)}`);
    await tampered.upload('other', 5);
    await expect(reports.get({ digest: digestOf('asked'), bytes: 5 }, 10)).rejects.toMatchObject({
      code: 'BLOB_MISMATCH',
    });
  });
});
