import type { Resource } from '../harness/plan.js';
import { type Finding, type Rule, at, broken, listAt, ofAzureType, ofType, textAt } from './read.js';

/** Whatever is isolated or not: no key, no password, nobody anonymous, nothing in the clear. */
const ALWAYS: Readonly<Record<string, readonly Rule[]>> = {
  azurerm_storage_account: [
    ['KEY', ['shared_access_key_enabled'], false],
    ['KEY', ['local_user_enabled'], false],
    ['ANONYMOUS', ['allow_nested_items_to_be_public'], false],
    ['OTHER_TENANT', ['cross_tenant_replication_enabled'], false],
    ['CLEARTEXT', ['https_traffic_only_enabled'], true],
    ['CLEARTEXT', ['min_tls_version'], 'TLS1_2'],
    ['ENCRYPTION', ['infrastructure_encryption_enabled'], true],
    ['EVIDENCE', ['blob_properties', 'versioning_enabled'], true],
    ['EVIDENCE', ['blob_properties', 'delete_retention_policy', 'days'], 30],
    ['EVIDENCE', ['blob_properties', 'container_delete_retention_policy', 'days'], 30],
  ],
  azurerm_storage_container: [['ANONYMOUS', ['container_access_type'], 'private']],
  azurerm_container_registry: [
    ['KEY', ['admin_enabled'], false],
    ['ANONYMOUS', ['anonymous_pull_enabled'], false],
    ['FOREIGN_TOKEN', ['azuread_authentication_as_arm_policy_enabled'], false],
    ['BYPASS', ['network_rule_bypass_for_tasks_enabled'], false],
    // Where it is on, no event tells of a push: nobody would scan.
    ['SILENT', ['quarantine_policy_enabled'], false],
    ['SKU', ['sku'], 'Premium'],
  ],
  azurerm_key_vault: [
    ['POLICIES', ['rbac_authorization_enabled'], true],
    ['EVIDENCE', ['purge_protection_enabled'], true],
  ],
  azurerm_application_insights: [['KEY', ['local_authentication_enabled'], false]],
  azurerm_log_analytics_workspace: [['KEY', ['local_authentication_enabled'], false]],
  azurerm_container_app_environment: [['KEY', ['logs_destination'], 'azure-monitor']],
  azurerm_eventgrid_system_topic: [['KEY', ['identity', 'type'], 'SystemAssigned']],
};

const SITE: readonly Rule[] = [
  ['CLEARTEXT', ['body', 'properties', 'httpsOnly'], true],
  ['CLEARTEXT', ['body', 'properties', 'siteConfig', 'minTlsVersion'], '1.2'],
  ['CLEARTEXT', ['body', 'properties', 'siteConfig', 'scmMinTlsVersion'], '1.2'],
  ['KEY', ['identity', 'type'], 'UserAssigned'],
  [
    'KEY',
    ['body', 'properties', 'functionAppConfig', 'deployment', 'storage', 'authentication', 'type'],
    'UserAssignedIdentity',
  ],
];

/** Where there is a network of its own. Storage is the one exception: shut, but for trusted services. */
const ISOLATED: Readonly<Record<string, readonly Rule[]>> = {
  azurerm_storage_account: [
    ['PUBLIC', ['network_rules', 'default_action'], 'Deny'],
    ['PUBLIC', ['network_rules', 'bypass'], ['AzureServices']],
    ['UNDELIVERABLE', ['public_network_access_enabled'], true],
  ],
  azurerm_container_registry: [
    ['PUBLIC', ['public_network_access_enabled'], false],
    ['EXPORT', ['export_policy_enabled'], false],
  ],
  azurerm_key_vault: [
    ['PUBLIC', ['public_network_access_enabled'], false],
    ['PUBLIC', ['network_acls', 'default_action'], 'Deny'],
    ['PUBLIC', ['network_acls', 'bypass'], 'None'],
  ],
  azurerm_container_app_environment: [
    ['PUBLIC', ['public_network_access'], 'Disabled'],
    ['PUBLIC', ['internal_load_balancer_enabled'], true],
  ],
  azurerm_subnet: [['OUTBOUND', ['default_outbound_access_enabled'], false]],
  azurerm_private_endpoint: [['MANUAL', ['private_service_connection', 'is_manual_connection'], false]],
  azurerm_private_dns_zone_virtual_network_link: [['DNS', ['registration_enabled'], false]],
};

