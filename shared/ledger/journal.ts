import { randomUUID } from 'node:crypto';
import { statusOf, storageFault } from '../net/storage-fault.js';
import type { Journal } from '../pipeline/effects.js';
import type { Table } from './table.js';
import { partitionKey } from './table-key.js';

const MAX_DETAIL = 30_000;

/** Appends to the journal table: one partition a month, rows in order of time. The same `id` twice is one row. */
export function createJournal(table: Pick<Table, 'createEntity'>, clock: () => Date): Journal {
  return async ({ key, what, who, why, detail, id }) => {
    const at = clock().toISOString();
    const row = {
      partitionKey: at.slice(0, 7),
      // An identified line keeps its row whatever the time of the repeat.
      rowKey: id === undefined ? `${at}-${randomUUID()}` : `id-${encodeURIComponent(id).replaceAll('%', '=')}`,
      at,
      what,
      who,
      why: why ?? '',
      artifact: key === undefined ? '' : `${partitionKey(key)} ${key.digest}`,
      detail: JSON.stringify(detail ?? {}).slice(0, MAX_DETAIL),
    };
    try {
      await table.createEntity(row);
    } catch (error) {
      if (statusOf(error) !== 409) throw storageFault('LEDGER_UNAVAILABLE', error);
    }
  };
}
