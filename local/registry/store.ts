import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RepositoryState } from './state.js';

/** Bytes as they stream. */
export type Bytes = ReadableStream<Uint8Array>;

/** Where a registry keeps its state. Everything that resolves is durable. */
export interface RegistryStore {
  readonly load: () => Promise<ReadonlyMap<string, RepositoryState>>;
  readonly save: (repository: string, state: RepositoryState | undefined) => Promise<void>;
  /** Appends to an upload and returns its length so far. */
  readonly append: (upload: string, body: Bytes) => Promise<number>;
  readonly uploadSize: (upload: string) => Promise<number | undefined>;
  /** Turns an upload into a blob where its digest is `digest`; returns the real digest and the size. */
  readonly finish: (upload: string, digest: string) => Promise<{ readonly digest: string; readonly size: number }>;
  readonly discard: (upload: string) => Promise<void>;
  readonly put: (digest: string, bytes: Uint8Array) => Promise<void>;
  readonly size: (digest: string) => Promise<number | undefined>;
  readonly read: (digest: string) => Promise<Bytes>;
  readonly readAll: (digest: string) => Promise<Uint8Array>;
}

/** A store on disk that survives a kill: every file is written beside its place and moved there. */
export async function createFileStore(directory: string): Promise<RegistryStore> {
  const at = (...parts: string[]) => join(directory, ...parts);
  for (const name of ['blobs', 'repositories', 'uploads']) await mkdir(at(name), { recursive: true });
  const blob = (digest: string) => at('blobs', digest.replace(':', '-'));
  const upload = (id: string) => at('uploads', id);
  const moveInto = async (path: string, bytes: Uint8Array | string) => {
    const temporary = at('uploads', `.${randomUUID()}`);
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  };
  const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size;
  return {
    load: async () => {
      const states = new Map<string, RepositoryState>();
      for (const name of await readdir(at('repositories'))) {
        const text = await readFile(at('repositories', name), 'utf8');
        states.set(decodeURIComponent(name.replace(/\.json$/, '')), JSON.parse(text) as RepositoryState);
      }
      return states;
    },
    save: async (repository, state) => {
      const path = at('repositories', `${encodeURIComponent(repository)}.json`);
      if (state === undefined) await rm(path, { force: true });
      else await moveInto(path, JSON.stringify(state));
    },
    append: async (id, body) => {
      await pipeline(
        Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
        createWriteStream(upload(id), { flags: 'a' }),
      );
      return (await sizeOf(upload(id))) ?? 0;
    },
    uploadSize: (id) => sizeOf(upload(id)),
    finish: async (id, digest) => {
      const hash = createHash('sha256');
      let size = 0;
      const count = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          size += chunk.byteLength;
          hash.update(chunk);
          done();
        },
      });
      await pipeline(createReadStream(upload(id)), count);
      const actual = `sha256:${hash.digest('hex')}`;
      if (actual === digest) await rename(upload(id), blob(digest));
      else await rm(upload(id), { force: true });
      return { digest: actual, size };
    },
    discard: (id) => rm(upload(id), { force: true }),
    put: (digest, bytes) => moveInto(blob(digest), bytes),
    size: (digest) => sizeOf(blob(digest)),
    read: (digest) => Promise.resolve(Readable.toWeb(createReadStream(blob(digest))) as Bytes),
    readAll: (digest) => readFile(blob(digest)),
  };
}

/** A store that is gone with the process. */
export function createMemoryStore(): RegistryStore {
  const blobs = new Map<string, Uint8Array>();
  const uploads = new Map<string, Uint8Array>();
  const states = new Map<string, RepositoryState>();
  const bytesOf = (digest: string) => blobs.get(digest) ?? new Uint8Array();
  return {
    load: () => Promise.resolve(new Map(states)),
    save: (repository, state) => {
      if (state === undefined) states.delete(repository);
      else states.set(repository, state);
      return Promise.resolve();
    },
    append: async (id, body) => {
      const chunks: Uint8Array[] = [uploads.get(id) ?? new Uint8Array()];
      for await (const chunk of body) chunks.push(chunk);
      const all = Buffer.concat(chunks);
      uploads.set(id, all);
      return all.byteLength;
    },
    uploadSize: (id) => Promise.resolve(uploads.get(id)?.byteLength),
    finish: (id, digest) => {
      const bytes = uploads.get(id) ?? new Uint8Array();
      uploads.delete(id);
      const actual = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (actual === digest) blobs.set(digest, bytes);
      return Promise.resolve({ digest: actual, size: bytes.byteLength });
    },
    discard: (id) => {
      uploads.delete(id);
      return Promise.resolve();
    },
    put: (digest, bytes) => {
      blobs.set(digest, bytes);
      return Promise.resolve();
    },
    size: (digest) => Promise.resolve(blobs.get(digest)?.byteLength),
    read: (digest) => Promise.resolve(new Blob([Buffer.from(bytesOf(digest))]).stream()),
    readAll: (digest) => Promise.resolve(bytesOf(digest)),
  };
}
