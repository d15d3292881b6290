import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT } from '../support/process.js';
import { readResources } from './support/resource.js';

const BASE = join(ROOT, 'infra', 'kubernetes', 'kyverno', 'base');
const text = (file: string) => readFileSync(join(BASE, file), 'utf8');

const specSchema = z.looseObject({
  failurePolicy: z.string(),
  matchConstraints: z.strictObject({
    namespaceSelector: z
      .strictObject({
        matchExpressions: z.tuple([
          z.strictObject({ key: z.string(), operator: z.string(), values: z.array(z.string()) }),
        ]),
      })
      .optional(),
    resourceRules: z.array(z.looseObject({ operations: z.array(z.string()), resources: z.array(z.string()) })),
  }),
});
const specOf = (file: string) => specSchema.parse(readResources(text(file))[0]!['spec']);

// Kyverno's own tool knows no subresources, and its namespaces have what labels they are given: what it cannot show is read here.
describe("Kyverno's policies", () => {
  const policies = ['allowed-images.yaml', 'signed-images.yaml', 'break-glass-used.yaml'];

  it.each(policies)('look at containers that are added to a Pod that runs: %s', (file) => {
    const { resourceRules } = specOf(file).matchConstraints;
    const rule = resourceRules.find(({ resources }) => resources.includes('pods/ephemeralcontainers'));
    expect(rule).toMatchObject({ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] });
    expect(rule?.resources).toContain('pods');
  });

  it.each(policies)('leave out the same namespaces, by a name that nobody can change: %s', (file) => {
    const { namespaceSelector } = specOf(file).matchConstraints;
    expect(namespaceSelector).toEqual(specOf(policies[0]!).matchConstraints.namespaceSelector);
    const [{ key, operator, values }] = namespaceSelector!.matchExpressions;
    expect([key, operator]).toEqual(['kubernetes.io/metadata.name', 'NotIn']);
    expect(values).toEqual(expect.arrayContaining(['kube-system', 'kyverno']));
    expect(values.filter((name) => /stag|test|dev|prod|default/.test(name))).toEqual([]);
  });

  it('guard break-glass in every namespace, and through whatever its annotations can be changed', () => {
    expect(specOf('break-glass.yaml').matchConstraints).toEqual({
      resourceRules: [
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          operations: ['CREATE', 'UPDATE'],
          resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
        },
      ],
    });
  });

  it('know the same times when break-glass is set and when it is used', () => {
    const [pattern = ''] = /'\^\[0-9\]\{4\}[^']*'/.exec(text('break-glass.cel')) ?? [];
    expect(pattern).toContain('T(');
    expect(text('break-glass.yaml')).toContain(pattern);
  });

  it.each([...policies, 'break-glass.yaml'])('let nothing in where Kyverno does not answer: %s', (file) => {
    expect(specOf(file).failurePolicy).toBe('Fail');
  });
});
