import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.js';

export interface RegistryProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly origin: string;
  readonly exited: Promise<NodeJS.Signals | number | null>;
  readonly stop: () => Promise<void>;
}

/** The emulator in a process of its own, with its state in a directory. */
export async function startRegistry(directory: string, ...args: readonly string[]): Promise<RegistryProcess> {
  const main = join(ROOT, 'dist', 'local', 'registry', 'main.js');
  const child = spawn(process.execPath, [main, '--directory', directory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  );
  const { port, pid } = await new Promise<{ port: number; pid: number }>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) =>
      resolve(JSON.parse(chunk.toString()) as { port: number; pid: number }),
    );
    child.once('exit', () => reject(new Error(`it did not start: ${errors}`)));
  });
  return {
    child,
    pid,
    origin: `http://127.0.0.1:${port}`,
    exited,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** A token of an anonymous caller for everything in a repository. */
export async function tokenFor(origin: string, repository: string): Promise<Record<string, string>> {
  const answer = await fetch(`${origin}/oauth2/token?scope=repository:${repository}:*`);
  return { authorization: `Bearer ${((await answer.json()) as { token: string }).token}` };
}

/** The most memory that a process has had so far, in bytes (Linux). */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

const CHUNK = 1024 * 1024;

/** Bytes that are made as they are read: the same ones for the same size. */
function* layer(size: number): Generator<Uint8Array> {
  const chunk = Buffer.alloc(CHUNK);
  for (let done = 0; done < size; done += CHUNK) {
    chunk.writeUInt32LE(done / CHUNK);
    yield Buffer.from(chunk.subarray(0, Math.min(CHUNK, size - done)));
  }
}

/** Pushes and pulls a layer of so many bytes; returns by how much the server's peak memory has grown. */
export async function moveLargeLayer({ origin, pid }: RegistryProcess, size: number): Promise<number> {
  const repository = 'large/layer';
  const headers = await tokenFor(origin, repository);
  const hash = createHash('sha256');
  for (const chunk of layer(size)) hash.update(chunk);
  const digest = `sha256:${hash.digest('hex')}`;
  // What a first small blob takes is the process's own.
  await pushLayer({ origin, headers, repository }, 8 * CHUNK);
  const before = peakMemory(pid);
  await pushLayer({ origin, headers, repository }, size);
  const pulled = await fetch(`${origin}/v2/${repository}/blobs/${digest}`, { headers });
  const got = createHash('sha256');
  for await (const chunk of pulled.body ?? []) got.update(chunk as Uint8Array);
  if (`sha256:${got.digest('hex')}` !== digest) throw new Error('other bytes came back');
  return peakMemory(pid) - before;
}

async function pushLayer(
  { origin, headers, repository }: { origin: string; headers: Record<string, string>; repository: string },
  size: number,
): Promise<void> {
  const hash = createHash('sha256');
  for (const chunk of layer(size)) hash.update(chunk);
  const start = await fetch(`${origin}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers });
  const location = new URL(start.headers.get('location') ?? '', origin);
  const body = ReadableStream.from(layer(size));
  const patch = await fetch(location, { method: 'PATCH', headers, body, duplex: 'half' });
  if (patch.status !== 202) throw new Error(`PATCH: ${patch.status}`);
  location.searchParams.set('digest', `sha256:${hash.digest('hex')}`);
  const put = await fetch(location, { method: 'PUT', headers });
  if (put.status !== 201) throw new Error(`PUT: ${put.status}`);
}
