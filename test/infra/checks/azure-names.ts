import type { Resource } from '../harness/plan.js';
import type { Finding } from './read.js';

const HYPHENS = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const LOOSE = /^[A-Za-z0-9](?:[\w.-]*\w)?$/;

/**
 * What azurerm and Azure take for a name: which letters, and how many of them. What is not here has no rule that a name of
 * ours could break. https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
 */
const RULES: Readonly<Record<string, readonly [letters: RegExp, least: number, most: number]>> = {
  azurerm_application_insights: [LOOSE, 1, 260],
  azurerm_consumption_budget_resource_group: [/^[\w-]+$/, 1, 63],
  azurerm_container_app_environment: [HYPHENS, 2, 60],
  azurerm_container_app_job: [/^[a-z](?:(?:-(?!-))?[a-z0-9])*$/, 2, 32],
  azurerm_container_registry: [/^[A-Za-z0-9]+$/, 5, 50],
  azurerm_eventgrid_system_topic: [/^[A-Za-z0-9-]+$/, 3, 50],
  azurerm_eventgrid_system_topic_event_subscription: [/^[A-Za-z0-9-]+$/, 3, 64],
  azurerm_key_vault: [/^[A-Za-z](?:-?[A-Za-z0-9])*$/, 3, 24],
  azurerm_log_analytics_workspace: [HYPHENS, 4, 63],
  azurerm_management_lock: [LOOSE, 1, 90],
  azurerm_monitor_action_group: [/^[^:<>+/&%\\?|]*[^:<>+/&%\\?| .]$/, 1, 260],
  azurerm_monitor_diagnostic_setting: [/^[^*<>%:&?\\+/]*[^*<>%:&?\\+/ ]$/, 1, 260],
  azurerm_monitor_metric_alert: [/^[^*#&+:<>?@%{}\\/]*[^*#&+:<>?@%{}\\/ .]$/, 1, 260],
  azurerm_monitor_scheduled_query_rules_alert_v2: [/^[^*#&+:<>?@%{}\\/]*[^*#&+:<>?@%{}\\/ .]$/, 1, 260],
  azurerm_nat_gateway: [LOOSE, 1, 80],
  azurerm_network_security_group: [LOOSE, 1, 80],
  azurerm_private_dns_zone_virtual_network_link: [LOOSE, 1, 80],
  azurerm_private_endpoint: [LOOSE, 2, 64],
  azurerm_public_ip: [LOOSE, 1, 80],
  azurerm_resource_group: [/^[\w.()-]*[\w()-]$/, 1, 90],
  azurerm_role_definition: [/^[^%*]+$/, 1, 128],
  azurerm_service_plan: [/^[A-Za-z0-9-]+$/, 1, 60],
  azurerm_storage_account: [/^[a-z0-9]+$/, 3, 24],
  azurerm_storage_container: [/^[a-z0-9](?:-?[a-z0-9])*$/, 3, 63],
  azurerm_storage_queue: [/^[a-z0-9](?:-?[a-z0-9])*$/, 3, 63],
  azurerm_subnet: [LOOSE, 1, 80],
  azurerm_user_assigned_identity: [/^[A-Za-z0-9][\w-]*$/, 3, 128],
  azurerm_virtual_network: [LOOSE, 2, 64],
};

/** What has a name of its own within something else, whose id the mocks make the same for all. */
const WITHIN_ANOTHER = new Set(['azurerm_private_dns_zone_virtual_network_link', 'azurerm_monitor_diagnostic_setting']);

/** Names that azurerm or Azure would refuse, or that two things of one kind have. */
export function azureNameFindings(resources: readonly Resource[]): readonly Finding[] {
  const seen = new Set<string>();
  return resources.flatMap(({ address, type, values }) => {
    const rule = RULES[type];
    const name = values['name'];
    if (rule === undefined || typeof name !== 'string') return [];
    const [letters, least, most] = rule;
    const place = `${type} ${name.toLowerCase()}`;
    const isNew = WITHIN_ANOTHER.has(type) || !seen.has(place);
    seen.add(place);
    return letters.test(name) && name.length >= least && name.length <= most && isNew
      ? []
      : [`NAME ${address} ${name}` as const satisfies Finding];
  });
}
