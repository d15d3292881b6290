import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readLines } from '../functions-host/read-lines.js';
import type { createLocalCertificates } from '../tls/certificate.js';
import type { RegistryMessage, RegistryOrder } from './registry-process.js';

/** The registry in a process that may be killed at any time, and is started again on the same port and state. */
export interface KillableRegistry {
  readonly loginServer: string;
  readonly kill: () => boolean;
  /** Where its events go. */
  readonly deliverTo: (url: string) => void;
  /** Events that nobody has taken yet, and events that were given up. */
  readonly events: () => Promise<{ readonly waiting: number; readonly dead: number }>;
  readonly stop: () => Promise<void>;
}

/** What {@link startKillableRegistry} needs. */
export interface KillableRegistryOptions {
  readonly directory: string;
  readonly certificates: Awaited<ReturnType<typeof createLocalCertificates>>;
  readonly reached: (moment: string) => Promise<void>;
  readonly onLine: (line: string) => void;
}

const RESTART_MILLISECONDS = 500;

/** Starts the registry, and again whenever it ends. */
export async function startKillableRegistry(options: KillableRegistryOptions): Promise<KillableRegistry> {
  const { directory, reached, onLine } = options;
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'certificates.json'), JSON.stringify(options.certificates), { mode: 0o600 });
  const entry = fileURLToPath(new URL('./registry-process.js', import.meta.url));
  let child: ChildProcess | undefined;
  let functions: string | undefined;
  let stopping = false;
  const order = (message: RegistryOrder) => {
    if (child?.connected === true) child.send(message, () => undefined);
  };
  const start = async (port: number) => {
    const args = ['--directory', directory, '--port', String(port)];
    const process = fork(entry, args, { silent: true });
    readLines(process.stdout, onLine);
    readLines(process.stderr, onLine);
    const ended = new Promise<void>((resolve) => process.once('exit', () => resolve()));
    const ready = Promise.withResolvers<number>();
    ended.then(
      () => ready.reject(new Error('the registry ended before it listened')),
      () => undefined,
    );
    process.on('message', (message: RegistryMessage) => {
      if (message.kind === 'ready') {
        ready.resolve(message.port);
        return;
      }
      const { name, asks } = message;
      void reached(name).then(() => {
        if (asks !== undefined && process.connected)
          process.send({ kind: 'go', asks } satisfies RegistryOrder, () => undefined);
      });
    });
    const listening = await ready.promise;
    child = process;
    if (functions !== undefined) order({ kind: 'functions', url: functions });
    void ended.then(async () => {
      child = undefined;
      if (stopping) return;
      await wait(RESTART_MILLISECONDS);
      await start(listening);
    });
    return listening;
  };
  const port = await start(0);
  return {
    loginServer: `127.0.0.1:${port}`,
    kill: () => {
      const killed = child?.kill('SIGKILL') ?? false;
      child = undefined;
      return killed;
    },
    deliverTo: (url) => {
      functions = url;
      order({ kind: 'functions', url });
    },
    events: async () => {
      const files = await readdir(join(directory, 'events'), { recursive: true }).catch(() => []);
      const letters = files.filter((file) => file.endsWith('.json'));
      const dead = letters.filter((file) => file.startsWith('dead-letter'));
      return { waiting: letters.length - dead.length, dead: dead.length };
    },
    stop: async () => {
      stopping = true;
      const last = child;
      if (last === undefined) return;
      const ended = new Promise((resolve) => last.once('exit', resolve));
      last.kill('SIGTERM');
      await ended;
    },
  };
}
