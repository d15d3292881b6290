import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT, trivyPath } from '../support/process.js';
import { sayUntested } from './harness/terraform.js';

const reportSchema = z.object({
  Results: z
    .array(
      z.object({
        Target: z.string(),
        MisconfSummary: z.object({ Successes: z.number() }).optional(),
        Misconfigurations: z.array(z.object({ ID: z.string(), Severity: z.string() })).optional(),
      }),
    )
    .optional(),
});

/** The lesser findings that are left as they are; why: docs/security.md, "What a scanner says". */
const LEFT = ['AZU-0009', 'AZU-0057', 'AZU-0058', 'AZU-0060'];

/** Pods that are put to the policies, good and bad: nobody applies them. */
const CASES = '**/kubernetes/gatekeeper/cases';

const isHere = spawnSync(trivyPath(), ['--version'], { stdio: 'ignore' }).status === 0;
if (!isHere) sayUntested("Trivy's opinion of infra/", 'There is no Trivy yet: npm test gets it.');

// Somebody else's opinion, by the checks that Trivy carries with it.
describe.skipIf(!isHere)('trivy config over infra/', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'lazaret-config-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const look = (directory: string) => {
    const args = ['config', '--skip-check-update', '--skip-version-check', '--format', 'json', '--quiet'];
    const { stdout } = spawnSync(
      trivyPath(),
      [...args, '--skip-dirs', CASES, '--cache-dir', join(home, 'cache'), directory],
      {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      },
    );
    const { Results = [] } = reportSchema.parse(JSON.parse(stdout));
    return {
      looked: Results.reduce((sum, { MisconfSummary }) => sum + (MisconfSummary?.Successes ?? 0), 0),
      found: Results.flatMap(({ Misconfigurations = [] }) => Misconfigurations),
    };
  };

  it('finds nothing high or critical, and nothing else than what is written down', () => {
    const { looked, found } = look(join(ROOT, 'infra'));
    expect(looked).toBeGreaterThan(30);
    expect(found.filter(({ Severity }) => Severity === 'HIGH' || Severity === 'CRITICAL')).toEqual([]);
    expect(found.map(({ ID }) => ID).sort()).toEqual(LEFT);
  });

  it('would find it', () => {
    const copy = join(home, 'infra');
    cpSync(join(ROOT, 'infra'), copy, { recursive: true, filter: (name) => !name.includes('.terraform') });
    const storage = join(copy, 'storage.tf');
    const text = readFileSync(storage, 'utf8');
    writeFileSync(storage, text.replace('var.network_isolation ? "Deny" : "Allow"', '"Allow"'));
    expect(look(copy).found.map(({ Severity }) => Severity)).toContain('CRITICAL');
  });
});
