import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRANTED } from '../support/granted.js';
import { azureNameFindings } from './checks/azure-names.js';
import { bodyFindings } from './checks/bodies.js';
import { exposureFindings } from './checks/exposure.js';
import { emulated } from './checks/identities.js';
import { nameFindings, roleFindings } from './checks/names.js';
import { grantsOf, privilegeFindings } from './checks/privileges.js';
import { queryFindings } from './checks/queries.js';
import { type TestReport, runTests } from './harness/plan.js';
import { REQUIRED, type Workspace, createWorkspace, findTerraform, sayUntested } from './harness/terraform.js';

const MINUTES = 60_000;
const terraform = findTerraform();
const [APP, JOB] = ['aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb'];

/** What a shape asks for in so many words: a job that reaches the internet, a registry that Container Apps pulls from. */
const ASKED_FOR: Readonly<Record<string, readonly string[]>> = {
  existing_legacy: ['PHONES_HOME azurerm_network_security_group.jobs[0]'],
  complete: ['FOREIGN_TOKEN azurerm_container_registry.new[0]'],
  open: ['FOREIGN_TOKEN azurerm_container_registry.new[0]'],
};

if (terraform === undefined) sayUntested('the infrastructure', 'It needs Terraform 1.9 or later.');

it.runIf(REQUIRED)('has a Terraform to test with', () => {
  expect(terraform).toBeDefined();
});

describe.skipIf(terraform === undefined)('the infrastructure', () => {
  let workspace: Workspace;
  let report: TestReport;
  let refusals: TestReport;
  const made = (run: string) => report.made.get(run) ?? [];

  beforeAll(() => {
    workspace = createWorkspace(terraform!);
    report = runTests(workspace, 'shapes', { made: true });
    refusals = runTests(workspace, 'refusals', { made: false });
  }, 30 * MINUTES);
  afterAll(() => workspace.remove());

  it(
    'is formatted, and valid',
    () => {
      expect(workspace.run('fmt', '-check', '-recursive', '-diff')).toMatchObject({ code: 0 });
      const { code, text } = workspace.run('validate', '-no-color');
      expect([code, text]).toEqual([0, expect.stringContaining('valid')]);
    },
    5 * MINUTES,
  );

  it('passes its own tests: every shape, and every value that is refused', () => {
    expect([...report.errors, ...refusals.errors]).toEqual([]);
    expect([...report.results, ...refusals.results].filter((result) => !result.endsWith(': pass'))).toEqual([]);
    expect([report.results.length, refusals.results.length]).toEqual([17, 17]);
    expect([report.code, refusals.code]).toEqual([0, 0]);
  });

  const SHAPES = [
    'as_shipped',
    'complete',
    'existing_legacy',
    'existing_with_nothing_attached',
    'existing_topic',
    'open',
  ];

  it.each(SHAPES)('gives as little as possible (%s)', (run) => {
    expect(made(run).length).toBeGreaterThan(90);
    expect(privilegeFindings(made(run))).toEqual([]);
  });

  it.each(SHAPES)('shows nothing to the outside, and has no key (%s)', (run) => {
    expect(exposureFindings(made(run), run !== 'open')).toEqual(ASKED_FOR[run] ?? []);
  });

  it.each(SHAPES)('calls everything what the code calls it (%s)', (run) => {
    expect(nameFindings(made(run))).toEqual([]);
  });

  // The real providers look at these; the schema-only ones cannot.
  it.each(SHAPES)('writes and names nothing that Azure does not take (%s)', (run) => {
    expect([...bodyFindings(made(run)), ...azureNameFindings(made(run)), ...queryFindings(made(run))]).toEqual([]);
  });

  it.each(['longest_names', 'shortest_names'])('names nothing so that Azure does not take it (%s)', (run) => {
    expect(made(run).length).toBeGreaterThan(90);
    expect([...bodyFindings(made(run)), ...azureNameFindings(made(run))]).toEqual([]);
  });

  it('gives the whole table, and nothing that is not in it', () => {
    const table = (run: string) =>
      grantsOf(made(run)).map(({ key, role, scope, condition }) => {
        const place = scope.replace(/^.*\/providers\/[^/]+\/[^/]+\/[^/]+\/?/, '') || scope.split('/').at(-2);
        return [key, role, place, ...(condition === '' ? [] : [prefixes(condition)])].join(' | ');
      });
    expect(table('complete')).toMatchSnapshot('abac');
    expect(table('existing_legacy')).toMatchSnapshot('legacy');
  });

  it('gives the two identities what the whole line runs with, in a registry of each mode', () => {
    expect(emulated(made('as_shipped'), 'job', JOB)).toEqual(GRANTED.abac.job);
    const { roles = [], ...app } = emulated(made('as_shipped'), 'app', APP);
    expect(app).toEqual({ name: 'app', oid: 'app' });
    expect(new Set(roles.map(({ role }) => role))).toEqual(new Set(GRANTED.abac.app.roles?.map(({ role }) => role)));
    expect(emulated(made('existing_legacy'), 'job', JOB)).toEqual(GRANTED.rbac.job);
    expect(emulated(made('existing_legacy'), 'app', APP)).toEqual(GRANTED.rbac.app);
  });

  it('asks for the app roles that the doors ask for', () => {
    expect(roleFindings(report.outputs.get('complete'))).toEqual([]);
  });
});

