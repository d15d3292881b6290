/** A mistake that somebody could make: what it changes in which file, and how it has to be found. */
export interface Mistake {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The finding's code, and what its address contains. */
  readonly found: readonly [code: string, place: string];
}

/** Mistakes that only a look at what would be made finds: Terraform and Azure would take each of them. */
export const MISTAKES: readonly Mistake[] = [
  {
    file: 'storage.tf',
    from: 'shared_access_key_enabled        = false',
    to: 'shared_access_key_enabled        = true',
    found: ['KEY', 'storage_account'],
  },
  {
    file: 'storage.tf',
    from: 'var.network_isolation ? "Deny" : "Allow"',
    to: '"Allow"',
    found: ['PUBLIC', 'storage_account'],
  },
  {
    file: 'storage.tf',
    from: 'https_traffic_only_enabled = true',
    to: 'https_traffic_only_enabled = false',
    found: ['CLEARTEXT', 'storage_account'],
  },
  {
    file: 'storage.tf',
    from: 'infrastructure_encryption_enabled = true',
    to: 'infrastructure_encryption_enabled = false',
    found: ['ENCRYPTION', 'storage_account'],
  },
  {
    file: 'storage.tf',
    from: 'container_access_type = "private"',
    to: 'container_access_type = "blob"',
    found: ['ANONYMOUS', 'blobs["reports"]'],
  },
  {
    file: 'registry.tf',
    from: 'admin_enabled          = false',
    to: 'admin_enabled          = true',
    found: ['KEY', 'container_registry'],
  },
  {
    file: 'registry.tf',
    from: 'anonymous_pull_enabled = false',
    to: 'anonymous_pull_enabled = true',
    found: ['ANONYMOUS', 'container_registry'],
  },
  {
    file: 'registry.tf',
    from: 'public_network_access_enabled = !var.network_isolation',
    to: 'public_network_access_enabled = true',
    found: ['PUBLIC', 'container_registry'],
  },
  {
    file: 'registry.tf',
    from: 'quarantine_policy_enabled = false',
    to: 'quarantine_policy_enabled = true',
    found: ['SILENT', 'container_registry'],
  },
  {
    file: 'key_vault.tf',
    from: 'public_network_access_enabled = !var.network_isolation',
    to: 'public_network_access_enabled = true',
    found: ['PUBLIC', 'key_vault'],
  },
  {
    file: 'key_vault.tf',
    from: 'purge_protection_enabled      = true',
    to: 'purge_protection_enabled      = false',
    found: ['EVIDENCE', 'key_vault'],
  },
  {
    file: 'function_app.tf',
    from: 'var.network_isolation ? "Disabled" : "Enabled"',
    to: '"Enabled"',
    found: ['PUBLIC', 'function_app'],
  },
  { file: 'function_app.tf', from: 'allow = false', to: 'allow = true', found: ['KEY', 'basic_publishing'] },
  {
    file: 'function_app.tf',
    from: 'minTlsVersion    = "1.2"',
    to: 'minTlsVersion    = "1.0"',
    found: ['CLEARTEXT', 'function_app'],
  },
  { file: 'function_settings.tf', from: '"managedidentity"', to: '"AccountKey=abc"', found: ['KEY', 'function_app'] },
  {
    file: 'function_settings.tf',
    from: 'LAZARET_ENFORCEMENT   = var.enforcement',
    to: 'LAZARET_ENFORCMENT    = var.enforcement',
    found: ['SETTING', 'LAZARET_ENFORCMENT'],
  },
  {
    file: 'function_settings.tf',
    from: 'resourceId = local.registry.id',
    to: 'id = local.registry.id',
    found: ['SETTING', 'LAZARET_REGISTRIES'],
  },
  {
    file: 'scan_job.tf',
    from: 'var.network_isolation ? "Disabled" : "Enabled"',
    to: '"Enabled"',
    found: ['PUBLIC', 'container_app_environment'],
  },
  {
    file: 'scan_job.tf',
    from: 'logs_destination = "azure-monitor"',
    to: 'logs_destination = "log-analytics"',
    found: ['KEY', 'container_app_environment'],
  },
  {
    file: 'scan_job.tf',
    from: '          identity_id = azurerm_user_assigned_identity.job.id\n',
    to: '',
    found: ['KEY', 'container_app_job'],
  },
  {
    file: 'variables_scan.tf',
    from: '@sha256:[0-9a-f]{64}$", var.scan_image',
    to: '[@:].*$", var.scan_image',
    found: ['TAG', 'container_app_job'],
  },
  {
    file: 'events.tf',
    from: '    event_time_to_live    = 1440',
    to: '    event_time_to_live    = 1',
    found: ['LOST', 'event_subscription'],
  },
  {
    file: 'names.tf',
    from: '"verify-sweep", "scanned"',
    to: '"verify-sweeps", "scanned"',
    found: ['QUEUES', 'verify-sweeps'],
  },
  {
    file: 'names.tf',
    from: 'tables         = ["ledger", "journal"]',
    to: 'tables         = ["ledger", "journal", "leger"]',
    found: ['TABLES', 'leger'],
  },
  {
    file: 'grants.tf',
    from: '"job scanned" = { who = "job", role = "Storage Queue Data Message Sender"',
    to: '"job scanned" = { who = "job", role = "Contributor"',
    found: ['BROAD_ROLE', 'job scanned'],
  },
  {
    file: 'grants.tf',
    from: 'scope = local.container_ids["reports"] }',
    to: 'scope = azurerm_storage_account.lazaret.id }',
    found: ['BROAD_SCOPE', 'job reports'],
  },
  {
    file: 'grants.tf',
    from: 'merge(grant, { scope = local.registry.id })',
    to: 'merge(grant, { scope = local.registry.resource_group_id })',
    found: ['BROAD_SCOPE', 'app repositories'],
  },
  {
    file: 'grants.tf',
    from: 'null : "2.0"',
    to: 'null : "1.0"',
    found: ['CONDITION_VERSION', 'app repositories'],
  },
  {
    file: 'roles.tf',
    from: '"${local.blob_actions}/blobs/add/action"]\n    }\n    record',
    to: '"${local.blob_actions}/*"]\n    }\n    record',
    found: ['WILDCARD', 'report_creator'],
  },
  {
    file: 'roles.tf',
    from: 'scope             = local.registry.resource_group_id\n  assignable_scopes = [local.registry.resource_group_id]',
    to: 'scope             = local.registry.resource_group_id\n  assignable_scopes = [join("/", slice(split("/", local.registry.resource_group_id), 0, 3))]',
    found: ['BROAD_SCOPE', 'azurerm_role_definition.registry'],
  },
  {
    file: 'conditions.tf',
    from: 'writer      = ["content/read", "content/write", "metadata/read", "metadata/write"]',
    to: 'writer      = ["content/read", "metadata/read", "metadata/write"]',
    found: ['CONDITION_INCOMPLETE', 'ci-shop'],
  },
  {
    file: 'endpoints.tf',
    from: 'zone = "privatelink.azurecr.io"',
    to: 'zone = "privatelink.azurecr.com"',
    found: ['DNS', 'registry'],
  },
  { file: 'endpoints.tf', from: 'part = "sites"', to: 'part = "site"', found: ['ENDPOINT', 'app'] },
  {
    file: 'endpoints.tf',
    from: 'is_manual_connection           = false',
    to: 'is_manual_connection           = true',
    found: ['MANUAL', 'private_endpoint'],
  },
  {
    file: 'outbound.tf',
    from: 'direction                  = "Outbound"\n      access                     = "Deny"',
    to: 'direction                  = "Outbound"\n      access                     = "Allow"',
    found: ['PHONES_HOME', 'jobs'],
  },
  {
    file: 'network.tf',
    from: 'address_prefixes                = [local.subnets.jobs]\n  default_outbound_access_enabled = false',
    to: 'address_prefixes                = [local.subnets.jobs]\n  default_outbound_access_enabled = true',
    found: ['OUTBOUND', 'subnet.jobs'],
  },
  {
    file: 'sign_in.tf',
    from: 'requireAuthentication       = true',
    to: 'requireAuthentication       = false',
    found: ['DOOR', 'sign_in'],
  },
  { file: 'sign_in.tf', from: '["/api/health"]', to: '["/api"]', found: ['DOOR', '/api'] },
  {
    file: 'monitoring.tf',
    from: 'application_type             = "Node.JS"\n  local_authentication_enabled = false',
    to: 'application_type             = "Node.JS"\n  local_authentication_enabled = true',
    found: ['KEY', 'application_insights'],
  },
  { file: 'alerts.tf', from: "where event == 'decided'", to: "where event == 'judged'", found: ['LOG', 'judged'] },
  {
    file: 'alerts.tf',
    from: 'time_aggregation_method = "Count"\n operator = "GreaterThan"',
    to: 'time_aggregation_method = "Count"\n operator = "LessThan"',
    found: ['UNTOLD', 'poison'],
  },
  {
    file: 'locks.tf',
    from: 'lock_level = "CanNotDelete"\n  notes      = "Reports',
    to: 'lock_level = "ReadOnly"\n  notes      = "Reports',
    found: ['EVIDENCE', 'azurerm_management_lock.storage'],
  },
  {
    file: 'storage.tf',
    from: 'tableServices/tables@2025-06-01',
    to: 'tableServices/tables@2025-07-01',
    found: ['TYPE', 'azapi_resource.table'],
  },
  {
    file: 'function_app.tf',
    from: 'instanceMemoryMB     = 2048',
    to: 'instanceMemoryMb     = 2048',
    found: ['BODY', 'instanceMemoryM'],
  },
  {
    file: 'function_app.tf',
    from: 'http20Enabled    = true',
    to: 'http20Enabled    = true\n        ftpsState        = "Disabled"',
    found: ['BODY', 'ftpsState'],
  },
  {
    file: 'function_app.tf',
    from: 'resource "azapi_update_resource" "basic_publishing"',
    to: 'resource "azapi_resource" "basic_publishing"',
    found: ['EXISTS', 'basic_publishing'],
  },
  {
    file: 'sign_in.tf',
    from: 'unauthenticatedClientAction = "Return401"',
    to: 'unauthenticatedClientAction = "Return400"',
    found: ['BODY', 'unauthenticatedClientAction'],
  },
  { file: 'alerts.tf', from: 'toint(StatusCode) < 300', to: 'StatusCode < 300', found: ['QUERY', 'number StatusCode'] },
  { file: 'alerts.tf', from: "where Log startswith '{'", to: "where Log_s startswith '{'", found: ['QUERY', 'Log_s'] },
  {
    file: 'budget.tf',
    from: 'threshold_type = "Forecasted"\n    contact_emails = var.alert_emails',
    to: 'threshold_type = "Forecasted"\n    contact_emails = []',
    found: ['UNTOLD', 'budget'],
  },
  {
    file: 'defender.tf',
    from: '"ContainerIntegrityContribution"',
    to: '"ContainerIntegrity"',
    found: ['EXTENSIONS', 'pricing'],
  },
  {
    file: 'identities.tf',
    from: 'name                = "id-${local.full_name}-job"',
    to: 'name                = "id-${local.full_name}-app"',
    found: ['NAME', 'azurerm_user_assigned_identity.job'],
  },
  {
    file: 'resource_group.tf',
    from: '"rg-${local.full_name}"',
    to: '"rg ${local.full_name}"',
    found: ['NAME', 'azurerm_resource_group.lazaret'],
  },
  {
    file: 'outputs.tf',
    from: 'value              = name',
    to: 'value              = lower(name)',
    found: ['APP_ROLES', 'verdict.read'],
  },
];

