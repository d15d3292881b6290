import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { AppError } from '../../shared/error/app-error.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import { asRestored, fold, inOrder, mergeLives } from '../../shared/pipeline/fold.js';
import {
  MAX_RECORD_BYTES,
  type StoredRecord,
  parseRecordName,
  putRecord,
  readRecord,
  recordName,
} from '../../shared/pipeline/record.js';
import { replaceRecorded } from '../../shared/pipeline/record-change.js';

const AT = '2026-06-01T12:00:00.000Z';
const LATER = '2026-06-01T12:00:01.000Z';
const DIGEST = digestOf('an image');
const OPEN = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
const SHUT = { ...OPEN, readEnabled: false, deleteEnabled: false };

function entryOf(changes: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    key: parseKey({ registry: 'team.azurecr.io', repository: 'team/app', digest: DIGEST }),
    ...{ kind: 'image', mediaType: 'x', size: 1, firstSeenAt: AT, pushedAt: AT, tags: [], parents: [], children: [] },
    scan: { state: 'none' },
    signature: { state: 'open', requestedAt: AT },
    enforcement: { state: 'none', operations: [] },
    marks: [],
    ...changes,
  };
}

const quarantine = (tags: readonly string[], state: LedgerEntry['enforcement']['state'] = 'quarantined') =>
  ({
    enforcement: { state, action: 'lock-and-untag', operations: [], record: { attributes: OPEN, tags: [...tags] } },
  }) as unknown as Partial<LedgerEntry>;

const decided = (verdict: 'pass' | 'fail') =>
  ({
    settledAt: AT,
    decision: { verdict, reasons: [], action: 'mark', because: 'push', policy: DIGEST, rule: 0, crossing: [] },
  }) as Partial<LedgerEntry>;

const record = (at: string, changes: Partial<LedgerEntry> = {}, name = `${at}-0`): StoredRecord => ({
  ...{ at, name },
  entry: entryOf(changes),
});

/** Where records are put, by their names. */
function memory(clock = () => new Date(AT)) {
  const blobs = new Map<string, Uint8Array>();
  const createOnce = (_container: string, name: string, bytes: Uint8Array) => {
    if (blobs.has(name)) return Promise.resolve(false);
    blobs.set(name, bytes);
    return Promise.resolve(true);
  };
  return { blobs, deps: { clock, store: { createOnce } } };
}

