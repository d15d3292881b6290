import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/process.js';
import { readResources } from './support/resource.js';
import { SUITE } from './support/gatekeeper.js';
import { suiteOf } from './support/gator.js';

const FOLDER = join(ROOT, 'infra', 'kubernetes', 'gatekeeper');

describe('the suite that is shipped', () => {
  const files = suiteOf(SUITE);
  // Written anew by `npx vitest run test/kubernetes/gatekeeper.test.ts --update`.
  it.each([...files])('has %s as the table of cases has it', async (path, text) => {
    await expect(text).toMatchFileSnapshot(join(FOLDER, path));
  });

  it('has no other case', () => {
    const there = SUITE.flatMap(({ name }) =>
      readdirSync(join(FOLDER, 'cases', name)).map((file) => `cases/${name}/${file}`),
    );
    expect(there.sort()).toEqual([...files.keys()].filter((path) => path !== 'suite.yaml').sort());
  });
});

describe('the libraries of both templates', () => {
  it('are the same, since a template cannot refer to another one', () => {
    const libs = (path: string) => {
      const [template] = readResources(readFileSync(join(FOLDER, '..', path), 'utf8'));
      const found: string[] = [];
      JSON.stringify(template, (key, value: unknown) => {
        if (key === 'libs') found.push(...(value as readonly string[]));
        return value;
      });
      return found;
    };
    const ours = libs('gatekeeper/base/allowed-images.yaml');
    expect(ours).toHaveLength(2);
    expect(libs('ratify/base/template.yaml')).toEqual(ours);
  });
});