const SECRET = /AccountKey=|SharedAccess|[?&]sig=|password|DefaultEndpointsProtocol/i;

function appFindings(resources: readonly Resource[]): readonly Finding[] {
  const sites = ofAzureType(resources, 'Microsoft.Web/sites');
  const policies = ofAzureType(resources, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies');
  const secrets = sites.flatMap(({ address, values }) =>
    listAt(values, 'body', 'properties', 'siteConfig', 'appSettings')
      .filter((setting) => SECRET.test(textAt(setting, 'value')) || textAt(setting, 'name') === 'AzureWebJobsStorage')
      .map((setting): Finding => `KEY ${address} ${textAt(setting, 'name')}`),
  );
  return [
    ...broken(sites, SITE),
    ...broken(policies, [['KEY', ['body', 'properties', 'allow'], false]]),
    ...(policies.length === 2 ? [] : ['KEY basicPublishingCredentialsPolicies' as const]),
    ...secrets,
  ];
}

function signInFindings(resources: readonly Resource[]): readonly Finding[] {
  const rules: readonly Rule[] = [
    ['DOOR', ['body', 'properties', 'platform', 'enabled'], true],
    ['DOOR', ['body', 'properties', 'globalValidation', 'requireAuthentication'], true],
    ['DOOR', ['body', 'properties', 'globalValidation', 'unauthenticatedClientAction'], 'Return401'],
    ['DOOR', ['body', 'properties', 'httpSettings', 'requireHttps'], true],
  ];
  const signIns = ofAzureType(resources, 'Microsoft.Web/sites/config');
  const open = new Set(['/api/health', '/runtime/webhooks/EventGrid']);
  const others = signIns.flatMap(({ address, values }) =>
    listAt(values, 'body', 'properties', 'globalValidation', 'excludedPaths')
      .map(String)
      .filter((path) => !open.has(path))
      .map((path): Finding => `DOOR ${address} ${path}`),
  );
  return [...broken(signIns, rules), ...others];
}

function jobFindings(resources: readonly Resource[]): readonly Finding[] {
  return ofType(resources, 'azurerm_container_app_job').flatMap(({ address, values }) => {
    const findings: Finding[] = [];
    if (textAt(values, 'registry', 'identity') === '' || textAt(values, 'registry', 'password_secret_name') !== '')
      findings.push(`KEY ${address}`);
    if (listAt(values, 'secret').length > 0) findings.push(`KEY ${address}`);
    if (!/@sha256:[0-9a-f]{64}$/.test(textAt(values, 'template', 'container', 'image')))
      findings.push(`TAG ${address}`);
    const rules = listAt(values, 'event_trigger_config', 'scale', 'rules');
    if (rules.some((rule) => textAt(rule, 'identity_id') === '' || listAt(rule, 'authentication').length > 0))
      findings.push(`KEY ${address}`);
    if (at(values, 'identity', 'type') !== 'UserAssigned') findings.push(`KEY ${address}`);
    return findings;
  });
}

const ZONES: Readonly<Record<string, string>> = {
  blob: 'privatelink.blob.core.windows.net',
  queue: 'privatelink.queue.core.windows.net',
  table: 'privatelink.table.core.windows.net',
  vault: 'privatelink.vaultcore.azure.net',
  registry: 'privatelink.azurecr.io',
  app: 'privatelink.azurewebsites.net',
};
const PARTS: Readonly<Record<string, string>> = { app: 'sites' };

function networkFindings(resources: readonly Resource[]): readonly Finding[] {
  const endpoints = ofType(resources, 'azurerm_private_endpoint').flatMap(({ address, index, values }): Finding[] => {
    const name = String(index);
    const wanted = PARTS[name] ?? name;
    const part = listAt(values, 'private_service_connection', 'subresource_names');
    return part.length === 1 && part[0] === wanted ? [] : [`ENDPOINT ${address}`];
  });
  const zones = ofType(resources, 'azurerm_private_dns_zone').flatMap(({ address, index, values }): Finding[] =>
    ZONES[String(index)] === values['name'] ? [] : [`DNS ${address}`],
  );
  const walls = ofType(resources, 'azurerm_network_security_group').flatMap(({ address, name, values }): Finding[] => {
    const denies = (direction: string) =>
      listAt(values, 'security_rule').some(
        (rule) => textAt(rule, 'direction') === direction && textAt(rule, 'access') === 'Deny',
      );
    const inbound = denies('Inbound') ? [] : [`WALL ${address}` as const];
    return name === 'jobs' && !denies('Outbound') ? [...inbound, `PHONES_HOME ${address}`] : inbound;
  });
  return [...endpoints, ...zones, ...walls];
}

/** What holds evidence cannot be deleted in passing, and what goes wrong is told. */
function keepingFindings(resources: readonly Resource[]): readonly Finding[] {
  const locks = ofType(resources, 'azurerm_management_lock');
  const alerts = ofType(resources, 'azurerm_monitor_scheduled_query_rules_alert_v2');
  const rules = broken(alerts, [
    ['UNTOLD', ['criteria', 'operator'], 'GreaterThan'],
    ['UNTOLD', ['criteria', 'threshold'], 0],
  ]);
  const nobody = alerts.filter(({ values }) => listAt(values, 'action', 'action_groups').length === 0);
  return [
    ...broken(locks, [['EVIDENCE', ['lock_level'], 'CanNotDelete']]),
    ...rules,
    ...nobody.map(({ address }): Finding => `UNTOLD ${address}`),
    ...broken(ofType(resources, 'azurerm_eventgrid_system_topic_event_subscription'), [
      ['LOST', ['retry_policy', 'event_time_to_live'], 1440],
      ['LOST', ['retry_policy', 'max_delivery_attempts'], 30],
      ['LOST', ['storage_blob_dead_letter_destination', 'storage_blob_container_name'], 'dead-letters'],
    ]),
  ];
}

const EXTENSIONS = [
  'AgentlessDiscoveryForKubernetes',
  'AgentlessVmScanning',
  'ContainerIntegrityContribution',
  'ContainerRegistriesVulnerabilityAssessments',
  'ContainerSensor',
];

/** What is for the whole subscription, or tells of money: an extension that is not named is switched off by Azure. */
function planFindings(resources: readonly Resource[]): readonly Finding[] {
  const plans = ofType(resources, 'azurerm_security_center_subscription_pricing');
  const budgets = ofType(resources, 'azurerm_consumption_budget_resource_group');
  const off = plans.filter(
    ({ values }) =>
      listAt(values, 'extension')
        .map((extension) => textAt(extension, 'name'))
        .sort()
        .join() !== EXTENSIONS.join(),
  );
  const silent = budgets.filter(({ values }) =>
    listAt(values, 'notification').some((each) => listAt(each, 'contact_emails').length === 0),
  );
  return [
    ...off.map(({ address }): Finding => `EXTENSIONS ${address}`),
    ...broken(plans, [['EXTENSIONS', ['resource_type'], 'Containers']]),
    ...silent.map(({ address }): Finding => `UNTOLD ${address}`),
  ];
}

/** What can be reached, or opened with a key, that must not be. */
export function exposureFindings(resources: readonly Resource[], isolated: boolean): readonly Finding[] {
  const each = (table: Readonly<Record<string, readonly Rule[]>>) =>
    Object.entries(table).flatMap(([type, rules]) => broken(ofType(resources, type), rules));
  const sites = ofAzureType(resources, 'Microsoft.Web/sites');
  return [
    ...each(ALWAYS),
    ...appFindings(resources),
    ...signInFindings(resources),
    ...jobFindings(resources),
    ...networkFindings(resources),
    ...keepingFindings(resources),
    ...planFindings(resources),
    ...(isolated ? each(ISOLATED) : []),
    ...(isolated ? broken(sites, [['PUBLIC', ['body', 'properties', 'publicNetworkAccess'], 'Disabled']]) : []),
  ];
}
