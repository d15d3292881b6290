import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type FunctionsHost, startFunctionsHost } from '../functions-host/start.js';
import { startJobStarter } from '../job-starter/job-starter.js';
import type { Victim } from './director.js';

/** The functions host with its worker, and the scan jobs: whatever is killed is started again. */
export interface Machines {
  readonly functions: string;
  readonly kill: (victim: Exclude<Victim, 'registry'>) => boolean;
  readonly stop: () => Promise<void>;
}

/** What {@link startMachines} needs. */
export interface MachinesOptions {
  readonly root: string;
  /** Settings of both, of the app, and of the job. */
  readonly env: {
    readonly common: Readonly<Record<string, string>>;
    readonly app: Readonly<Record<string, string>>;
    readonly job: Readonly<Record<string, string>>;
  };
  /** Scan requests that wait or are under way. */
  readonly queueLength: () => Promise<number>;
  readonly reached: (moment: string) => Promise<void>;
  readonly onLine: (source: string, line: string) => void;
}

const RESTART_MILLISECONDS = 500;
/** Leases of seconds, so that a kill costs seconds. */
const QUEUE_LEASE_SECONDS = 8;
const JOB_LEASE_SECONDS = 6;

/** Starts them. */
export async function startMachines({ root, env, queueLength, reached, onLine }: MachinesOptions): Promise<Machines> {
  let host: FunctionsHost | undefined;
  let stopping = false;
  const run = (port: number) =>
    startFunctionsHost({
      root,
      port,
      queueLeaseSeconds: QUEUE_LEASE_SECONDS,
      env: {
        ...env.common,
        ...env.app,
        AzureFunctionsJobHost__extensions__queues__maxPollingInterval: '00:00:01',
        // What a dead worker had in hand is tried again soon.
        AzureFunctionsJobHost__extensions__queues__visibilityTimeout: '00:00:02',
        // More deaths meet a message in one minute here than five tries are meant for.
        AzureFunctionsJobHost__extensions__queues__maxDequeueCount: '30',
      },
      onLine: (line) => {
        onLine('functions', line);
        const name = /^Executing 'Functions\.([\w-]+)'/.exec(line)?.[1];
        if (name !== undefined) void reached(`host: ${name} begins`);
      },
    });
  const first = await run(0);
  host = first;
  const isOver = () => stopping;
  const supervising = (async () => {
    for (;;) {
      await host?.exited;
      if (isOver()) return;
      host = undefined;
      await wait(RESTART_MILLISECONDS);
      host = await run(first.port).catch((error: unknown) => {
        onLine('functions', String(error));
        return undefined;
      });
    }
  })();
  const starter = startJobStarter({
    queueLength,
    pollMilliseconds: 500,
    messagesPerExecution: 100,
    maxExecutions: 1,
    entry: join(root, 'dist', 'jobs', 'scan', 'main.js'),
    onLine: (line) => onLine('scan', line),
    env: {
      ...env.common,
      ...env.job,
      LAZARET_LINGER_SECONDS: '20',
      LAZARET_POLL_MILLISECONDS: '100',
      LAZARET_LEASE_SECONDS: String(JOB_LEASE_SECONDS),
      LAZARET_SCAN_CONCURRENCY: '2',
    },
  });
  return {
    functions: first.url,
    kill: (victim) => {
      if (victim === 'job') return starter.running().map(killTree).includes(true);
      const worker = host?.workerPid();
      const killed = worker !== undefined && killOne(worker);
      if (victim === 'worker' || host === undefined) return killed;
      return killOne(host.pid) && killed;
    },
    stop: async () => {
      stopping = true;
      await starter.stop();
      await host?.stop();
      await Promise.race([supervising, wait(1000)]);
    },
  };
}

function killOne(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** A container that ends takes all of its processes with it: the job's Trivy runs in a group of its own. */
function killTree(pid: number): boolean {
  const children = childrenOf(pid);
  const killed = killOne(pid);
  for (const child of children) killTree(child);
  return killed;
}

/** Linux tells; elsewhere a Trivy that is left behind ends by itself. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
