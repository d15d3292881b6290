import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { QueueServiceClient } from '@azure/storage-queue';
import { serve } from '../web/node-adapter.js';
import { provideCoreModule } from './core-module.js';
import { createDoors } from './doors.js';
import { createInvoke } from './invoke.js';
import { loadApp, readHostSettings } from './load-app.js';
import { listenToQueue } from './queue-listener.js';

// The process of its own in which the app runs: started by `start.ts`, ended with its parent.
const write = (line: string) => process.stdout.write(`${line.replaceAll('\n', ' ')}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { root: { type: 'string' }, port: { type: 'string' }, 'queue-lease': { type: 'string' } },
  });
  const root = values.root ?? process.cwd();
  const registrations = provideCoreModule((level, message) => write(`${level} worker: ${message}`));
  const settings = await readHostSettings(root, process.env);
  await loadApp(root, registrations);
  const { functions } = registrations;
  const invoke = createInvoke(registrations.model, write);
  const listeners = functions.flatMap((target) =>
    Object.values(target.bindings)
      .filter(({ type }) => type === 'queueTrigger')
      .map(({ queueName = '', connection = '' }) =>
        listenToQueue({
          service: QueueServiceClient.fromConnectionString(setting(connection)),
          queueName: queueName.replace(/%([^%]+)%/g, (_, name: string) => setting(name)),
          target,
          settings: settings.queues,
          leaseSeconds: Number(values['queue-lease'] ?? '600'),
          invoke,
          write,
        }),
      ),
  );
  const handler = createDoors(functions, invoke, settings.http.routePrefix);
  const server = createServer(serve(handler, (error) => write(`error door: ${String(error)}`)));
  server.listen(Number(values.port ?? '0'), '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.({ ready: true, port, functions: functions.map(({ name }) => name) });
  });
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.close();
    server.closeIdleConnections();
    const grace = setTimeout(() => process.exit(0), 20_000);
    void Promise.all(listeners.map((listener) => listener.stop())).then(() => {
      clearTimeout(grace);
      process.exit(0);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the app setting ${name} is not set`);
  return value;
}

main().catch((error: unknown) => {
  write(`error host: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
});
