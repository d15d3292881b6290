import { spawn } from 'node:child_process';

/** The bounds and the surroundings of one process. */
export interface CommandOptions {
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds until the process group gets SIGTERM. */
  readonly timeoutMilliseconds: number;
  /** Milliseconds after that until it gets SIGKILL. */
  readonly killAfterMilliseconds: number;
  /** The most bytes of stdout that are kept; beyond it the process is ended. */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal;
}

/** How a process ended. */
export interface CommandResult {
  /** Undefined where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  /** The last 16 KiB of stderr. */
  readonly stderr: string;
  readonly timedOut: boolean;
  /** It wrote more than it may. */
  readonly truncated: boolean;
}

/** Runs a program, never a shell. Rejects only where it cannot be started. */
export type RunCommand = (file: string, args: readonly string[], options: CommandOptions) => Promise<CommandResult>;

const MAX_STDERR_BYTES = 16_384;

/** {@link RunCommand} for real: a process group of its own, ended as a whole. */
export const runCommand: RunCommand = (file, args, options) =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = Buffer.alloc(0);
    let timedOut = false;
    let truncated = false;
    let killTimer: NodeJS.Timeout | undefined;
    const end = () => {
      signalGroup(child.pid, 'SIGTERM');
      killTimer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), options.killAfterMilliseconds);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, options.timeoutMilliseconds);
    options.signal?.addEventListener('abort', end, { once: true });
    if (options.signal?.aborted === true) end();
    child.stdout.on('data', (chunk: Buffer) => {
      stdoutBytes += chunk.byteLength;
      if (stdoutBytes <= options.maxOutputBytes) {
        stdout.push(chunk);
      } else if (!truncated) {
        truncated = true;
        end();
      }
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-MAX_STDERR_BYTES);
    });
    const cleanUp = () => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', end);
    };
    child.on('error', (error) => {
      cleanUp();
      reject(error);
    });
    child.on('close', (exitCode) => {
      cleanUp();
      // What it may have left behind in its group goes with it.
      signalGroup(child.pid, 'SIGKILL');
      resolve({
        exitCode: exitCode ?? undefined,
        stdout: Buffer.concat(stdout),
        stderr: stderr.toString('utf8'),
        timedOut,
        truncated,
      });
    });
  });

function signalGroup(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}
