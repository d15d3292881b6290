import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/process.js';
import { definitionOf } from './support/azure-policy.js';

const KUBERNETES = join(ROOT, 'infra', 'kubernetes');
const template = readFileSync(join(KUBERNETES, 'gatekeeper', 'base', 'allowed-images.yaml'), 'utf8');
const constraints = readFileSync(join(KUBERNETES, 'gatekeeper', 'base', 'constraints.yaml'), 'utf8');
const set = parse(readFileSync(join(KUBERNETES, 'set', 'kustomization.yaml'), 'utf8')) as {
  readonly commonAnnotations: Readonly<Record<string, string>>;
};
const version = set.commonAnnotations['lazaret.io/policy-version']!;
const definition = definitionOf({ template, constraints, version });

describe('the definition for Azure Policy', () => {
  // Written anew by `npx vitest run test/kubernetes/azure-policy.test.ts --update`.
  it('is made of the template', async () => {
    const text = `${JSON.stringify(definition, undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(KUBERNETES, 'azure-policy', 'allowed-images.json'));
  });

  it('carries the template as it is, and nothing else', () => {
    const { sourceType, content } = definition.properties.policyRule.then.details.templateInfo;
    expect(sourceType).toBe('Base64Encoded');
    expect(Buffer.from(content, 'base64').toString('utf8')).toBe(template);
  });

  it('names every parameter that it hands to the template', () => {
    const { parameters, policyRule } = definition.properties;
    const handed = JSON.stringify(policyRule).matchAll(/\[parameters\('([^']+)'\)\]/g);
    expect(new Set([...handed].map(([, name]) => name))).toEqual(new Set(Object.keys(parameters)));
  });

  it('has no break-glass: nothing would guard it there, and Azure Policy has exemptions that expire', () => {
    expect(Object.keys(definition.properties.policyRule.then.details.values)).toEqual(['registries']);
  });

  it('only audits until somebody says otherwise', () => {
    expect(definition.properties.parameters.effect.defaultValue).toBe('Audit');
  });
});
