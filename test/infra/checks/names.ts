import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  APP_SETTING_NAMES,
  JOB_SETTING_NAMES,
  loadAppSettings,
  loadJobSettings,
} from '../../../shared/config/settings.js';
import { ProblemsError } from '../../../shared/error/app-error.js';
import { ROLES } from '../../../shared/message/principal.js';
import { ALL_QUEUES, QUEUES, poisonQueue } from '../../../shared/message/queue-name.js';
import { CONTAINERS } from '../../../shared/report/report-store.js';
import type { Resource } from '../harness/plan.js';
import { type Finding, listAt, ofAzureType, ofType, textAt } from './read.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const sources = ['shared', 'jobs', 'functions'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => join(ROOT, folder, String(name)))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(name, 'utf8')),
);
const matches = (pattern: RegExp) =>
  new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map(([, one]) => one)));
const TABLES = matches(/storage\.table\('(\w+)'\)/g);
const EVENTS = matches(/\blog\('(?:info|warn|error)', '([\w-]+)'/g);
/** What the Functions host and the platform read themselves. */
const OF_THE_PLATFORM = /^(?:AzureWebJobsStorage__\w+|LAZARET_STORAGE__credential|APPLICATIONINSIGHTS_\w+)$/;

function sameSet(code: string, found: readonly string[], expected: readonly string[]): readonly Finding[] {
  const left = [...found].sort().join();
  const right = [...expected].sort().join();
  return left === right ? [] : [`${code} ${left} instead of ${right}`];
}

const isGiven = (each: { name: string }) => each.name !== '';
const pairs = (list: readonly unknown[]) =>
  list.map((each) => ({ name: textAt(each, 'name'), value: textAt(each, 'value') })).filter(isGiven);

/** The settings of the function app, by name. What is in the vault is taken for an address. */
export function appSettings(resources: readonly Resource[]): Readonly<Record<string, string>> {
  const [site] = ofAzureType(resources, 'Microsoft.Web/sites');
  const settings = pairs(listAt(site?.values, 'body', 'properties', 'siteConfig', 'appSettings'));
  return Object.fromEntries(settings.map(({ name, value }) => [name, fromVault(name, value)]));
}

function fromVault(name: string, value: string): string {
  if (!value.startsWith('@Microsoft.KeyVault(')) return value;
  return name.endsWith('S') ? '{"team":"https://example.invalid"}' : 'https://example.invalid';
}

/** The environment of the scan job, by name; undefined where there is no job yet. */
export function jobSettings(resources: readonly Resource[]): Readonly<Record<string, string>> | undefined {
  const [job] = ofType(resources, 'azurerm_container_app_job');
  if (job === undefined) return undefined;
  return Object.fromEntries(
    pairs(listAt(job.values, 'template', 'container', 'env')).map(({ name, value }) => [name, value]),
  );
}

function settingFindings(
  settings: Readonly<Record<string, string>>,
  known: readonly string[],
  load: (env: Readonly<Record<string, string>>) => unknown,
): readonly Finding[] {
  const strange = Object.keys(settings).filter((name) => !known.includes(name) && !OF_THE_PLATFORM.test(name));
  try {
    load(settings);
    return strange.map((name): Finding => `SETTING ${name}`);
  } catch (error) {
    const problems = error instanceof ProblemsError ? error.problems.map(({ path }) => path) : [String(error)];
    return [...strange, ...problems].map((name): Finding => `SETTING ${name}`);
  }
}

/** The events of our log that alerts wait for, and that nobody writes. */
function logFindings(resources: readonly Resource[]): readonly Finding[] {
  return ofType(resources, 'azurerm_monitor_scheduled_query_rules_alert_v2').flatMap(({ address, values }) => {
    const query = textAt(values, 'criteria', 'query');
    const wanted = [...query.matchAll(/\bwhere event (?:==|in) (\([^)]*\)|'[^']*')/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/'([\w-]+)'/g)].map(([, name = '']) => name),
    );
    return wanted.filter((name) => !EVENTS.has(name)).map((name): Finding => `LOG ${address} ${name}`);
  });
}

/** App roles that our doors ask for and the output does not name, or the other way round. */
export function roleFindings(outputs: Readonly<Record<string, string>> | undefined): readonly Finding[] {
  const listed = JSON.parse(outputs?.['LAZARET_APP_ROLES'] ?? '[]') as { value: string }[];
  return sameSet(
    'APP_ROLES',
    listed.map(({ value }) => value),
    Object.values(ROLES),
  );
}

/** Names that the infrastructure and the code do not have in common. */
export function nameFindings(resources: readonly Resource[]): readonly Finding[] {
  const names = (type: string) => ofType(resources, type).map(({ values }) => textAt(values, 'name'));
  const tables = ofAzureType(resources, 'Microsoft.Storage/storageAccounts/tableServices/tables');
  const platform = new Set(['azure-webjobs-hosts', 'azure-webjobs-secrets', 'app-package', 'dead-letters']);
  const scale = ofType(resources, 'azurerm_container_app_job').flatMap(({ values }) =>
    listAt(values, 'event_trigger_config', 'scale', 'rules').map((rule) => textAt(rule, 'metadata', 'queueName')),
  );
  const delivery = ofType(resources, 'azurerm_eventgrid_system_topic_event_subscription').flatMap(({ values }) => {
    const queue = textAt(values, 'storage_queue_endpoint', 'queue_name');
    const called = textAt(values, 'azure_function_endpoint', 'function_id').split('/').at(-1) ?? '';
    return [queue, called].filter((name) => name !== '');
  });
  const doors = new Set([QUEUES.registryEvents, 'receive']);
  const job = jobSettings(resources);
  return [
    ...sameSet(
      'QUEUES',
      names('azurerm_storage_queue'),
      ALL_QUEUES.flatMap((name) => [name, poisonQueue(name)]),
    ),
    ...sameSet(
      'CONTAINERS',
      names('azurerm_storage_container').filter((name) => !platform.has(name)),
      CONTAINERS,
    ),
    ...sameSet(
      'TABLES',
      tables.map(({ values }) => textAt(values, 'name')),
      [...TABLES].map(String),
    ),
    ...(job === undefined ? [] : sameSet('QUEUES', scale, [QUEUES.scan, QUEUES.scanSweep])),
    ...delivery.filter((name) => !doors.has(name)).map((name): Finding => `DELIVERY ${name}`),
    ...settingFindings(appSettings(resources), APP_SETTING_NAMES, loadAppSettings),
    ...(job === undefined ? [] : settingFindings(job, JOB_SETTING_NAMES, loadJobSettings)),
    ...logFindings(resources),
  ];
}
