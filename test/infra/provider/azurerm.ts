import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attribute, type Block, type Nested, type ProviderSchema, type Type, timeouts } from './schema.js';

/** An argument in the words of the SDK that azurerm is written with: https://pkg.go.dev/github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema */
interface SdkSchema {
  readonly type: 'TypeBool' | 'TypeInt' | 'TypeFloat' | 'TypeString' | 'TypeList' | 'TypeSet' | 'TypeMap';
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly elem?: SdkSchema | SdkResource;
}
interface SdkResource {
  readonly schema: Readonly<Record<string, SdkSchema>>;
}
interface SdkTopLevel extends SdkResource {
  readonly timeouts?: Readonly<Record<string, number>>;
}
interface Dump {
  readonly provider_schema: Readonly<Record<string, SdkSchema>>;
  readonly resources: Readonly<Record<string, SdkTopLevel>>;
  readonly data_sources: Readonly<Record<string, SdkTopLevel>>;
}

/** Blocks that azurerm declares to be attributes, so that an empty list can be told from none; by resource and path. */
const ATTRIBUTES_IN_SPITE = new Set([
  'azurerm_container_registry.encryption',
  'azurerm_container_registry.network_rule_set',
  'azurerm_container_registry.network_rule_set.ip_rule',
  'azurerm_key_vault.access_policy',
  'azurerm_network_security_group.security_rule',
  'azurerm_virtual_network.subnet',
]);

// The harness puts it here, from test/fixtures/infra.
const SOURCE = join(import.meta.dirname, 'azurerm-5.2.0-schema.json');

/** The official schema of azurerm 5.2.0, for the resources that Lazaret's infrastructure is made of. */
export function azurermSchema(): ProviderSchema {
  const dump = JSON.parse(readFileSync(SOURCE, 'utf8')) as Dump;
  const all = (kind: Readonly<Record<string, SdkTopLevel>>) =>
    Object.fromEntries(Object.entries(kind).map(([name, resource]) => [name, topLevel(name, resource)]));
  return {
    provider: blockOf('provider', dump.provider_schema),
    resources: all(dump.resources),
    dataSources: all(dump.data_sources),
  };
}

function topLevel(name: string, { schema, timeouts: times }: SdkTopLevel): Block {
  const { attributes, blocks } = blockOf(name, schema);
  return {
    // Every resource of the SDK has one.
    attributes: { ...attributes, id: attributes['id'] ?? { type: 'string', optional: true, computed: true } },
    blocks: { ...blocks, ...(times !== undefined && { timeouts: timeouts(Object.keys(times)) }) },
  };
}

function blockOf(path: string, schema: Readonly<Record<string, SdkSchema>>): Block {
  const attributes: Record<string, Attribute> = {};
  const blocks: Record<string, Nested> = {};
  for (const [name, argument] of Object.entries(schema)) {
    const place = `${path}.${name}`;
    const { elem } = argument;
    // What is only exported never stands in a configuration, so it is an attribute, whatever its shape.
    const isBlock =
      elem !== undefined &&
      'schema' in elem &&
      argument.type !== 'TypeMap' &&
      !(argument.computed === true && argument.optional !== true) &&
      !ATTRIBUTES_IN_SPITE.has(place);
    if (isBlock) blocks[name] = nestedOf(place, argument, elem);
    else attributes[name] = attributeOf(argument);
  }
  return { attributes, blocks };
}

function nestedOf(place: string, { type, required, minItems, maxItems }: SdkSchema, { schema }: SdkResource): Nested {
  return {
    block: blockOf(place, schema),
    nesting: type === 'TypeSet' ? 'set' : 'list',
    min: required === true ? Math.max(minItems ?? 0, 1) : 0,
    max: maxItems ?? 0,
  };
}

function attributeOf(argument: SdkSchema): Attribute {
  const { required = false, optional = false, computed = false, sensitive = false } = argument;
  return { type: typeOf(argument), required, optional, computed, sensitive };
}

function typeOf({ type, elem }: SdkSchema): Type {
  switch (type) {
    case 'TypeBool':
      return 'bool';
    case 'TypeInt':
    case 'TypeFloat':
      return 'number';
    case 'TypeString':
      return 'string';
    case 'TypeList':
      return ['list', elementOf(elem)];
    case 'TypeSet':
      return ['set', elementOf(elem)];
    case 'TypeMap':
      return ['map', elem !== undefined && !('schema' in elem) ? typeOf(elem) : 'string'];
  }
}

function elementOf(elem: SdkSchema | SdkResource | undefined): Type {
  if (elem === undefined) return 'string';
  if (!('schema' in elem)) return typeOf(elem);
  return ['object', Object.fromEntries(Object.entries(elem.schema).map(([name, each]) => [name, typeOf(each)]))];
}
