import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REAL, createWorkspace, findTerraform } from './harness/terraform.js';
import { bytesField, entryField, numberField } from './provider/wire.js';

const terraform = findTerraform();

describe('the wire', () => {
  it('writes what the documentation of protocol buffers shows', () => {
    // https://protobuf.dev/programming-guides/encoding: 150 in field 1, "testing" in field 2.
    expect(numberField(1, 150).toString('hex')).toBe('089601');
    expect(bytesField(2, 'testing').toString('hex')).toBe('120774657374696e67');
    expect(numberField(4, true).toString('hex')).toBe('2001');
    expect(numberField(4, 0).byteLength).toBe(0);
    expect(bytesField(16, 'x'.repeat(200)).subarray(0, 4).toString('hex')).toBe('8201c801');
    expect(entryField(2, 'k', Buffer.from('08', 'hex')).toString('hex')).toBe('12060a016b120108');
  });
});

const attributeSchema = z.object({
  type: z.unknown().optional(),
  required: z.boolean().optional(),
  optional: z.boolean().optional(),
  computed: z.boolean().optional(),
});
const blockSchema = z.object({
  attributes: z.record(z.string(), attributeSchema),
  block_types: z
    .record(z.string(), z.object({ nesting_mode: z.string(), max_items: z.number().optional() }))
    .optional(),
});
const schemasSchema = z.object({
  provider_schemas: z.record(
    z.string(),
    z.object({ resource_schemas: z.record(z.string(), z.object({ block: blockSchema })) }),
  ),
});

// The real ones say the same, and tens of megabytes more.
describe.skipIf(terraform === undefined || REAL)('the schema-only provider', () => {
  it('tells Terraform what the official one does', () => {
    const workspace = createWorkspace(terraform!);
    try {
      const { text } = workspace.run('providers', 'schema', '-json');
      const { provider_schemas: providers } = schemasSchema.parse(JSON.parse(text.slice(text.indexOf('{'))));
      const azurerm = providers['registry.terraform.io/hashicorp/azurerm']?.resource_schemas ?? {};
      expect(Object.keys(azurerm).length).toBe(61);
      const registry = azurerm['azurerm_container_registry']?.block;
      expect(registry?.attributes['name']).toEqual({ type: 'string', required: true });
      expect(registry?.attributes['login_server']).toEqual({ type: 'string', computed: true });
      // Declared to be attributes by azurerm, so that an empty list can be told from none.
      expect(registry?.attributes['encryption']?.type).toEqual([
        'list',
        ['object', { identity_client_id: 'string', key_vault_key_id: 'string' }],
      ]);
      expect(Object.entries(registry?.block_types ?? {}).map(([name, { nesting_mode: mode }]) => [name, mode])).toEqual(
        [
          ['georeplications', 'list'],
          ['identity', 'list'],
          ['timeouts', 'single'],
        ],
      );
      expect(azurerm['azurerm_private_endpoint']?.block.block_types?.['private_service_connection']).toMatchObject({
        nesting_mode: 'list',
        max_items: 1,
      });
      const azapi = providers['registry.terraform.io/azure/azapi']?.resource_schemas ?? {};
      expect(azapi['azapi_resource']?.block.attributes['body']).toEqual({
        type: 'dynamic',
        optional: true,
        computed: true,
      });
    } finally {
      workspace.remove();
    }
  }, 60_000);
});
