import { type z } from 'zod';
import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { databaseSchema } from '../message/queue-message.js';
import { statusOf, storageFault } from '../net/storage-fault.js';
import { type LedgerEntry, type TagEntry, entrySchema, tagEntrySchema } from '../pipeline/entry.js';
import type { DatabaseEvidence } from '../vulnerability/report.js';
import type { Table } from './table.js';
import { fromChunks, partitionKey, tagRowKey, toAsciiJson, toChunks } from './table-key.js';

/** All that is known of every digest and tag. Guarded by ETags: a write that would undo another's fails. */
export interface Ledger {
  readonly ensure: () => Promise<void>;
  readonly read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
  /** The new entry's version; undefined where an entry stands already, which is left as it is. */
  readonly create: (entry: LedgerEntry) => Promise<string | undefined>;
  /** Throws `LEDGER_CONFLICT` (retryable) where the entry has moved on from `version`. */
  readonly replace: (entry: LedgerEntry, version: string) => Promise<string>;
  /**
   * Reads, changes and replaces until no one interferes. `change` returns undefined, or what it was given, for no change.
   * Resolves with the entry as it stands, or undefined where there is none. An entry that was `known` a moment ago is
   * not read again unless it has moved.
   */
  readonly update: (
    key: ArtifactKey,
    change: (entry: LedgerEntry) => LedgerEntry | undefined,
    known?: { readonly entry: LedgerEntry; readonly version: string },
  ) => Promise<LedgerEntry | undefined>;
  readonly readTag: (key: TagKey) => Promise<TagEntry | undefined>;
  readonly updateTag: (
    key: TagKey,
    change: (current: TagEntry | undefined) => TagEntry | undefined,
  ) => Promise<TagEntry | undefined>;
  readonly newestDatabase: () => Promise<DatabaseEvidence | undefined>;
  readonly recordDatabase: (database: DatabaseEvidence) => Promise<void>;
}

const MAX_CONFLICTS = 12;
const STATE = { partitionKey: 'state', rowKey: 'database' } as const;

/** Builds the ledger over one table. Throws `LEDGER_UNAVAILABLE`, `LEDGER_CORRUPT`, `LEDGER_TOO_LARGE`. */
export function createLedger(table: Table): Ledger {
  const rows = createRows(table);
  const locate = (key: ArtifactKey) => ({ partitionKey: partitionKey(key), rowKey: key.digest });
  const locateTag = (key: TagKey) => ({ partitionKey: partitionKey(key), rowKey: tagRowKey(key.tag) });
  const columns = ({ decision, enforcement, pushedAt }: LedgerEntry) => ({
    verdict: decision?.verdict ?? 'pending',
    enforcement: enforcement.state,
    pushedAt,
  });
  return {
    ensure: async () => {
      await table.createTable();
    },
    read: async (key) => {
      const row = await rows.get(locate(key), entrySchema);
      return row && { entry: row.value, version: row.etag };
    },
    create: (entry) => rows.create(locate(entry.key), entry, columns(entry)),
    replace: async (entry, version) => {
      const next = await rows.replace(locate(entry.key), entry, { etag: version, columns: columns(entry) });
      if (next === undefined) throw new AppError('LEDGER_CONFLICT', 'the entry has moved on', { retryable: true });
      return next;
    },
    update: (key, change, known) =>
      rows.loop(locate(key), entrySchema, {
        change: (current) => (current === undefined ? undefined : change(current)),
        columns,
        ...(known && { known: { value: known.entry, etag: known.version } }),
      }),
    readTag: async (key) => (await rows.get(locateTag(key), tagEntrySchema))?.value,
    updateTag: (key, change) => rows.loop(locateTag(key), tagEntrySchema, { change, columns: () => ({}) }),
    newestDatabase: async () => (await rows.get(STATE, databaseSchema))?.value,
    recordDatabase: async (database) => {
      await rows.loop(STATE, databaseSchema, {
        change: (newest) =>
          newest !== undefined && new Date(newest.updatedAt) >= new Date(database.updatedAt) ? undefined : database,
        columns: () => ({}),
      });
    },
  };
}

interface Place {
  readonly partitionKey: string;
  readonly rowKey: string;
}
type Columns = Readonly<Record<string, string>>;

function createRows(table: Table) {
  const toRow = (place: Place, value: object, columns: Columns) => {
    const chunks = toChunks(toAsciiJson(value));
    if (chunks === undefined) throw new AppError('LEDGER_TOO_LARGE', 'an entry is too large for the ledger');
    return { ...place, ...columns, ...chunks };
  };
  const get = async <T>(place: Place, schema: z.ZodType<T>) => {
    try {
      const row = await table.getEntity(place.partitionKey, place.rowKey);
      return { value: parseRow(row, schema), etag: row.etag };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw storageFault('LEDGER_UNAVAILABLE', error);
    }
  };
  const create = async (place: Place, value: object, columns: Columns): Promise<string | undefined> => {
    try {
      const { etag } = await table.createEntity(toRow(place, value, columns));
      return etag ?? '';
    } catch (error) {
      if (statusOf(error) === 409) return undefined;
      throw storageFault('LEDGER_UNAVAILABLE', error);
    }
  };
  const replace = async (
    place: Place,
    value: object,
    { etag, columns }: { readonly etag: string; readonly columns: Columns },
  ): Promise<string | undefined> => {
    try {
      const answer = await table.updateEntity(toRow(place, value, columns), 'Replace', { etag });
      return answer.etag ?? '';
    } catch (error) {
      if (statusOf(error) === 412 || statusOf(error) === 404) return undefined;
      throw storageFault('LEDGER_UNAVAILABLE', error);
    }
  };
  const loop = async <T extends object>(
    place: Place,
    schema: z.ZodType<T>,
    {
      change,
      columns,
      known,
    }: {
      readonly change: (current: T | undefined) => T | undefined;
      readonly columns: (value: T) => Columns;
      readonly known?: { readonly value: T; readonly etag: string };
    },
  ): Promise<T | undefined> => {
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      const current = conflicts === 0 && known !== undefined ? known : await get(place, schema);
      const next = change(current?.value);
      if (next === undefined || next === current?.value) return current?.value;
      const etag = current?.etag;
      const written =
        etag === undefined
          ? await create(place, next, columns(next))
          : await replace(place, next, { etag, columns: columns(next) });
      if (written !== undefined) return next;
    }
    throw new AppError('LEDGER_CONFLICT', 'the entry kept moving', { retryable: true });
  };
  return { get, create, replace, loop };
}

function parseRow<T>(row: Readonly<Record<string, unknown>>, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(fromChunks(row)));
  } catch (cause) {
    throw new AppError('LEDGER_CORRUPT', 'a row of the ledger cannot be read', { cause });
  }
}
