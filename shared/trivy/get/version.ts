import { AppError } from '../../error/app-error.js';
import type { RunCommand } from '../run/run-command.js';

/** The version that is fetched, built and tested. */
export const PINNED_VERSION = '0.74.0';
/** The oldest version whose reports and messages are known. */
export const OLDEST_VERSION = '0.70.0';

/**
 * Releases that carried a credential stealer, published with stolen credentials in March 2026.
 * https://github.com/aquasecurity/trivy/security/advisories/GHSA-69fq-xp46-6x23
 */
const COMPROMISED: ReadonlySet<string> = new Set(['0.69.4', '0.69.5', '0.69.6']);

/** The version in the output of `trivy --version`; undefined where there is none, as in a build of somebody's own. */
export function parseVersion(output: string): string | undefined {
  return /^Version: v?(\d+\.\d+\.\d+)\s*$/m.exec(output)?.[1];
}

/** Asks a Trivy for its version, in an empty environment; undefined where it gives none. */
export async function installedVersion(path: string, runCommand: RunCommand): Promise<string | undefined> {
  const bounds = { timeoutMilliseconds: 30_000, killAfterMilliseconds: 1000, maxOutputBytes: 65_536 };
  // It may be a release that steals what it finds, so it is shown nothing.
  const result = await runCommand(path, ['--version'], { cwd: '/', env: { HOME: '/nonexistent' }, ...bounds }).catch(
    () => undefined,
  );
  return result?.exitCode === 0 ? parseVersion(result.stdout.toString('utf8')) : undefined;
}

/**
 * Whether a Trivy of this version is used. Throws `TRIVY_COMPROMISED` for a release that must never run, which ends the
 * search: a machine that has one needs a person.
 */
export function isAccepted(version: string | undefined, where: string): boolean {
  if (version === undefined) return false;
  if (COMPROMISED.has(version)) {
    throw new AppError(
      'TRIVY_COMPROMISED',
      `Trivy ${version} at ${where} is a compromised release (CVE-2026-33634). Remove it, and treat this machine's secrets as stolen.`,
    );
  }
  return compare(version, OLDEST_VERSION) >= 0;
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
