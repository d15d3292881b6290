import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { KUBERNETES } from './support/engines.js';
import { readResources } from './support/resource.js';

const read = (...path: readonly string[]) => readFileSync(join(KUBERNETES, ...path), 'utf8');
const NAME = 'kubernetes.io/metadata.name';

const values = z
  .looseObject({
    validatingWebhookFailurePolicy: z.string(),
    validatingWebhookAnnotations: z.record(z.string(), z.string()),
    validatingWebhookExemptNamespacesLabels: z.strictObject({ [NAME]: z.array(z.string()) }),
    validatingWebhookCustomRules: z.array(
      z.strictObject({
        apiGroups: z.array(z.string()),
        apiVersions: z.tuple([z.literal('*')]),
        operations: z.tuple([z.literal('CREATE'), z.literal('UPDATE')]),
        resources: z.array(z.string()),
        scope: z.literal('*'),
      }),
    ),
    enableGeneratorResourceExpansion: z.boolean(),
  })
  .parse(parse(read('gatekeeper', 'values.yaml')));

const asked = values.validatingWebhookCustomRules.flatMap(({ apiGroups, resources }) =>
  apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`)),
);

const constraints = ['gatekeeper/base/constraints.yaml', 'ratify/base/constraint.yaml']
  .flatMap((path) => readResources(read(path)))
  .map(({ spec }) =>
    z
      .looseObject({
        match: z.strictObject({
          kinds: z.tuple([z.strictObject({ apiGroups: z.tuple([z.literal('')]), kinds: z.tuple([z.string()]) })]),
          excludedNamespaces: z.array(z.string()).optional(),
        }),
      })
      .parse(spec),
  );

describe('the webhook of Gatekeeper', () => {
  it('refuses what it does not answer', () => {
    expect(values).toMatchObject({ validatingWebhookFailurePolicy: 'Fail', enableGeneratorResourceExpansion: true });
  });

  it('is asked about everything by which an image comes in, or the glass is broken', () => {
    const kinds = constraints.flatMap(({ match }) => match.kinds[0].kinds);
    expect(new Set(kinds)).toEqual(new Set(['Pod', 'Namespace']));
    const ways = ['/pods', '/pods/ephemeralcontainers', '/namespaces', '/namespaces/status', '/namespaces/finalize'];
    expect(asked).toEqual(expect.arrayContaining(ways));
  });

  it('is asked about all that is expanded', () => {
    const expanded = readResources(read('gatekeeper', 'base', 'expansion.yaml')).flatMap(({ spec }) =>
      z
        .array(z.looseObject({ groups: z.array(z.string()), kinds: z.array(z.string()) }))
        .parse(spec['applyTo'])
        .flatMap(({ groups, kinds }) =>
          groups.flatMap((group) => kinds.map((kind) => `${group}/${kind}s`.toLowerCase())),
        ),
    );
    expect(expanded).toHaveLength(7);
    expect(asked).toEqual(expect.arrayContaining(expanded));
  });

  it('is not asked about what a cluster without Gatekeeper needs to start it', () => {
    const needed = ['nodes', 'leases', 'endpointslices', 'configmaps', 'serviceaccounts', 'certificatesigningrequests'];
    expect(asked.filter((resource) => needed.some((name) => resource.endsWith(`/${name}`)))).toEqual([]);
    const all = asked.filter((resource) => resource.includes('*'));
    expect(all.filter((resource) => !/^[a-z]+\.gatekeeper\.sh\/\*$/.test(resource))).toEqual([]);
  });

  it('leaves out the same namespaces as each constraint, by their names, and AKS adds none by a label', () => {
    const names = values.validatingWebhookExemptNamespacesLabels[NAME];
    for (const { match } of constraints)
      if (match.kinds[0].kinds[0] === 'Pod') expect(match.excludedNamespaces).toEqual(names);
    expect(values.validatingWebhookAnnotations).toEqual({ 'admissions.enforcer/disabled': 'true' });
  });
});
