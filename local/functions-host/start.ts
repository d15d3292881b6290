import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A functions host in a process of its own. */
export interface FunctionsHost {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly functions: readonly string[];
  readonly stop: () => Promise<void>;
  readonly exited: Promise<number | null>;
}

/** What {@link startFunctionsHost} is told. */
export interface HostOptions {
  /** The app: where `package.json` and `host.json` are. */
  readonly root: string;
  readonly port: number;
  /** All of its app settings. */
  readonly env: Readonly<Record<string, string>>;
  readonly queueLeaseSeconds: number;
  readonly onLine: (line: string) => void;
}

const READY_TIMEOUT_MILLISECONDS = 60_000;
const STOP_TIMEOUT_MILLISECONDS = 25_000;

/** Starts a host and waits until it listens. Rejects with its last lines where it does not. */
export async function startFunctionsHost({
  root,
  port,
  env,
  queueLeaseSeconds,
  onLine,
}: HostOptions): Promise<FunctionsHost> {
  const entry = fileURLToPath(new URL('./host-process.js', import.meta.url));
  const args = ['--root', root, '--port', String(port), '--queue-lease', String(queueLeaseSeconds)];
  const child = fork(entry, args, { cwd: root, env, silent: true });
  const lines: string[] = [];
  const hear = (line: string) => {
    lines.push(line);
    if (lines.length > 50) lines.shift();
    onLine(line);
  };
  readLines(child.stdout, hear);
  readLines(child.stderr, hear);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ready = await Promise.race([
    readyMessage(child),
    exited.then((code) => {
      throw new Error(`the functions host ended with ${code ?? 'a signal'}:\n${lines.join('\n')}`);
    }),
  ]);
  return {
    ...ready,
    url: `http://127.0.0.1:${ready.port}`,
    pid: child.pid ?? 0,
    exited,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MILLISECONDS);
      await exited;
      clearTimeout(timer);
    },
  };
}

function readyMessage(child: ChildProcess): Promise<{ readonly port: number; readonly functions: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error('the functions host did not become ready'));
    }, READY_TIMEOUT_MILLISECONDS);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as { readonly port: number; readonly functions: readonly string[] });
    });
    child.once('exit', () => clearTimeout(timer));
  });
}

/** Calls back for each whole line of a stream. */
export function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const parts = `${rest}${chunk.toString('utf8')}`.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) onLine(line);
  });
}
