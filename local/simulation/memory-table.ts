import type { NewRow, Table, TableRow } from '../../shared/ledger/table.js';
import { refusal } from './refusal.js';

/** A table in memory, with ETags as the service has them: every write makes a new one. */
export function createMemoryTable(): Table {
  const partitions = new Map<string, Map<string, TableRow>>();
  let version = 0;
  const find = (partitionKey: string, rowKey: string) => partitions.get(partitionKey)?.get(rowKey);
  const write = (row: NewRow): { readonly etag: string } => {
    version += 1;
    const etag = `W/"${version}"`;
    const partition = partitions.get(row.partitionKey) ?? new Map<string, TableRow>();
    partition.set(row.rowKey, { ...row, etag });
    partitions.set(row.partitionKey, partition);
    return { etag };
  };
  return {
    createTable: () => Promise.resolve(),
    getEntity: (partitionKey, rowKey) => {
      const row = find(partitionKey, rowKey);
      return row === undefined ? refusal(404) : Promise.resolve(row);
    },
    createEntity: (row) => (find(row.partitionKey, row.rowKey) ? refusal(409) : Promise.resolve(write(row))),
    listEntities: async function* ({ queryOptions: { filter } }) {
      const partition = /^PartitionKey eq '(.*)'$/.exec(filter)?.[1]?.replaceAll("''", "'");
      const found = [...(partitions.get(partition ?? '')?.values() ?? [])];
      yield* found.sort((a, b) => (String(a['rowKey']) < String(b['rowKey']) ? -1 : 1));
      return Promise.resolve();
    },
    deleteEntity: (partitionKey, rowKey) =>
      partitions.get(partitionKey)?.delete(rowKey) === true ? Promise.resolve() : refusal(404),
    updateEntity: (row, _mode, { etag }) => {
      const current = find(row.partitionKey, row.rowKey);
      if (current === undefined) return refusal(404);
      return etag === '*' || etag === current.etag ? Promise.resolve(write(row)) : refusal(412);
    },
  };
}
