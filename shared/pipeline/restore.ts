import type { Digest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import type { Tag } from '../artifact/tag.js';
import { isAppError } from '../error/app-error.js';
import type { ObservedArtifact } from '../policy/operation.js';
import type { DatabaseEvidence } from '../vulnerability/report.js';
import type { Clock } from './effects.js';
import type { LedgerEntry, TagEntry } from './entry.js';
import { asRestored, fold, inOrder, isEarlierLife, isUntouched, joined, mergeLives, mergePush } from './fold.js';
import type { RecordReader } from './loss.js';
import { MAX_RECORD_BYTES, type RecordName, type StoredRecord, readRecord } from './record.js';

/** What {@link restoreDigest} needs. */
export interface RestoreDeps {
  readonly clock: Clock;
  readonly store: RecordReader;
  readonly registry: {
    observe: (key: ArtifactKey) => Promise<ObservedArtifact | undefined>;
    resolveTag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Digest | undefined>;
  };
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry } | undefined>;
    create: (entry: LedgerEntry) => Promise<string | undefined>;
    update: (key: ArtifactKey, change: (entry: LedgerEntry) => LedgerEntry | undefined) => Promise<unknown>;
    readTag: (key: TagKey) => Promise<TagEntry | undefined>;
    updateTag: (key: TagKey, change: (current: TagEntry | undefined) => TagEntry | undefined) => Promise<unknown>;
  };
  /** Waits for a turn before each call of the registry. */
  readonly spend: () => Promise<void>;
}

/** What became of one digest. */
export interface Restored {
  /** `kept`: the ledger knows it already. `gone`: restored, and the registry does not hold it. `unreadable`: no record is. */
  readonly outcome: 'restored' | 'kept' | 'gone' | 'unreadable';
  /** Rows of tags that quarantine had removed. */
  readonly tags: number;
  /** Names of records that could not be read. */
  readonly unreadable: readonly string[];
  /** The newest vulnerability database that a scan of it used. */
  readonly database: DatabaseEvidence | undefined;
}

/** At most so many records of one digest are read, the last ones. */
const MAX_RECORDS = 100;

/**
 * Puts one digest back into the ledger, from its records and from what the registry shows. The registry is not changed: an
 * entry that differs from it is left unsettled, and the next sweep has it decided. Safe to repeat, to be killed anywhere,
 * and beside pushes of the same digest.
 */
export async function restoreDigest(
  key: ArtifactKey,
  names: readonly RecordName[],
  deps: RestoreDeps,
): Promise<Restored> {
  const { records, unreadable } = await readAll(names, deps.store);
  const last = inOrder(records).at(-1);
  const rest = { unreadable: unreadable.map(({ name }) => name), database: newestOf(records) };
  if (last === undefined) return { outcome: 'unreadable', tags: 0, ...rest };
  if (last.entry.kind === 'index') await rememberParent(last.entry, deps);
  const present = (await deps.ledger.read(key))?.entry;
  // Whoever is of the same life has been changed by those records, and since.
  const earlier = present === undefined ? records : records.filter(({ entry }) => isEarlierLife(entry, present));
  const folded = fold(earlier);
  if (folded === undefined) return { outcome: 'kept', tags: 0, ...rest };
  const at = deps.clock().toISOString();
  await deps.spend();
  const observed = await deps.registry.observe(key);
  const damaged = unreadable.some((each) => each.at >= last.at);
  const entry = asRestored(folded, { observed, at, damaged });
  // Tags first: an entry that stands is not looked at again.
  const tags = observed === undefined ? 0 : await restoreTags(entry, observed.tags, deps);
  const created = present === undefined ? await deps.ledger.create(entry) : undefined;
  if (created === undefined) {
    await deps.ledger.update(key, (current) => {
      if (!isEarlierLife(entry, current)) return undefined;
      return isUntouched(current) ? mergePush(current, entry) : mergeLives(current, entry);
    });
  }
  return { outcome: observed === undefined ? 'gone' : 'restored', tags, ...rest };
}

async function readAll(names: readonly RecordName[], store: RecordReader) {
  const records: StoredRecord[] = [];
  const unreadable: RecordName[] = [];
  for (const named of names.slice(-MAX_RECORDS)) {
    const bytes = await readBounded(named, store);
    const record = bytes && readRecord(named, bytes);
    if (record === undefined) unreadable.push(named);
    else records.push(record);
  }
  return { records, unreadable };
}

async function readBounded({ name }: RecordName, store: RecordReader): Promise<Uint8Array | undefined> {
  try {
    return await store.readNamed('quarantine', name, MAX_RECORD_BYTES);
  } catch (error) {
    if (isAppError(error, 'BLOB_TOO_LARGE')) return undefined;
    throw error;
  }
}

function newestOf(records: readonly StoredRecord[]): DatabaseEvidence | undefined {
  return records
    .flatMap(({ entry: { scan } }) => (scan.state === 'done' ? [scan.database] : []))
    .reduce<DatabaseEvidence | undefined>(newer, undefined);
}

/** The one that was updated later. */
export function newer(a: DatabaseEvidence | undefined, b: DatabaseEvidence | undefined): DatabaseEvidence | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return new Date(a.updatedAt) >= new Date(b.updatedAt) ? a : b;
}

/** What came to hold a platform later is not in its records; the images of a repository are restored before its indexes. */
async function rememberParent({ key, children }: LedgerEntry, { ledger }: RestoreDeps): Promise<void> {
  for (const { digest, platform } of children) {
    await ledger.update({ ...key, digest }, (child) => {
      if (child.parents.includes(key.digest) && child.platform !== undefined) return undefined;
      return { ...child, platform: child.platform ?? platform, parents: joined(child.parents, [key.digest]) };
    });
  }
}

/** A tag that quarantine removed still stands for its digest, until somebody pushes it again. */
async function restoreTags(
  { key, enforcement, pushedAt }: LedgerEntry,
  present: readonly Tag[],
  { ledger, registry, spend }: RestoreDeps,
): Promise<number> {
  const { state, action, record, at, operations } = enforcement;
  const untags = action === 'untag' || action === 'lock-and-untag';
  if (!untags || record === undefined || state === 'released') return 0;
  let restored = 0;
  for (const tag of record.tags.filter((each) => !present.includes(each))) {
    await spend();
    const owner = await registry.resolveTag(key.registry, key.repository, tag);
    const done = operations.find((operation) => operation.kind === 'untag' && operation.tag === tag);
    const begun = done?.at ?? at ?? pushedAt;
    const removed = { digest: key.digest, at: begun, until: begun };
    const place: TagKey = { registry: key.registry, repository: key.repository, tag };
    await ledger.updateTag(place, (row) => {
      // Somebody has pushed it since, and no event has told us of it yet.
      if (row === undefined)
        return owner === undefined ? { ...place, digest: key.digest, pushedAt, removed } : undefined;
      const later = row.removed === undefined || new Date(row.removed.at) < new Date(begun);
      const isOwner = owner === undefined && new Date(row.pushedAt) < new Date(pushedAt);
      return later ? { ...row, ...(isOwner && { digest: key.digest, pushedAt }), removed } : undefined;
    });
    restored += 1;
  }
  return restored;
}
