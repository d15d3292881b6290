import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { createInvoke } from './create-invoke.js';
import type { HostSettings } from './host-settings.js';
import { waitInRealTime } from '../wait.js';
import { createWorkerChannel } from './worker/worker-channel.js';
import { startWorkerProcess } from './worker/worker-connection.js';

// The process that listens: started by `start.ts`, ended with its parent. The app runs in another one, its worker.
const write = (line: string) => process.stdout.write(`${line.replaceAll('\n', ' ')}\n`);

/** What a host tells the process that started it. */
export type HostMessage =
  | { readonly kind: 'worker'; readonly pid: number }
  | { readonly kind: 'ready'; readonly port: number; readonly functions: readonly string[] };

const tell = (message: HostMessage) => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};
const DRAIN_MILLISECONDS = 20_000;
const LONGEST_HOST_ID = 32;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { root: { type: 'string' }, port: { type: 'string' }, 'queue-lease': { type: 'string' } },
  });
  const root = values.root ?? process.cwd();
  const read: { host?: HostSettings } = {};
  // The worker loads the app while this process loads what it needs itself.
  const channel = createWorkerChannel({
    connect: () => startWorkerProcess(root, (line) => process.stdout.write(`${line}\n`)),
    functionTimeoutMilliseconds: () => read.host?.functionTimeoutMilliseconds,
    wait: waitInRealTime,
    write,
    onReady: (pid) => tell({ kind: 'worker', pid }),
  });
  const [{ readHostSettings }, { createHost }, { serve }] = await Promise.all([
    import('./host-settings.js'),
    import('./host.js'),
    import('../web/node-adapter.js'),
  ]);
  const host = await readHostSettings(root, process.env);
  read.host = host;
  const functions = await channel.ready();
  // Whoever supervises this host has to start another one then.
  void channel.gone.then((reason) => {
    write(`error host: ${reason.message}`);
    process.exit(1);
  });
  const running = createHost({
    functions,
    host,
    settings: process.env,
    hostId: process.env['AzureFunctionsWebHost__hostid'] ?? defaultHostId(root),
    queueLeaseSeconds: Number(values['queue-lease'] ?? '600'),
    invoke: createInvoke(channel, write),
    ready: channel.ready,
    effects: {
      clock: () => new Date(),
      wait: waitInRealTime,
      random: Math.random,
      processors: availableParallelism(),
    },
    write,
  });
  const server = createServer(serve(running.handle, (error) => write(`error door: ${String(error)}`)));
  server.listen(Number(values.port ?? '0'), '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    tell({ kind: 'ready', port, functions: functions.map(({ name }) => name) });
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const grace = setTimeout(() => process.exit(0), DRAIN_MILLISECONDS);
    void Promise.all([running.stop(), closed])
      .then(() => channel.stop())
      .finally(() => {
        clearTimeout(grace);
        process.exit(0);
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
}

/** As the real host has it on a machine of one's own: from the machine's name and where the app is. */
function defaultHostId(root: string): string {
  const machine = hostname().replaceAll(/[^A-Za-z0-9]/g, '');
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 10);
  return `${machine.slice(0, LONGEST_HOST_ID - hash.length - 1)}-${hash}`.toLowerCase();
}

main().catch((error: unknown) => {
  write(`error host: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
});
