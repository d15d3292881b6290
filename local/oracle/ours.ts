import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../shared/trivy/run/run-command.js';
import { packageRoot } from '../environment.js';
import type { FixtureCase } from './case.js';
import { type StoredLayout, writeLayout } from './layout.js';

// The one place that knows how our own verifier is asked: by the command that people use, with its options.

/** What our verifier says of one layout. */
export interface OurAnswer {
  /** `unasked`: the command does not take what it would have to be told. */
  readonly verdict: 'pass' | 'fail' | 'inconclusive' | 'unasked';
  /** Codes and messages of what decided. */
  readonly message: string;
}

const TIMEOUT_MILLISECONDS = 20_000;
const VERDICTS: Readonly<Record<number, OurAnswer['verdict']>> = { 0: 'pass', 1: 'fail', 2: 'inconclusive' };

/** Asks our verifier about a layout, which is written to a directory for it. */
export async function askUs(
  layout: StoredLayout,
  { fixture, directory, work }: { readonly fixture: FixtureCase; readonly directory: string; readonly work: string },
): Promise<OurAnswer> {
  const place = join(work, 'layout');
  await mkdir(work, { recursive: true });
  await writeLayout(place, layout);
  const main = join(packageRoot(), 'dist', 'cli', 'main.js');
  const args = [main, 'verify', '--layout', `${place}@${fixture.image}`, '--json', ...optionsOf(fixture, directory)];
  const result = await runCommand(process.execPath, args, {
    cwd: work,
    env: { PATH: '', TZ: 'UTC' },
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    killAfterMilliseconds: 1000,
    maxOutputBytes: 4 * 1024 * 1024,
  });
  const verdict = VERDICTS[result.exitCode ?? -1];
  if (verdict === undefined) return refusal(result.stderr);
  const report = JSON.parse(result.stdout.toString('utf8')) as {
    readonly verdict: string;
    readonly reasons: readonly { readonly code: string; readonly message: string }[];
  };
  if (report.verdict !== verdict) throw new Error(`exit code ${verdict}, but the report says ${report.verdict}`);
  return {
    verdict,
    message: report.reasons
      .map(({ code, message }) => `${code}: ${message}`)
      .join('; ')
      .slice(0, 200),
  };
}

/**
 * Exit code 4. A layout that cannot be read at all has not passed; a word that the command does not know is a question that
 * was not asked.
 */
function refusal(stderr: string): OurAnswer {
  const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '{}') as {
    readonly error?: { readonly code: string; readonly message: string };
  };
  if (error === undefined || error.code === 'UNEXPECTED') throw new Error(`our verifier broke: ${stderr}`);
  const message = `${error.code}: ${error.message}`.slice(0, 200);
  return { verdict: error.code === 'USAGE' ? 'unasked' : 'fail', message };
}

function optionsOf({ verify }: FixtureCase, directory: string): readonly string[] {
  const option = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  const file = (name: string, value: string | undefined) => option(name, value && join(directory, value));
  return [
    ...file('--notation-config', verify.notationConfig),
    ...option('--scope', verify.scope),
    ...file('--key', verify.key),
    ...option('--certificate-identity', verify.certificateIdentity),
    ...option('--certificate-identity-regexp', verify.certificateIdentityRegexp),
    ...option('--certificate-oidc-issuer', verify.certificateOidcIssuer),
    ...file('--trusted-root', verify.trustedRoot),
    ...option('--at', verify.at),
    ...option('--allow-host', verify.allowHost),
    ...option('--attestation-type', verify.attestationType),
    ...(verify.insecureIgnoreTlog === true ? ['--insecure-ignore-tlog'] : []),
  ];
}
