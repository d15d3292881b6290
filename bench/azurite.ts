import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** An Azurite in a process of its own. */
export interface AzuriteProcess {
  readonly connectionString: string;
  readonly stop: () => Promise<void>;
}

/** Starts one that keeps its data in `directory`, or in memory without it. */
export async function forkAzurite(directory?: string): Promise<AzuriteProcess> {
  const entry = fileURLToPath(new URL('./azurite-process.js', import.meta.url));
  const child = fork(entry, directory === undefined ? [] : [directory], { silent: true });
  child.stdout?.resume();
  child.stderr?.pipe(process.stderr);
  const connectionString = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(message as string));
    child.once('exit', (code) => reject(new Error(`Azurite ended with ${code ?? 'a signal'}`)));
  });
  return { connectionString, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.disconnect();
  await exited;
}
