import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { runCommand } from '../../../shared/trivy/run/run-command.js';
import { tool } from './render.js';
import type { Resource } from './resource.js';

type Json = Readonly<Record<string, unknown>>;

const reportSchema = z.object({
  results: z
    .array(
      z.object({
        policy: z.string(),
        result: z.enum(['pass', 'fail', 'error', 'skip', 'warn']),
        message: z.string().default(''),
        resources: z.tuple([z.object({ name: z.string() })]),
      }),
    )
    .default([]),
});

/** What a policy says of an object. */
export interface Judgement {
  readonly policy: string;
  readonly name: string;
  readonly result: 'pass' | 'fail' | 'error' | 'skip' | 'warn';
  readonly message: string;
}

/** What surrounds the objects. */
export interface Surroundings {
  /** The annotations of the namespace that they are in. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The namespace that they are in. */
  readonly namespace?: string;
  /** Of whoever asks. */
  readonly groups?: readonly string[];
  /** Whether registries may be asked. */
  readonly registry?: boolean;
  /** Where the tool finds certificates, and keeps things. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Judges objects by policies, with Kyverno's own command line. Objects are told apart by their names. */
export async function judge(
  policies: readonly Resource[],
  objects: readonly Json[],
  {
    annotations = {},
    namespace = 'team',
    groups = ['system:authenticated'],
    registry = false,
    env = {},
  }: Surroundings = {},
): Promise<readonly Judgement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lazaret-kyverno-'));
  const write = (name: string, documents: readonly unknown[]) => {
    const path = join(directory, name);
    // The tool reads YAML of the older kind, in which more words than two are true: texts are quoted.
    const options = { lineWidth: 0, version: '1.1' as const, defaultStringType: 'QUOTE_DOUBLE' as const };
    writeFileSync(path, documents.map((each) => `---\n${stringify(each, options)}`).join(''));
    return path;
  };
  const metadata = { name: namespace, labels: { 'kubernetes.io/metadata.name': namespace }, annotations };
  const values = {
    apiVersion: 'cli.kyverno.io/v1alpha1',
    kind: 'Value',
    metadata: { name: 'values' },
    namespaces: [{ apiVersion: 'v1', kind: 'Namespace', metadata }],
  };
  const user = {
    apiVersion: 'cli.kyverno.io/v1alpha1',
    kind: 'UserInfo',
    metadata: { name: 'user' },
    userInfo: { username: 'somebody@contoso.example', groups },
  };
  const args = [
    ...['apply', write('policies.yaml', policies), '--resource', write('objects.yaml', objects)],
    ...['--values-file', write('values.yaml', [values]), '--userinfo', write('user.yaml', [user])],
    ...['--policy-report', '--output-format', 'json', ...(registry ? ['--registry'] : [])],
  ];
  try {
    const { exitCode, stdout, stderr } = await runCommand(await tool('kyverno'), args, {
      cwd: directory,
      env: { HOME: directory, ...env },
      timeoutMilliseconds: 120_000,
      killAfterMilliseconds: 1000,
      maxOutputBytes: 16 * 1024 * 1024,
    });
    const said = stdout.toString('utf8');
    const report = said.split('\n').findLast((line) => line.startsWith('{'));
    // Where no policy is about any of the objects there is no report.
    if (report === undefined && exitCode === 0) return [];
    if (report === undefined) throw new Error(`kyverno: ${said}${stderr}`);
    return reportSchema
      .parse(JSON.parse(report))
      .results.map(({ resources: [{ name }], ...each }) => ({ name, ...each }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The same object under another name. */
export const named = (object: Json, name: string): Json => ({
  ...object,
  metadata: { ...(object['metadata'] as Json), name },
});
