/** A row as the table service answers with it. */
export type TableRow = Readonly<Record<string, unknown>> & { readonly etag: string };

/**
 * What ledger and journal ask of a table: as much of `TableClient` as they use. A refusal carries its HTTP status as
 * `statusCode`: 404 for no such row, 409 for one that stands already, 412 for an ETag that has moved on.
 */
export interface Table {
  readonly createTable: () => Promise<unknown>;
  readonly getEntity: (partitionKey: string, rowKey: string) => Promise<TableRow>;
  readonly createEntity: (row: NewRow) => Promise<{ readonly etag?: string }>;
  readonly updateEntity: (
    row: NewRow,
    mode: 'Replace',
    options: { readonly etag: string },
  ) => Promise<{ readonly etag?: string }>;
  readonly deleteEntity: (partitionKey: string, rowKey: string) => Promise<unknown>;
  /** The rows that an OData filter matches, in the order of their keys. */
  readonly listEntities: (options: {
    readonly queryOptions: { readonly filter: string };
  }) => AsyncIterable<Readonly<Record<string, unknown>>>;
}

/** A row to be written. */
export interface NewRow {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly [column: string]: string;
}
