/** A type of Terraform's, as it is written on the wire: `"string"`, `["list", "string"]`, `["object", {…}]`, `"dynamic"`. */
export type Type = string | readonly [kind: 'list' | 'set' | 'map', element: Type] | readonly ['object', ObjectType];
export type ObjectType = { readonly [name: string]: Type };

/** One argument or exported value. */
export interface Attribute {
  readonly type: Type;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
}

/** A nested block. `max` is 0 where there is no limit. */
export interface Nested {
  readonly block: Block;
  readonly nesting: 'single' | 'list' | 'set';
  readonly min: number;
  readonly max: number;
}

/** What may stand in a block. */
export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly blocks: Readonly<Record<string, Nested>>;
}

/** All that a provider says of itself. */
export interface ProviderSchema {
  readonly provider: Block;
  readonly resources: Readonly<Record<string, Block>>;
  readonly dataSources: Readonly<Record<string, Block>>;
}

/** The block in which an author sets how long an operation may take. */
export function timeouts(operations: readonly string[]): Nested {
  const attributes = Object.fromEntries(operations.map((name) => [name, { type: 'string', optional: true }]));
  return { block: { attributes, blocks: {} }, nesting: 'single', min: 0, max: 0 };
}