describe('a record', () => {
  it('is read back as it was written, by a name that tells whose it is', async () => {
    const { blobs, deps } = memory();
    const entry = entryOf(quarantine(['v1'], 'applying'));
    const ref = await putRecord(entry, { because: 'quarantine' }, deps);
    const [[name, bytes] = ['', new Uint8Array()]] = blobs;
    const hex = DIGEST.slice('sha256:'.length);
    expect(name).toMatch(new RegExp(`^entries/team.azurecr.io/team/app/image/${hex}/${AT}-[0-9a-f]{16}\\.json$`));
    const read = readRecord(parseRecordName(name)!, bytes)!;
    // It cannot name itself, so the reader does.
    expect(read.entry).toEqual({
      ...entry,
      enforcement: { ...entry.enforcement, record: { ...entry.enforcement.record, blob: ref } },
    });
  });

  it('is written once where it is written twice', async () => {
    const { blobs, deps } = memory();
    for (let i = 0; i < 2; i++) await putRecord(entryOf(), { because: 'settled' }, deps);
    expect(blobs.size).toBe(1);
  });

  it('stands after all earlier ones of its digest, and an index after the images of its repository', () => {
    const name = (at: string, kind: LedgerEntry['kind'] = 'image', digest = DIGEST) =>
      recordName({ ...entryOf(), kind, key: { ...entryOf().key, digest } }, at, Buffer.from(at));
    expect(name(AT) < name(LATER)).toBe(true);
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(name(LATER, 'image', digestOf(a)) < name(AT, 'index', digestOf(b))).toBe(true);
      }),
    );
  });

  const good = recordName(entryOf(), AT, Buffer.from('x'));
  it.each([
    ['another folder', good.replace('entries/', 'other/')],
    ['no repository', good.replace('/team/app', '')],
    ['a registry that is none', good.replace('team.azurecr.io', 'team_azurecr')],
    ['a repository that is none', good.replace('team/app', 'Team/App')],
    ['a way up', good.replace('team/app', '../app')],
    ['a kind that is none', good.replace('/image/', '/chart/')],
    ['half a digest', good.replace(DIGEST.slice(7, 20), '')],
    ['no time', good.replace(AT, 'now')],
    ['a time of another precision', good.replace('.000Z', 'Z')],
    ['no hash', good.replace(/-[0-9a-f]{16}\./, '.')],
    ['another format', good.replace('.json', '.txt')],
    ['nothing', ''],
  ])('is not what has %s for a name', (_, name) => {
    expect(parseRecordName(name)).toBeUndefined();
  });

  it('keeps apart repositories whose names look like the rest of a path', () => {
    const key = parseKey({ registry: '127.0.0.1:5000', repository: 'app/image/x', digest: DIGEST });
    expect(parseRecordName(recordName({ key, kind: 'index' }, AT, Buffer.from('x')))).toMatchObject({
      key,
      kind: 'index',
    });
  });

  const body = (changes: object = {}) =>
    Buffer.from(JSON.stringify({ v: 1, at: AT, because: 'settled', entry: entryOf(), ...changes }));
  it.each([
    ['no JSON', Buffer.from('{')],
    ['nothing', Buffer.from('')],
    ['another version', body({ v: 2 })],
    ['another time than its name', body({ at: LATER })],
    [
      'another digest than its name',
      body({ entry: { ...entryOf(), key: { ...entryOf().key, digest: digestOf('b') } } }),
    ],
    ['another kind than its name', body({ entry: { ...entryOf(), kind: 'index' } })],
    ['no entry', body({ entry: undefined })],
    ['half an entry', body({ entry: { ...entryOf(), enforcement: undefined } })],
    ['a reason that is none', body({ because: 'boredom' })],
    ['too much', body({ filler: 'x'.repeat(MAX_RECORD_BYTES) })],
  ])('is not read where it holds %s', (_, bytes) => {
    expect(readRecord(parseRecordName(recordName(entryOf(), AT, bytes))!, bytes)).toBeUndefined();
  });

  it('is not read where it is not what its name says', () => {
    const named = parseRecordName(recordName(entryOf(), AT, Buffer.from('x')))!;
    expect(readRecord(named, body())).toBeUndefined();
  });
});

describe('what counts among the records of a digest', () => {
  it('is the last one', () => {
    const last = record(LATER, { size: 2 });
    for (const records of [
      [record(AT), last],
      [last, record(AT)],
    ])
      expect(fold(records)?.entry.size).toBe(2);
    expect(fold([])).toBeUndefined();
  });

  it('is, of two at once, the one that can undo more, in whatever order they are read', () => {
    const [plain, one, two] = [
      record(AT, {}, 'c'),
      record(AT, quarantine(['v1']), 'b'),
      record(AT, quarantine(['v1', 'v2']), 'a'),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray([plain, one, two], { minLength: 3 }), (records) => {
        expect(inOrder(records)).toEqual([plain, one, two]);
      }),
    );
  });

  it('is the end of a change rather than its beginning, at the same moment', () => {
    const [begun, done] = [record(AT, quarantine(['v1'], 'applying'), 'b'), record(AT, quarantine(['v1']), 'a')];
    expect(inOrder([done, begun])).toEqual([begun, done]);
  });

  it('keeps from an earlier life what only that one knows', () => {
    const release = { by: 'ann', reason: 'x', at: AT };
    const before = record(AT, { ...decided('pass'), passedAt: AT, existing: true, release, tags: ['v1' as never] });
    const since = record(LATER, { ...decided('fail'), firstSeenAt: LATER, tags: ['v2' as never] });
    expect(fold([since, before])?.entry).toMatchObject({
      ...{ firstSeenAt: AT, passedAt: AT, existing: true, release, tags: ['v1', 'v2'] },
      decision: { verdict: 'fail' },
      settledAt: undefined,
    });
  });

  it('does not take a lock of ours for what stood before it', () => {
    const before = entryOf(quarantine(['v1']));
    const since = { ...entryOf(quarantine(['v2'])), firstSeenAt: LATER };
    const seen = {
      ...since,
      enforcement: { ...since.enforcement, record: { attributes: SHUT, tags: ['v2' as never] } },
    };
    expect(mergeLives(seen, before).enforcement).toMatchObject({
      state: 'applying',
      record: { attributes: OPEN, tags: ['v1', 'v2'] },
    });
  });
});

