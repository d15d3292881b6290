import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseDuration } from '../../shared/policy/duration.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { ROOT } from '../support/process.js';
import { ENGINES, KUBERNETES, OVERLAYS, foldersOf } from './support/engines.js';

const read = (...path: readonly string[]) => readFileSync(join(KUBERNETES, ...path), 'utf8');
const kustomization = (...path: readonly string[]) =>
  z
    .looseObject({
      kind: z.string(),
      resources: z.array(z.string()).default([]),
      components: z.array(z.string()).default([]),
      patches: z.array(z.strictObject({ target: z.record(z.string(), z.string()), patch: z.string() })).default([]),
      commonAnnotations: z.record(z.string(), z.string()).default({}),
    })
    .parse(parse(read(...path, 'kustomization.yaml')));

const VERSION = kustomization('set').commonAnnotations['lazaret.io/policy-version'] ?? '';

describe('the set of policies', () => {
  it('has one version, that every engine takes from one place', () => {
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+$/);
    for (const engine of ENGINES) {
      expect(kustomization(engine, 'base').components, engine).toContain('../../set');
      expect(read(engine, 'base', 'kustomization.yaml')).not.toContain('policy-version');
    }
  });

  // A new version is written by this test once; one that is there is compared.
  it('has another version where anything of it has changed', async () => {
    const files = ENGINES.flatMap((engine) =>
      foldersOf(engine).flatMap((folder) =>
        readdirSync(join(KUBERNETES, engine, folder))
          .filter((name) => /\.(yaml|cel)$/.test(name))
          .map((name) => [engine, folder, name].join('/')),
      ),
    ).sort();
    const digests = files.map((file) => `${createHash('sha256').update(read(file)).digest('hex')}  ${file}\n`);
    await expect(digests.join('')).toMatchFileSnapshot(join(KUBERNETES, 'set', `${VERSION}.sha256`));
  });

  it('has a version that the changelog tells of', () => {
    expect(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')).toContain(`policy set ${VERSION}`);
  });

  it.each(ENGINES)('%s: staging and production add nothing of their own but an action', (engine) => {
    const [staging, production] = OVERLAYS.map((overlay) => kustomization(engine, overlay));
    for (const each of [staging, production]) {
      expect(each).toMatchObject({ kind: 'Kustomization', resources: ['../base'], components: [] });
      expect(Object.keys(each ?? {}).sort()).toEqual([
        'apiVersion',
        'commonAnnotations',
        'components',
        'kind',
        'patches',
        'resources',
      ]);
      for (const { patch } of each?.patches ?? []) {
        expect(patch).toMatch(/\/(enforcementAction|validationActions|validationActions\/0)\n/);
        expect(patch.match(/op:/g)).toHaveLength(1);
      }
    }
    expect(staging?.patches.map(({ target }) => target)).toEqual(production?.patches.map(({ target }) => target));
  });
});

describe('the settings', () => {
  const settings = Object.fromEntries(
    read('settings', 'settings.env')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

  it('let a report grow older than Lazaret lets it', () => {
    const policy = readFileSync(join(ROOT, 'policy', 'policy.yaml'), 'utf8');
    expect(parseDuration(settings['reportMaximumAge'] ?? '')).toBeGreaterThan(parsePolicy(policy).maxAgeMilliseconds);
  });

  it('are each used', () => {
    const used = ENGINES.map((engine) => read(engine, 'base', 'replacements.yaml')).join('\n');
    for (const name of Object.keys(settings)) expect(used, name).toContain(`data.${name} `);
  });
});