/** Rules that somebody could weaken: what would then be let through, which the runs in infra/tests/refusals notice. */
export const WEAKENED: readonly {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly run: string;
  readonly lets: string;
}[] = [
  {
    file: 'variables.tf',
    from: '"^[a-z][a-z0-9]{1,7}$", var.name',
    to: '"^.*$", var.name',
    run: 'first_rules',
    lets: 'var.name',
  },
  {
    file: 'variables_app.tf',
    from: 'startswith(name, "LAZARET_")',
    to: 'name != ""',
    run: 'first_rules',
    lets: 'var.app_settings',
  },
  {
    file: 'variables_monitoring.tf',
    from: 'var.slow_verdict_minutes >= 5',
    to: 'var.slow_verdict_minutes >= 0',
    run: 'first_rules',
    lets: 'var.slow_verdict_minutes',
  },
  {
    file: 'variables_network.tf',
    from: '[0-9.]+/([0-9]|1[0-9]|2[0-4])$',
    to: '[0-9.]+/[0-9]+$',
    run: 'first_rules',
    lets: 'var.address_space',
  },
  {
    file: 'variables_people.tf',
    from: 'condition     = alltrue([for prefix in var.repository_prefixes : can(regex("^([a-z0-9]+([._-]+[a-z0-9]+)*/)+$", prefix))])',
    to: 'condition     = alltrue([for prefix in var.repository_prefixes : can(regex("^[a-z0-9/._-]+$", prefix))])',
    run: 'second_rules',
    lets: 'var.repository_prefixes',
  },
  {
    file: 'variables_registry.tf',
    from: 'join(",", distinct(sort(var.replica_locations)))',
    to: 'join(",", distinct(var.replica_locations))',
    run: 'third_rules',
    lets: 'var.replica_locations',
  },
  {
    file: 'storage.tf',
    from: '["LRS", "ZRS", "GRS", "GZRS"]',
    to: '["LRS", "ZRS", "GRS", "GZRS", "RAGRS"]',
    run: 'first_rules',
    lets: 'var.storage_replication',
  },
  {
    file: 'network.tf',
    from: 'var.max_instances <= pow(2, 32 - 26) - 5',
    to: 'var.max_instances <= pow(2, 32 - 25) - 5',
    run: 'an_instance_needs_an_address',
    lets: 'azurerm_subnet.functions',
  },
  {
    file: 'registry.tf',
    from: 'condition     = !self.admin_enabled',
    to: 'condition     = self.sku != ""',
    run: 'an_admin_user_undoes_everything',
    lets: 'data.azurerm_container_registry.existing',
  },
  {
    file: 'clusters.tf',
    from: '&& profile.enabled]), false)]',
    to: ']), false)]',
    run: 'a_cluster_without_the_add_on_is_told',
    lets: 'check.policy_add_on',
  },
];

/** Mistakes that stop Terraform itself, in a rule or in a test of its own. */
export const STOPPED: readonly {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly says: string;
}[] = [
  {
    file: 'conditions.tf',
    from: "StringStartsWithIgnoreCase '${prefix}'",
    to: 'StringStartsWithIgnoreCase \'${trimsuffix(prefix, "/")}\'',
    says: 'must end in a slash',
  },
];
