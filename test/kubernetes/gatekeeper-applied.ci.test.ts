import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { ELSEWHERE, GOOD, GROUP, namespace, pod } from './support/cases.js';
import { KUBERNETES, OVERLAYS } from './support/engines.js';
import { copyOfKubernetes, render } from './support/render.js';
import { tool } from '../support/go-tool.js';
import { type Resource, only, readResources } from './support/resource.js';

const foundSchema = z
  .array(
    z.looseObject({
      msg: z.string(),
      enforcementAction: z.string(),
      constraint: z.looseObject({ metadata: z.looseObject({ name: z.string() }) }),
      violatingObject: z.looseObject({
        kind: z.string(),
        metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
      }),
    }),
  )
  .nullable();

const running = (image: string, where: string) =>
  pod({ containers: [{ name: 'web', image }] }, { name: 'web', namespace: where });

/** What Gatekeeper's own tool finds in these objects, as its audit would, by all that is applied to a cluster. */
async function audited(applied: readonly Resource[], objects: readonly unknown[]) {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-applied-'));
  try {
    const file = join(directory, 'all.yaml');
    writeFileSync(file, [...applied, ...objects].map((each) => stringify(each, { lineWidth: 0 })).join('---\n'));
    const { stdout, stderr } = await runCommand(await tool('gator'), ['test', '--filename', file, '--output', 'json'], {
      cwd: directory,
      env: { HOME: directory },
      timeoutMilliseconds: 120_000,
      killAfterMilliseconds: 1000,
      maxOutputBytes: 4 * 1024 * 1024,
    });
    if (stderr !== '') throw new Error(stderr);
    const found = (foundSchema.parse(JSON.parse(stdout.toString('utf8'))) ?? []).map((each) => ({
      by: each.constraint.metadata.name,
      action: each.enforcementAction,
      of: `${each.violatingObject.metadata.namespace ?? ''}/${each.violatingObject.kind}`,
      msg: each.msg,
    }));
    return found.toSorted((a, b) => (a.of < b.of ? -1 : 1));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

let kubernetes: string;
beforeAll(() => {
  kubernetes = copyOfKubernetes({ breakGlassGroup: GROUP });
});
afterAll(() => rmSync(kubernetes, { recursive: true }));

const overlay = (name: string) => render(join(kubernetes, 'gatekeeper', name));
const excludedBy = (resources: readonly Resource[]) =>
  z
    .looseObject({ match: z.looseObject({ excludedNamespaces: z.array(z.string()) }) })
    .parse(only(resources, 'LazaretAllowedImages', 'lazaret-allowed-images').spec).match.excludedNamespaces;

describe.each([
  ['staging', 'warn'],
  ['production', 'deny'],
])('what is applied in %s', (name, action) => {
  it('lets good images in, and finds the others', async () => {
    const deployment = (image: string) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'team' },
      spec: { selector: {}, template: { metadata: {}, spec: { containers: [{ name: 'web', image }] } } },
    });
    const applied = await overlay(name);
    expect(await audited(applied, [running(GOOD, 'team'), deployment(GOOD)])).toEqual([]);
    const found = await audited(applied, [running(ELSEWHERE, 'team'), deployment(ELSEWHERE)]);
    expect(found).toEqual(
      ['team/Deployment', 'team/Pod'].map((of) => ({
        ...{ by: 'lazaret-allowed-images', action, of },
        msg: expect.stringContaining('is not from contoso.azurecr.io') as unknown,
      })),
    );
  });

  it('leaves out the namespaces that are listed, and none that is called alike', async () => {
    const applied = await overlay(name);
    const excluded = excludedBy(applied);
    expect(excluded).toContain('kube-system');
    expect(
      await audited(
        applied,
        excluded.map((each) => running(ELSEWHERE, each)),
      ),
    ).toEqual([]);
    const alike = [...excluded.flatMap((each) => [`${each}-2`, `my-${each}`]), 'default', 'staging', 'production'];
    const found = await audited(
      applied,
      alike.map((each) => running(ELSEWHERE, each)),
    );
    expect(found.map(({ of }) => of).sort()).toEqual(alike.map((each) => `${each}/Pod`).sort());
  });

  it('shows whose glass is broken', async () => {
    const said = { until: '2026-01-01T00:00:00Z', reason: 'over', ticket: 'INC-0' };
    const found = await audited(await overlay(name), [namespace(said)]);
    expect(found).toMatchObject([{ by: 'lazaret-break-glass', action: 'deny', of: '/Namespace' }]);
  });

  it('asks for the registry that is set', async () => {
    const other = copyOfKubernetes({ registry: 'fabrikam.azurecr.io' });
    try {
      const applied = await render(join(other, 'gatekeeper', name));
      const [ours, theirs] = ['fabrikam', 'contoso'].map((host) =>
        running(GOOD.replace('contoso', host), `of-${host}`),
      );
      expect(await audited(applied, [ours, theirs])).toMatchObject([{ of: 'of-contoso/Pod' }]);
    } finally {
      rmSync(other, { recursive: true });
    }
  });
});

describe('the constraints of the suite', () => {
  it.each([
    ['allowed-images.yaml', 'LazaretAllowedImages', 'lazaret-allowed-images'],
    ['break-glass.yaml', 'LazaretBreakGlass', 'lazaret-break-glass'],
  ])('%s is what is applied', async (file, kind, name) => {
    const [tried] = readResources(readFileSync(join(KUBERNETES, 'gatekeeper', 'cases', file), 'utf8'));
    const applied = only(await overlay(OVERLAYS[1]), kind, name);
    expect(tried?.kind).toBe(kind);
    expect(tried?.spec).toEqual(applied.spec);
  });
});
