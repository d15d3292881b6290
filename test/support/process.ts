import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../shared/trivy/get/get-trivy.js';
import { PINNED_VERSION } from '../../shared/trivy/get/version.js';
import type { Status } from '../../shared/pipeline/lookup.js';

export const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');

/** What `start --json` prints. */
export interface Started {
  readonly pid: number;
  readonly registry: string;
  readonly functions: string;
  readonly inbox: string;
  readonly stateDir: string;
  readonly storage: string;
  readonly caFile: string;
}

export interface RunningEnvironment extends Started {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly stop: () => Promise<number | null>;
}

/** Runs `lazaret start --json` and waits for its first line. */
export async function startCli(args: readonly string[]): Promise<RunningEnvironment> {
  const child = spawn(process.execPath, [MAIN, 'start', '--json', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const started = await new Promise<Started>((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('\n')) resolve(JSON.parse(out.slice(0, out.indexOf('\n'))) as Started);
    });
    child.once('exit', () => reject(new Error(`it did not start:\n${stderr}`)));
  });
  return {
    ...started,
    child,
    stderr: () => stderr,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** Runs the command line to its end. */
export function cli(...args: readonly string[]): {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const result = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** `lazaret status REF --wait N --json`. */
export function statusOf(reference: string, waitSeconds: number): Status & { readonly code: number | null } {
  const { code, stdout, stderr } = cli('status', reference, '--wait', String(waitSeconds), '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, ...(JSON.parse(stdout) as Status) };
}

/** Processes below `pid`, with their command lines. */
export function descendants(pid: number): readonly { readonly pid: number; readonly command: string }[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent, command }];
      } catch {
        return [];
      }
    });
  const found: { pid: number; command: string }[] = [];
  const visit = (parent: number): void => {
    for (const child of all.filter((candidate) => candidate.parent === parent)) {
      found.push(child);
      visit(child.pid);
    }
  };
  visit(pid);
  return found;
}

/** Whether a tool is here. Says so aloud where it is not: its tests then do not count as run. */
export function hasTool(...names: readonly string[]): boolean {
  const missing = names.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status !== 0);
  if (missing.length > 0) process.stderr.write(`\nNOT RUN for want of ${missing.join(', ')}; .ci/run installs it.\n`);
  return missing.length === 0;
}

/** Runs a tool and returns what it printed; throws on any other exit code than 0. */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  return execFileSync(file, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
}

/** The Trivy that the environment uses, for a raw scan beside it. */
export function trivyPath(): string {
  const named = process.env['LAZARET_TRIVY'];
  if (named !== undefined) return named;
  const cache = cacheDirectory({ env: process.env, platform: process.platform });
  const cached = join(cache, 'trivy', PINNED_VERSION, 'trivy');
  return existsSync(cached) ? cached : 'trivy';
}
