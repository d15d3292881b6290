import { type Hash, createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createRecent } from '../../shared/artifact/recent.js';

/** Bytes as they stream. */
export type Bytes = ReadableStream<Uint8Array>;

/** A part of a blob: both ends are included, as in a `Range` header. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Blobs by digest, and the uploads that become blobs. Everything that resolves survives the death of the process. */
export interface BlobStore {
  readonly begin: (upload: string) => Promise<void>;
  /** Appends to an upload and returns its length so far. What came before a fault stays. */
  readonly append: (upload: string, body: Bytes) => Promise<number>;
  readonly uploadSize: (upload: string) => Promise<number | undefined>;
  /** Takes an upload back to an earlier length. */
  readonly rewind: (upload: string, size: number) => Promise<void>;
  /** Turns an upload into a blob where `digest` is its digest; returns the real digest and the size. */
  readonly finish: (upload: string, digest: string) => Promise<{ readonly digest: string; readonly size: number }>;
  readonly discard: (upload: string) => Promise<void>;
  readonly put: (digest: string, bytes: Uint8Array) => Promise<void>;
  readonly size: (digest: string) => Promise<number | undefined>;
  readonly read: (digest: string, range?: Range) => Bytes;
  readonly readAll: (digest: string) => Promise<Uint8Array>;
}

/** The algorithm of a digest. */
export function algorithmOf(digest: string): 'sha256' | 'sha512' {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The digest of these bytes. */
export function hashOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** What is small enough to be read at once, and kept in memory for a while. */
export const SMALL_BYTES = 64 * 1024;
const KEPT_BYTES = 16 * 1024 * 1024;

/** Blobs in files: each is written beside its place and moved there. Memory does not grow with their size. */
export async function createFileBlobs(directory: string): Promise<BlobStore> {
  const at = (...parts: string[]) => join(directory, ...parts);
  for (const name of ['blobs', 'uploads']) await mkdir(at(name), { recursive: true });
  for (const name of await readdir(at('uploads'))) if (name.startsWith('.')) await rm(at('uploads', name));
  const blob = (digest: string) => at('blobs', digest.replace(':', '-'));
  const upload = (id: string) => at('uploads', id);
  const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size;
  // The running hash of an upload saves a second reading; after a restart, or another algorithm, it is read again.
  const running = new Map<string, { readonly hash: Hash; size: number }>();
  // What has a digest never changes, and manifests and signatures are read again and again.
  const small = createRecent<Uint8Array>({
    max: 1000,
    maxBytes: KEPT_BYTES,
    bytesOf: ({ byteLength }) => byteLength,
  });
  return {
    begin: async (id) => {
      await writeFile(upload(id), '');
      running.set(id, { hash: createHash('sha256'), size: 0 });
    },
    append: async (id, body) => {
      const known = running.get(id);
      const count = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          if (known !== undefined) {
            known.hash.update(chunk);
            known.size += chunk.byteLength;
          }
          done(null, chunk);
        },
      });
      const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
      await pipeline(source, count, createWriteStream(upload(id), { flags: 'a' }));
      return (await sizeOf(upload(id))) ?? 0;
    },
    uploadSize: (id) => sizeOf(upload(id)),
    rewind: async (id, size) => {
      running.delete(id);
      await truncate(upload(id), size);
    },
    finish: async (id, digest) => {
      const size = (await sizeOf(upload(id))) ?? 0;
      const known = running.get(id);
      running.delete(id);
      const algorithm = algorithmOf(digest);
      const hash =
        algorithm === 'sha256' && known?.size === size ? known.hash : await hashFile(upload(id), createHash(algorithm));
      const actual = `${algorithm}:${hash.digest('hex')}`;
      if (actual === digest) await rename(upload(id), blob(digest));
      else await rm(upload(id), { force: true });
      return { digest: actual, size };
    },
    discard: async (id) => {
      running.delete(id);
      await rm(upload(id), { force: true });
    },
    put: async (digest, bytes) => {
      const temporary = upload(`.${randomUUID()}`);
      await writeFile(temporary, bytes);
      await rename(temporary, blob(digest));
    },
    size: (digest) => sizeOf(blob(digest)),
    read: (digest, range) => Readable.toWeb(createReadStream(blob(digest), range)) as Bytes,
    readAll: async (digest) => {
      const known = small.get(digest);
      if (known !== undefined) return known;
      const bytes = await readFile(blob(digest));
      if (bytes.byteLength <= SMALL_BYTES) small.set(digest, bytes);
      return bytes;
    },
  };
}

async function hashFile(path: string, hash: Hash): Promise<Hash> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash;
}

/** Blobs that are gone with the process. */
export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<string, Uint8Array>();
  const uploads = new Map<string, Uint8Array>();
  const bytesOf = (map: ReadonlyMap<string, Uint8Array>, key: string) => map.get(key) ?? new Uint8Array();
  const later = (work: () => unknown) => Promise.resolve(work()).then(() => undefined);
  return {
    begin: (id) => later(() => uploads.set(id, new Uint8Array())),
    append: async (id, body) => {
      const chunks: Uint8Array[] = [bytesOf(uploads, id)];
      for await (const chunk of body) chunks.push(chunk);
      const all = Buffer.concat(chunks);
      uploads.set(id, all);
      return all.byteLength;
    },
    uploadSize: (id) => Promise.resolve(uploads.get(id)?.byteLength),
    rewind: (id, size) => later(() => uploads.set(id, bytesOf(uploads, id).subarray(0, size))),
    finish: (id, digest) => {
      const bytes = bytesOf(uploads, id);
      uploads.delete(id);
      const actual = hashOf(bytes, algorithmOf(digest));
      if (actual === digest) blobs.set(digest, bytes);
      return Promise.resolve({ digest: actual, size: bytes.byteLength });
    },
    discard: (id) => later(() => uploads.delete(id)),
    put: (digest, bytes) => later(() => blobs.set(digest, bytes)),
    size: (digest) => Promise.resolve(blobs.get(digest)?.byteLength),
    read: (digest, range) => {
      const bytes = bytesOf(blobs, digest);
      return new Blob([Buffer.from(range === undefined ? bytes : bytes.subarray(range.start, range.end + 1))]).stream();
    },
    readAll: (digest) => Promise.resolve(bytesOf(blobs, digest)),
  };
}
