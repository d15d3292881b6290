import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromWorker, ToWorker } from '../protocol.js';
import { readLines } from '../read-lines.js';

/** A worker process, from the outside. */
export interface WorkerConnection {
  readonly pid: number;
  readonly send: (message: ToWorker) => void;
  readonly onMessage: (listener: (message: FromWorker) => void) => void;
  /** How it ended: `code 1`, `SIGKILL`. */
  readonly exited: Promise<string>;
  readonly kill: () => void;
}

/** Starts a worker for the app at `root`, with the environment of this process. */
export function startWorkerProcess(root: string, onLine: (line: string) => void): WorkerConnection {
  const entry = fileURLToPath(new URL('./worker-process.js', import.meta.url));
  const child = fork(entry, ['--root', root], { cwd: root, silent: true, serialization: 'advanced' });
  readLines(child.stdout, onLine);
  readLines(child.stderr, onLine);
  return {
    pid: child.pid ?? 0,
    send: (message) => {
      child.send(message, () => undefined);
    },
    onMessage: (listener) => {
      child.on('message', (message) => listener(message as FromWorker));
    },
    exited: new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code ?? 0}`));
      // A process that could not be started has no exit.
      child.once('error', (error) => {
        if (child.pid === undefined) resolve(error.message);
      });
    }),
    kill: () => child.kill('SIGKILL'),
  };
}
