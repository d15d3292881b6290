import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runCommand } from '../../../shared/trivy/run/run-command.js';
import type { AdmissionCase } from './cases.js';
import { tool } from '../../support/go-tool.js';

/** One constraint with its template, and what is put to both. */
export interface GatorTest {
  readonly name: string;
  /** Files, relative to the suite. */
  readonly template: string;
  readonly constraint: string;
  readonly expansion?: string;
  readonly cases: readonly AdmissionCase[];
}

const fileOf = (test: string, name: string) => `cases/${test}/${name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.yaml`;

/** A suite for Gatekeeper's own tool, and the files that it names, by their path. */
export function suiteOf(tests: readonly GatorTest[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { name, cases } of tests) {
    for (const each of cases) files.set(fileOf(name, each.name), stringify(each.object, { lineWidth: 0 }));
  }
  const suite = {
    apiVersion: 'test.gatekeeper.sh/v1alpha1',
    kind: 'Suite',
    metadata: { name: 'lazaret' },
    tests: tests.map(({ cases, ...test }) => ({
      ...test,
      cases: cases.map(({ name, refused }) => ({
        name,
        object: fileOf(test.name, name),
        // A pattern, in which each of these characters stands for itself.
        assertions: [refused === undefined ? { violations: 'no' } : { violations: 'yes', message: escape(refused) }],
      })),
    })),
  };
  files.set('suite.yaml', stringify(suite, { lineWidth: 0 }));
  return files;
}

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Writes a suite into a directory. */
export function writeSuite(directory: string, tests: readonly GatorTest[]): void {
  for (const [path, text] of suiteOf(tests)) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

/** What the tool says of a suite, and whether all of it has passed. */
export async function verifySuite(directory: string): Promise<{ readonly passed: boolean; readonly said: string }> {
  const { exitCode, stdout, stderr } = await runCommand(
    await tool('gator'),
    ['verify', join(directory, 'suite.yaml'), '-v'],
    {
      cwd: directory,
      env: { HOME: directory },
      timeoutMilliseconds: 120_000,
      killAfterMilliseconds: 1000,
      maxOutputBytes: 4 * 1024 * 1024,
    },
  );
  return { passed: exitCode === 0, said: `${stdout.toString('utf8')}\n${stderr}` };
}
