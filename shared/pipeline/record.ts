import { z } from 'zod';
import { digestOf, hexOf } from '../artifact/digest.js';
import { type ArtifactKey, parseKey } from '../artifact/reference.js';
import type { BlobRef } from '../message/queue-message.js';
import type { Decision } from '../policy/decision.js';
import type { Clock } from './effects.js';
import { type LedgerEntry, entrySchema } from './entry.js';
import { isSameJson } from './same.js';

/** Where records are, in the container `quarantine`. */
export const RECORDS = 'entries/';

/** The longest record, in bytes: more than the largest row of the ledger. */
export const MAX_RECORD_BYTES = 1024 * 1024;

const VERSION = 1;
const REASONS = ['quarantine', 'settled', 'release', 'insist', 'overtaken'] as const;

const recordSchema = z.object({
  v: z.literal(VERSION),
  at: z.iso.datetime(),
  /** What was about to happen. `overtaken`: somebody else's change came first, and this is what it came to. */
  because: z.enum(REASONS),
  entry: entrySchema,
});

/** Where records are put. */
export interface RecordStore {
  /** Creates a blob once; false when it was there already. */
  readonly createOnce: (container: 'quarantine', name: string, bytes: Uint8Array) => Promise<boolean>;
}

/** What {@link putRecord} needs. */
export interface PutRecordDeps {
  readonly store: RecordStore;
  readonly clock: Clock;
}

/** Why a record is written, and what for. */
export interface RecordPurpose {
  readonly because: (typeof REASONS)[number];
  /** The decision that is about to be carried out. For people; nothing is restored from it. */
  readonly wanted?: Pick<Decision, 'verdict' | 'action' | 'reasons' | 'policy'>;
}

/**
 * Writes down a ledger entry as it is about to be, so that it can be had again where the ledger is lost. Nothing is ever
 * written over: the last one of a digest counts. Safe to repeat.
 */
export async function putRecord(
  entry: LedgerEntry,
  { because, wanted }: RecordPurpose,
  { store, clock }: PutRecordDeps,
): Promise<BlobRef> {
  const at = clock().toISOString();
  const bytes = Buffer.from(JSON.stringify({ v: VERSION, at, because, ...(wanted && { wanted }), entry }));
  const ref = { digest: digestOf(bytes), bytes: bytes.byteLength };
  await store.createOnce('quarantine', recordName(entry, at, bytes), bytes);
  return ref;
}

/**
 * `entries/<registry>/<repository>/<image|index>/<hex>/<time>-<hash>.json`: in the order of a listing the records of one
 * digest stand together, the last one last, and the images of a repository before the indexes that hold them.
 */
export function recordName({ key, kind }: Pick<LedgerEntry, 'key' | 'kind'>, at: string, bytes: Uint8Array): string {
  const { registry, repository, digest } = key;
  return `${RECORDS}${registry}/${repository}/${kind}/${hexOf(digest)}/${at}-${hashOf(bytes)}.json`;
}

const hashOf = (bytes: Uint8Array) => hexOf(digestOf(bytes)).slice(0, 16);

/** What the name of a record tells. */
export interface RecordName {
  readonly name: string;
  readonly key: ArtifactKey;
  readonly kind: LedgerEntry['kind'];
  /** RFC 3339, in milliseconds, UTC. */
  readonly at: string;
  readonly hash: string;
  /** What the names of all records of this digest begin with. */
  readonly prefix: string;
}

const NAME =
  /^(entries\/([^/]+)\/(.+)\/(image|index)\/([0-9a-f]{64})\/)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)-([0-9a-f]{16})\.json$/;

/** Reads the name of a record; undefined where it is none. */
export function parseRecordName(name: string): RecordName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, prefix = '', registry = '', repository = '', kind, hex = '', at = '', hash = ''] = match;
  try {
    const key = parseKey({ registry, repository, digest: `sha256:${hex}` });
    return { name, key, kind: kind === 'index' ? 'index' : 'image', at, hash, prefix };
  } catch {
    return undefined;
  }
}

/** A record that is what its name says. */
export interface StoredRecord {
  readonly name: string;
  /** RFC 3339. */
  readonly at: string;
  readonly entry: LedgerEntry;
}

/** Reads a record; undefined where it is damaged, of another version, or not what its name says. */
export function readRecord(named: RecordName, bytes: Uint8Array): StoredRecord | undefined {
  if (bytes.byteLength > MAX_RECORD_BYTES || hashOf(bytes) !== named.hash) return undefined;
  let parsed: z.infer<typeof recordSchema>;
  try {
    parsed = recordSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
  const { at, entry } = parsed;
  if (at !== named.at || entry.kind !== named.kind || !isSameJson(entry.key, named.key)) return undefined;
  const { record } = entry.enforcement;
  if (record === undefined || record.blob !== undefined) return { name: named.name, at, entry };
  // What stood before is told by this very blob, which cannot name itself.
  const blob = { digest: digestOf(bytes), bytes: bytes.byteLength };
  return {
    name: named.name,
    at,
    entry: { ...entry, enforcement: { ...entry.enforcement, record: { ...record, blob } } },
  };
}