describe('what goes into the ledger', () => {
  const seen = (attributes: typeof OPEN, tags: readonly string[] = []) => ({
    ...{ observed: { attributes, tags: tags as never }, at: LATER, damaged: false },
  });
  const settled = (changes: Partial<LedgerEntry>) => fold([record(AT, { ...decided('fail'), ...changes })])!;

  it.each([
    ['a lock that stands', quarantine(['v1']), seen(SHUT), true],
    ['a lock that somebody took off', quarantine(['v1']), seen(OPEN), false],
    ['a tag that came back', quarantine(['v1']), seen(SHUT, ['v1']), false],
    ['a release that was carried out', quarantine(['v1'], 'released'), seen(OPEN, ['v1']), true],
    ['a release that was not', quarantine(['v1'], 'released'), seen(SHUT), false],
    ['a contested lock', quarantine(['v1'], 'contested'), seen(OPEN), true],
    ['a change that had begun', quarantine(['v1'], 'applying'), seen(SHUT), false],
    ['nothing done', {}, seen(OPEN, ['v1']), true],
  ])('is settled, or to be decided again, by what the registry shows: %s', (_, changes, shown, isSettled) => {
    const stored = changes.enforcement?.state === 'applying' ? { ...changes, settledAt: undefined } : changes;
    expect(asRestored(settled(stored), shown).settledAt !== undefined).toBe(isSettled);
  });

  it('is what can undo a lock of ours, where the last record does not know of it', () => {
    const records = [record(AT, quarantine(['v1'])), record(LATER, decided('pass'))];
    expect(asRestored(fold(records)!, seen(SHUT))).toMatchObject({
      enforcement: { state: 'applying', record: { tags: ['v1'] } },
      settledAt: undefined,
    });
    expect(asRestored(fold(records)!, seen(OPEN)).enforcement.state).toBe('none');
  });

  it('has no verdict where a later record could not be read', () => {
    expect(asRestored(settled(quarantine(['v1'])), { ...seen(SHUT), damaged: true })).toMatchObject({
      decision: undefined,
      enforcement: { state: 'quarantined' },
    });
  });
});

describe('a change of the ledger that was recorded first', () => {
  it('is put right where somebody else was faster: their entry is the last word', async () => {
    let now = AT;
    const { blobs, deps } = memory(() => new Date(now));
    const theirs = entryOf({ size: 2 });
    await putRecord(entryOf(), { because: 'settled' }, deps);
    now = LATER;
    const ledger = {
      read: () => Promise.resolve({ entry: theirs, version: '2' }),
      replace: () => Promise.reject(new AppError('LEDGER_CONFLICT', 'moved on', { retryable: true })),
    };
    await expect(replaceRecorded(entryOf(), '1', { ...deps, ledger })).rejects.toMatchObject({
      code: 'LEDGER_CONFLICT',
    });
    const records = [...blobs].map(([name, bytes]) => readRecord(parseRecordName(name)!, bytes)!);
    expect(fold(records)?.entry.size).toBe(2);
  });
});
