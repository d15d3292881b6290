import { parseArgs } from 'node:util';
import { type FromWorker, type ToWorker, messageOf } from '../protocol.js';
import { provideCoreModule } from './core-module.js';
import { loadApp } from './load-app.js';
import { runFunction } from './run-function.js';

// The process in which the app runs: started by the host, told what to run over IPC, ended with the host.
const write = (line: string) => process.stdout.write(`${line.replaceAll('\n', ' ')}\n`);
const send = (message: FromWorker) => {
  // A host that is gone hears nothing; `disconnect` ends this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { root: { type: 'string' } } });
  // Ctrl-C reaches every process of a terminal; it is for the host to say when this one is no longer needed.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
  const registrations = provideCoreModule((level, message) => write(`${level} worker: ${message}`));
  await loadApp(values.root ?? process.cwd(), registrations);
  const { functions } = registrations;
  const byName = new Map(functions.map((target) => [target.name, target]));
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') process.exit(0);
    const { id, name, invocation } = message;
    const target = byName.get(name);
    const run =
      target === undefined
        ? Promise.reject(new Error(`no function ${name}`))
        : runFunction({ id, target, ...invocation }, registrations.model(), write);
    run.then(
      (response) => send({ kind: 'done', id, response }),
      (error: unknown) => {
        send({ kind: 'failed', id, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      },
    );
  });
  send({
    kind: 'ready',
    functions: functions.map(({ name, bindings, retryOptions }) => ({
      name,
      bindings,
      ...(retryOptions !== undefined && { retryOptions }),
    })),
  });
}

main().catch((error: unknown) => {
  write(`error worker: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
  process.send?.({ kind: 'refused', message: messageOf(error) } satisfies FromWorker, undefined, undefined, () => {
    process.exit(1);
  });
});
