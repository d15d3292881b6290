import type { Resource } from '../harness/plan.js';
import { type Finding, listAt, ofType, textAt } from './read.js';

/** One right that somebody is given, as a line of the table. */
export interface Grant {
  readonly key: string;
  readonly role: string;
  readonly scope: string;
  readonly principal: string;
  readonly condition: string;
}

/** Our own roles, by the id that a grant of them ends in. */
function ownRoles(resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  return new Map(
    ofType(resources, 'azurerm_role_definition').map((role) => [textAt(role.values, 'role_definition_id'), role]),
  );
}

const lastOf = (id: string) => id.split('/').at(-1) ?? '';

/** Every right that is given; a role of our own by the key that it has in roles.tf. */
export function grantsOf(resources: readonly Resource[]): readonly Grant[] {
  const own = ownRoles(resources);
  return ofType(resources, 'azurerm_role_assignment').map(({ index, values }) => {
    const role = own.get(lastOf(textAt(values, 'role_definition_id')));
    return {
      key: String(index),
      role: role === undefined ? textAt(values, 'role_definition_name') : String(role.index),
      scope: textAt(values, 'scope'),
      principal: textAt(values, 'principal_id'),
      condition: textAt(values, 'condition'),
    };
  });
}

/** Built-in roles that may be given at all; the rest are our own. */
const ALLOWED = new Set([
  'AcrPull',
  'AcrPush',
  'Container Registry Configuration Reader and Data Access Configuration Reader',
  'Container Registry Repository Catalog Lister',
  'Container Registry Repository Contributor',
  'Container Registry Repository Reader',
  'Container Registry Repository Writer',
  'Key Vault Secrets User',
  'Log Analytics Reader',
  'Monitoring Metrics Publisher',
  'Storage Blob Data Contributor',
  'Storage Blob Data Owner',
  'Storage Queue Data Message Sender',
]);
/** These only on something small: one container, one queue, one secret. */
const NARROW: Readonly<Record<string, RegExp>> = {
  'Storage Blob Data Owner': /\/containers\/azure-webjobs-(?:hosts|secrets)$/,
  'Storage Blob Data Contributor': /\/containers\/(?:dead-letters|app-package)$/,
  'Storage Queue Data Message Sender': /\/queues\/(?:scanned|registry-events)$/,
  'Key Vault Secrets User': /\/secrets\/[0-9A-Za-z-]+$/,
};
/** And so with our own. */
const OWN: Readonly<Record<string, RegExp>> = {
  report_creator: /\/containers\/reports$/,
  record_keeper: /\/containers\/(?:reports|quarantine|alerts|refused)$/,
  lease_holder: /\/queues\/scan(?:-sweep)?$/,
  queue_worker: /\/storageAccounts\/[^/]+$/,
  ledger_keeper: /\/tables\/ledger$/,
  journal_writer: /\/tables\/journal$/,
  public_key_reader: /\/vaults\/[^/]+$/,
  registry_reader: /\/registries\/[^/]+$/,
  quarantine_keeper: /\/registries\/[^/]+$/,
};
const RESOURCE = /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/.+/;
const PREFIX = /StringStartsWithIgnoreCase '([^']*)'/g;

function grantFindings({ index, address, values }: Resource, own: ReadonlyMap<string, Resource>): readonly Finding[] {
  // A role that is given by id has a name that the mock makes up.
  const ours = own.get(lastOf(textAt(values, 'role_definition_id')));
  const isOwn = ours !== undefined;
  const role = isOwn ? '' : textAt(values, 'role_definition_name');
  const scope = textAt(values, 'scope');
  const condition = textAt(values, 'condition');
  const findings: Finding[] = [];
  if (!isOwn && !ALLOWED.has(role)) findings.push(`BROAD_ROLE ${address}`);
  if (!RESOURCE.test(scope)) findings.push(`BROAD_SCOPE ${address}`);
  if (OWN[String(ours?.index)]?.test(scope) === false) findings.push(`BROAD_SCOPE ${address}`);
  if (NARROW[role]?.test(scope) === false) findings.push(`BROAD_SCOPE ${address}`);
  const prefixes = [...condition.matchAll(PREFIX)].map(([, prefix = '']) => prefix);
  if (prefixes.some((prefix) => !prefix.endsWith('/'))) findings.push(`CONDITION_WITHOUT_SLASH ${address}`);
  if (condition !== '' && prefixes.length === 0) findings.push(`CONDITION_OF_NOTHING ${address}`);
  if (condition !== '' && textAt(values, 'condition_version') !== '2.0') findings.push(`CONDITION_VERSION ${address}`);
  // Whoever pushes from outside is held to its own repositories, wherever the registry can.
  const pushes =
    role === 'Container Registry Repository Writer' || role === 'Container Registry Repository Contributor';
  if (pushes && String(index).startsWith('ci-')) {
    if (condition === '') findings.push(`PUSH_ANYWHERE ${address}`);
    for (const action of ['content/read', 'content/write', 'metadata/read', 'metadata/write'])
      if (!condition.includes(`repositories/${action}'`)) findings.push(`CONDITION_INCOMPLETE ${address}`);
  }
  return findings;
}

function definitionFindings({ address, values }: Resource): readonly Finding[] {
  const names = ['actions', 'data_actions', 'not_actions', 'not_data_actions'];
  const actions = names.flatMap((name) => listAt(values, 'permissions', name)).map(String);
  const scopes = [...listAt(values, 'assignable_scopes'), values['scope']].map(String);
  const findings: Finding[] = [];
  if (actions.length === 0) findings.push(`EMPTY_ROLE ${address}`);
  if (actions.some((action) => action.includes('*'))) findings.push(`WILDCARD ${address}`);
  if (actions.some((action) => /^Microsoft\.Authorization\/|listKeys|listCredentials|regenerate/i.test(action)))
    findings.push(`ESCALATION ${address}`);
  if (scopes.some((scope) => !/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+$/.test(scope)))
    findings.push(`BROAD_SCOPE ${address}`);
  return findings;
}

/** What is wrong with who may do what. */
export function privilegeFindings(resources: readonly Resource[]): readonly Finding[] {
  const own = ownRoles(resources);
  return [
    ...ofType(resources, 'azurerm_role_assignment').flatMap((grant) => grantFindings(grant, own)),
    ...ofType(resources, 'azurerm_role_definition').flatMap(definitionFindings),
  ];
}
