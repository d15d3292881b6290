import type { Methods } from './grpc.js';
import type { Attribute, Block, Nested, ProviderSchema } from './schema.js';
import { bytesField, entryField, numberField } from './wire.js';

// Message and field numbers: https://github.com/hashicorp/terraform/blob/v1.9.0/docs/plugin-protocol/tfplugin5.5.proto
const NESTING = { single: 1, list: 2, set: 3 } as const;

function attribute(name: string, { type, required, optional, computed, sensitive }: Attribute): Buffer {
  return Buffer.concat([
    bytesField(1, name),
    bytesField(2, JSON.stringify(type)),
    numberField(4, required ?? false),
    numberField(5, optional ?? false),
    numberField(6, computed ?? false),
    numberField(7, sensitive ?? false),
  ]);
}

function nested(name: string, { block: inner, nesting, min, max }: Nested): Buffer {
  return Buffer.concat([
    bytesField(1, name),
    bytesField(2, block(inner)),
    numberField(3, NESTING[nesting]),
    numberField(4, min),
    numberField(5, max),
  ]);
}

function block({ attributes, blocks }: Block): Buffer {
  return Buffer.concat([
    ...Object.entries(attributes).map(([name, each]) => bytesField(2, attribute(name, each))),
    ...Object.entries(blocks).map(([name, each]) => bytesField(3, nested(name, each))),
  ]);
}

const schema = (root: Block) => bytesField(2, block(root));

/** The answer to `GetSchema`. */
function allSchemas({ provider, resources, dataSources }: ProviderSchema): Buffer {
  return Buffer.concat([
    bytesField(1, schema(provider)),
    ...Object.entries(resources).map(([name, root]) => entryField(2, name, schema(root))),
    ...Object.entries(dataSources).map(([name, root]) => entryField(3, name, schema(root))),
  ]);
}

const CONTROL = '/plugin.GRPCController/Shutdown';

/** Whether Terraform has asked us to end. */
export const isShutdown = (path: string) => path === CONTROL;

/**
 * A provider that knows its schema and nothing else. Terraform checks a configuration against it; mocks stand for all that a
 * provider would do, and what validates is content with everything: an empty answer has no diagnostics.
 */
export function pluginMethods(described: ProviderSchema): Methods {
  return (path) => {
    if (path === '/tfplugin5.Provider/GetSchema') return allSchemas(described);
    if (path.startsWith('/tfplugin5.Provider/') || path === CONTROL) return new Uint8Array();
    return undefined;
  };
}
