import type { NewRow, Table, TableRow } from '../../shared/ledger/table.js';
import { refusal } from './refusal.js';

/** A table in memory, with ETags as the service has them: every write makes a new one. */
export function createMemoryTable(): Table {
  const rows = new Map<string, TableRow>();
  let version = 0;
  const place = (partitionKey: string, rowKey: string) => `${partitionKey}\n${rowKey}`;
  const write = (row: NewRow): { readonly etag: string } => {
    version += 1;
    const etag = `W/"${version}"`;
    rows.set(place(row.partitionKey, row.rowKey), { ...row, etag });
    return { etag };
  };
  return {
    createTable: () => Promise.resolve(),
    getEntity: (partitionKey, rowKey) => {
      const row = rows.get(place(partitionKey, rowKey));
      return row === undefined ? refusal(404) : Promise.resolve(row);
    },
    createEntity: (row) => (rows.has(place(row.partitionKey, row.rowKey)) ? refusal(409) : Promise.resolve(write(row))),
    listEntities: async function* ({ queryOptions: { filter } }) {
      const partition = /^PartitionKey eq '(.*)'$/.exec(filter)?.[1]?.replaceAll("''", "'");
      const found = [...rows.values()].filter(({ partitionKey }) => partitionKey === partition);
      yield* found.sort((a, b) => (String(a['rowKey']) < String(b['rowKey']) ? -1 : 1));
      return Promise.resolve();
    },
    updateEntity: (row, _mode, { etag }) => {
      const current = rows.get(place(row.partitionKey, row.rowKey));
      if (current === undefined) return refusal(404);
      return etag === '*' || etag === current.etag ? Promise.resolve(write(row)) : refusal(412);
    },
  };
}
