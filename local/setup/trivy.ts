import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getTrivy } from '../../shared/trivy/get/get-trivy.js';
import { runCommand } from '../../shared/trivy/run/run-command.js';

/** Gets Trivy on this machine, for the package at `root`, telling its progress. */
export async function getTrivyHere(root: string, progress: (line: string) => void): Promise<string> {
  const trustedRoot: unknown = JSON.parse(
    await readFile(join(root, 'shared', 'trivy', 'get', 'trusted-root.json'), 'utf8'),
  );
  return getTrivy({
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    fetch,
    runCommand,
    progress,
    moduleDirectory: join(root, 'shared', 'trivy', 'build'),
    trustedRoot,
  });
}
