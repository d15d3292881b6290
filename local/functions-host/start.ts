import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { HostMessage } from './host-process.js';
import { readLines } from './read-lines.js';

/** A functions host in a process of its own, with its worker in another one. */
export interface FunctionsHost {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The process in which the functions run at the moment. */
  readonly workerPid: () => number | undefined;
  readonly functions: readonly string[];
  /** Lets what is in hand end, then ends both processes. */
  readonly stop: () => Promise<void>;
  readonly exited: Promise<number | null>;
}

/** What {@link startFunctionsHost} is told. */
export interface StartOptions {
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
export async function startFunctionsHost(options: StartOptions): Promise<FunctionsHost> {
  const { root, env } = options;
  const entry = fileURLToPath(new URL('./host-process.js', import.meta.url));
  const args = ['--root', root, '--port', String(options.port), '--queue-lease', String(options.queueLeaseSeconds)];
  const child = fork(entry, args, { cwd: root, env, silent: true });
  const lines: string[] = [];
  const hear = (line: string) => {
    lines.push(line);
    if (lines.length > 50) lines.shift();
    options.onLine(line);
  };
  readLines(child.stdout, hear);
  readLines(child.stderr, hear);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let workerPid: number | undefined;
  const { promise, resolve, reject } = Promise.withResolvers<Extract<HostMessage, { kind: 'ready' }>>();
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new Error('the functions host did not become ready'));
  }, READY_TIMEOUT_MILLISECONDS);
  child.on('message', (message: HostMessage) => {
    if (message.kind === 'worker') workerPid = message.pid;
    else resolve(message);
  });
  void exited.then((code) => {
    reject(new Error(`the functions host ended with ${code ?? 'a signal'}:\n${lines.join('\n')}`));
  });
  const ready = await promise.finally(() => clearTimeout(timer));
  return {
    port: ready.port,
    functions: ready.functions,
    url: `http://127.0.0.1:${ready.port}`,
    pid: child.pid ?? 0,
    workerPid: () => workerPid,
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
