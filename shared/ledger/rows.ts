import type { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { statusOf, storageFault } from '../net/storage-fault.js';
import type { Table } from './table.js';
import { fromChunks, toAsciiJson, toChunks } from './table-key.js';

const MAX_CONFLICTS = 12;

/** Where a row is. */
export interface Place {
  readonly partitionKey: string;
  readonly rowKey: string;
}
/** Columns that people may filter by; the value itself is JSON. */
export type Columns = Readonly<Record<string, string>>;

/** Rows whose value is JSON, guarded by their ETags. Throws `LEDGER_UNAVAILABLE`, `LEDGER_CORRUPT`, `LEDGER_TOO_LARGE`. */
export function createRows(table: Table) {
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
  const remove = async ({ partitionKey, rowKey }: Place): Promise<void> => {
    try {
      await table.deleteEntity(partitionKey, rowKey);
    } catch (error) {
      if (statusOf(error) !== 404) throw storageFault('LEDGER_UNAVAILABLE', error);
    }
  };
  /** The rows of one partition, each read by the schema that its key asks for. */
  const list = async function* <T>(partition: string, schemaOf: (rowKey: string) => z.ZodType<T>): AsyncGenerator<T> {
    try {
      const filter = `PartitionKey eq '${partition.replaceAll("'", "''")}'`;
      for await (const row of table.listEntities({ queryOptions: { filter } })) {
        yield parseRow(row, schemaOf(String(row['rowKey'])));
      }
    } catch (error) {
      throw storageFault('LEDGER_UNAVAILABLE', error);
    }
  };
  return { get, create, replace, loop, remove, list };
}

function parseRow<T>(row: Readonly<Record<string, unknown>>, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(fromChunks(row)));
  } catch (cause) {
    throw new AppError('LEDGER_CORRUPT', 'a row of the ledger cannot be read', { cause });
  }
}
