import { type Attribute, type Block, type Nested, type ProviderSchema, type Type, timeouts } from './schema.js';

const optional = (type: Type): Attribute => ({ type, optional: true });
const required = (type: Type): Attribute => ({ type, required: true });
const computed = (type: Type): Attribute => ({ type, computed: true });
const either = (type: Type): Attribute => ({ type, optional: true, computed: true });

const TEXTS = ['map', 'string'] as const;
const LISTS = ['map', ['list', 'string']] as const;

/** Headers and query parameters that an author may add to each kind of request. */
function requests(kinds: readonly string[]): Readonly<Record<string, Attribute>> {
  return Object.fromEntries(
    kinds.flatMap((kind) => [
      [`${kind}_headers`, optional(TEXTS)],
      [`${kind}_query_parameters`, optional(LISTS)],
    ]),
  );
}

const RETRY: Attribute = optional([
  'object',
  {
    error_message_regex: ['list', 'string'],
    interval_seconds: 'number',
    max_interval_seconds: 'number',
    multiplier: 'number',
    randomization_factor: 'number',
  },
]);

const IDENTITY: Nested = {
  block: {
    attributes: {
      type: required('string'),
      identity_ids: optional(['list', 'string']),
      principal_id: computed('string'),
      tenant_id: computed('string'),
    },
    blocks: {},
  },
  nesting: 'list',
  min: 0,
  max: 0,
};

/**
 * azapi 2.12: a resource is its type, its parent and a body whose shape only Azure knows.
 * https://registry.terraform.io/providers/Azure/azapi/latest/docs/resources/resource
 */
const RESOURCE: Block = {
  attributes: {
    id: computed('string'),
    type: required('string'),
    name: either('string'),
    parent_id: either('string'),
    location: either('string'),
    body: either('dynamic'),
    tags: either(TEXTS),
    output: computed('dynamic'),
    sensitive_body: optional('dynamic'),
    sensitive_body_version: optional(TEXTS),
    ignore_body_changes: optional(['list', 'string']),
    response_export_values: optional('dynamic'),
    replace_triggers_external_values: optional('dynamic'),
    replace_triggers_refs: optional(['list', 'string']),
    schema_validation_enabled: either('bool'),
    ignore_casing: either('bool'),
    ignore_missing_property: either('bool'),
    ignore_null_property: either('bool'),
    list_unique_id_property: optional(TEXTS),
    ignore_other_items_in_list: optional(['list', 'string']),
    locks: optional(['list', 'string']),
    retry: RETRY,
    ...requests(['create', 'update', 'delete', 'read']),
  },
  blocks: { identity: IDENTITY, timeouts: timeouts(['create', 'read', 'update', 'delete']) },
};

/** https://registry.terraform.io/providers/Azure/azapi/latest/docs/resources/update_resource */
const UPDATE: Block = {
  attributes: {
    id: computed('string'),
    type: required('string'),
    name: either('string'),
    parent_id: either('string'),
    resource_id: either('string'),
    body: optional('dynamic'),
    sensitive_body: optional('dynamic'),
    sensitive_body_version: optional(TEXTS),
    output: computed('dynamic'),
    response_export_values: optional('dynamic'),
    replace_triggers_external_values: optional('dynamic'),
    ignore_casing: either('bool'),
    ignore_missing_property: either('bool'),
    list_unique_id_property: optional(TEXTS),
    ignore_other_items_in_list: optional(['list', 'string']),
    locks: optional(['list', 'string']),
    retry: RETRY,
    ...requests(['update', 'read']),
  },
  blocks: { timeouts: timeouts(['create', 'read', 'update', 'delete']) },
};

/** https://registry.terraform.io/providers/Azure/azapi/latest/docs/data-sources/resource */
const DATA: Block = {
  attributes: {
    id: computed('string'),
    type: required('string'),
    name: either('string'),
    parent_id: either('string'),
    resource_id: either('string'),
    ignore_not_found: optional('bool'),
    exists: computed('bool'),
    location: computed('string'),
    tags: computed(TEXTS),
    output: computed('dynamic'),
    response_export_values: optional('dynamic'),
    headers: optional(TEXTS),
    query_parameters: optional(LISTS),
    retry: RETRY,
  },
  blocks: { timeouts: timeouts(['read']) },
};

const PROVIDER: Block = {
  attributes: {
    subscription_id: optional('string'),
    tenant_id: optional('string'),
    client_id: optional('string'),
    environment: optional('string'),
    use_oidc: optional('bool'),
    use_cli: optional('bool'),
    use_msi: optional('bool'),
    default_location: optional('string'),
    default_name: optional('string'),
    default_tags: optional(TEXTS),
    skip_provider_registration: optional('bool'),
    enable_preflight: optional('bool'),
    disable_default_output: optional('bool'),
  },
  blocks: {},
};

/** The schema of azapi 2.12, as far as Lazaret's infrastructure could use it. */
export function azapiSchema(): ProviderSchema {
  return {
    provider: PROVIDER,
    resources: { azapi_resource: RESOURCE, azapi_update_resource: UPDATE },
    dataSources: { azapi_resource: DATA },
  };
}
