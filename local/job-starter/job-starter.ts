import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { readLines } from '../functions-host/read-lines.js';

/** What {@link startJobStarter} needs. */
export interface JobStarterOptions {
  /** Messages in the queue, those that are leased included, as the queue scaler counts them. */
  readonly queueLength: () => Promise<number>;
  /** How often the scaler looks. Azure's default is 30 seconds. */
  readonly pollMilliseconds: number;
  /** Messages for which one execution is enough. */
  readonly messagesPerExecution: number;
  readonly maxExecutions: number;
  /** The job's entry, and all of its settings. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
}

/** Starts executions of the scan job while there is work, as the queue scaler of Container Apps does. */
export interface JobStarter {
  readonly running: () => readonly number[];
  /** Asks the executions to end, and ends those that do not. */
  readonly stop: () => Promise<void>;
}

const STOP_MILLISECONDS = 15_000;

/** Starts the starter. https://keda.sh/docs/latest/scalers/azure-storage-queue/ */
export function startJobStarter(options: JobStarterOptions): JobStarter {
  const children = new Set<ChildProcess>();
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      const length = await options.queueLength().catch(() => 0);
      const wanted = Math.min(Math.ceil(length / options.messagesPerExecution), options.maxExecutions);
      for (let missing = wanted - children.size; missing > 0; missing--) start();
      await wait(options.pollMilliseconds, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const start = () => {
    const child = fork(options.entry, [], { env: options.env, silent: true });
    children.add(child);
    readLines(child.stdout, options.onLine);
    readLines(child.stderr, options.onLine);
    child.once('exit', () => children.delete(child));
    child.once('error', () => children.delete(child));
  };
  const looping = loop();
  return {
    running: () => [...children].flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    stop: async () => {
      stopping.abort();
      await looping;
      await Promise.all([...children].map(endChild));
    },
  };
}

async function endChild(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
  await exited;
  clearTimeout(timer);
}
