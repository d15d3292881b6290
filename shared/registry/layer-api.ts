import { createHash } from 'node:crypto';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Descriptor } from '../artifact/descriptor.js';
import type { Digest } from '../artifact/digest.js';
import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { registryError } from './errors.js';
import type { Session } from './session.js';

/** What {@link uncompressedDigest} needs besides a session. */
export interface LayerDeps {
  readonly fetch: typeof fetch;
  /** Milliseconds for the whole download. Default: ten minutes. */
  readonly timeoutMilliseconds?: number;
  /** The most bytes that a layer may unpack to. Default: 64 GiB. */
  readonly maxUnpackedBytes?: number;
}

const TIMEOUT_MILLISECONDS = 600_000;
const MAX_UNPACKED_BYTES = 64 * 1024 ** 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Streams a layer and returns the digest of what it unpacks to, whatever its type claims of its compression: runtimes
 * look at its first bytes, and so does this. Throws `DIGEST_MISMATCH`, `LAYER_UNREADABLE`, `TOO_LARGE`,
 * `NETWORK_UNAVAILABLE` (retryable), or what the registry's status stands for.
 */
export async function uncompressedDigest(
  session: Session,
  { key, layer }: { readonly key: ArtifactKey; readonly layer: Descriptor },
  deps: LayerDeps,
): Promise<Digest> {
  const signal = AbortSignal.timeout(deps.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS);
  const body = await openLayer(session, { key, layer, signal }, deps);
  const packed = createHash('sha256');
  const unpacked = createHash('sha256');
  const limit = deps.maxUnpackedBytes ?? MAX_UNPACKED_BYTES;
  const source = Readable.from(body);
  const first = await firstChunk(source);
  const bytes = Readable.from(chain(first, source));
  let size = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      packed.update(chunk);
      done(null, chunk);
    },
  });
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      size += chunk.byteLength;
      unpacked.update(chunk);
      done(size > limit ? new AppError('TOO_LARGE', `A layer that unpacks to more than ${limit} bytes.`) : null);
    },
  });
  const decompress = decompressor(first);
  try {
    await (decompress === undefined ? pipeline(bytes, count, sink) : pipeline(bytes, count, decompress, sink));
  } catch (error) {
    throw asFault(error);
  }
  if (`sha256:${packed.digest('hex')}` !== layer.digest) {
    throw new AppError('DIGEST_MISMATCH', 'a layer is not what its descriptor says', { retryable: true });
  }
  return `sha256:${unpacked.digest('hex')}` as Digest;
}

async function openLayer(
  session: Session,
  { key, layer, signal }: { readonly key: ArtifactKey; readonly layer: Descriptor; readonly signal: AbortSignal },
  { fetch }: LayerDeps,
): Promise<AsyncIterable<Uint8Array>> {
  const token = await session.token(key.registry, `repository:${key.repository}:pull`);
  const url = new URL(`https://${key.registry}/v2/${key.repository}/blobs/${layer.digest}`);
  try {
    let answer = await fetch(url, { headers: { authorization: `Bearer ${token}` }, redirect: 'manual', signal });
    const location = answer.headers.get('location');
    if (REDIRECTS.has(answer.status) && location !== null) {
      // Azure serves blobs from storage under a signed link, which refuses, and must not see, our token.
      const target = new URL(location, url);
      if (target.protocol !== 'https:') throw new AppError('INSECURE_URL', 'a layer is served without https');
      answer = await fetch(target, { redirect: 'error', signal });
    }
    if (answer.status !== 200 || answer.body === null) throw registryError('layer', answer.status);
    return answer.body;
  } catch (error) {
    throw asFault(error);
  }
}

async function firstChunk(source: Readable): Promise<Buffer> {
  try {
    for await (const chunk of source.iterator({ destroyOnReturn: false })) return Buffer.from(chunk as Uint8Array);
  } catch (error) {
    throw asFault(error);
  }
  return Buffer.alloc(0);
}

async function* chain(first: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  yield first;
  for await (const chunk of rest) yield chunk as Buffer;
}

function decompressor(first: Buffer): Transform | undefined {
  if (first.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))) return createGunzip();
  if (first.subarray(0, 4).equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))) return createZstdDecompress();
  return undefined;
}

/** zlib names its errors `Z_…` or `ZSTD_…`; anything else that breaks a stream is the network's. */
function asFault(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (/^Z(?:STD)?_/.test(code))
    return new AppError('LAYER_UNREADABLE', 'A layer cannot be unpacked.', { cause: error });
  return new AppError('NETWORK_UNAVAILABLE', 'a layer could not be read to its end', { retryable: true, cause: error });
}