describe('the rules of the variables', () => {
  it('are each shown to refuse something', () => {
    const folder = join(import.meta.dirname, '..', '..', 'infra');
    const files = readdirSync(folder).filter((name) => name.endsWith('.tf'));
    const texts = files.map((name) => readFileSync(join(folder, name), 'utf8'));
    const refusals = readFileSync(join(folder, 'tests', 'refusals.tftest.hcl'), 'utf8');
    const expected = [...refusals.matchAll(/expect_failures = \[([^\]]*)\]/g)].map(([, list = '']) => list).join();
    const missing = texts
      .flatMap((text) => [...text.matchAll(/^variable "(\w+)" \{\n([\s\S]*?)^\}/gm)])
      .map(([, name = '', body = '']) => ({ name, rules: body.split('validation {').length - 1 }))
      .filter(({ name, rules }) => expected.split(new RegExp(`\\bvar\\.${name}\\b`)).length - 1 < rules);
    expect(missing).toEqual([]);
  });
});

describe('what is read', () => {
  it('is nothing whose credentials would stay in the state', () => {
    const folder = join(import.meta.dirname, '..', '..', 'infra');
    const texts = readdirSync(folder).filter((name) => name.endsWith('.tf'));
    const read = texts.flatMap((name) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/^data "(\w+)"/gm)].map(([, one = '']) => one),
    );
    // A registry whose admin user is on has some: it is refused (registry.tf).
    expect([...new Set(read)].sort()).toEqual([
      'azapi_resource',
      'azurerm_client_config',
      'azurerm_container_registry',
    ]);
  });
});

describe('the shapes', () => {
  it('set every variable there is', () => {
    const folder = join(import.meta.dirname, '..', '..', 'infra');
    const texts = readdirSync(folder).filter((name) => name.endsWith('.tf'));
    const variables = texts.flatMap((name) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/^variable "(\w+)"/gm)].map(([, one = '']) => one),
    );
    const shapes = readFileSync(join(folder, 'tests', 'shapes.tftest.hcl'), 'utf8');
    expect(variables.length).toBeGreaterThan(40);
    expect(variables.filter((name) => !new RegExp(`^ +${name} +=`, 'm').test(shapes))).toEqual([]);
  });
});

describe('host.json', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8');

  it('leaves out nothing that an alert waits for: sampling would, in the very hour that much happens', () => {
    const { logging } = JSON.parse(read('host.json')) as {
      logging: { applicationInsights: { samplingSettings: { excludedTypes: string } } };
    };
    const kept = logging.applicationInsights.samplingSettings.excludedTypes.split(';');
    const tables = new Set([...read('infra/alerts.tf').matchAll(/\bApp(\w+)s \|/g)].map(([, type = '']) => type));
    expect([...tables].sort()).toEqual(['Request', 'Trace']);
    expect([...tables].filter((type) => !kept.includes(type))).toEqual([]);
  });
});

describe('azure.yaml', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8');

  it('deploys the folder, the variables and the app that Terraform makes', () => {
    const { infra, services } = parse(read('azure.yaml')) as {
      infra: { provider: string; path: string; module: string };
      services: Record<string, { host: string }>;
    };
    expect(infra).toEqual({ provider: 'terraform', path: 'infra', module: 'main' });
    const [[service, { host }] = ['', { host: '' }]] = Object.entries(services);
    expect(host).toBe('function');
    expect(read('infra/function_app.tf')).toContain(`"azd-service-name" = "${service}"`);
    const variables = Object.keys(JSON.parse(read('infra/main.tfvars.json')) as object);
    for (const name of variables) expect(read('infra/variables.tf')).toContain(`variable "${name}"`);
  });
});

/** The prefixes of a condition, in its order. */
function prefixes(condition: string): string {
  return [...condition.matchAll(/StringStartsWithIgnoreCase '([^']*)'/g)].map(([, prefix]) => prefix).join(' ');
}
