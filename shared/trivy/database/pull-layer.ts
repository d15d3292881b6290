import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { type Digest, digestOf } from '../../artifact/digest.js';
import { MAX_MANIFEST_BYTES, parseManifest } from '../../artifact/manifest.js';
import { MediaType } from '../../artifact/media-type.js';
import { AppError } from '../../error/app-error.js';

/** The effects and bounds of a pull. */
export interface PullDeps {
  readonly fetch: typeof fetch;
  /** A token for a configured registry; undefined for any other one, which is asked anonymously. */
  readonly pullToken: (registry: string, repository: string) => Promise<string | undefined>;
  /** The most bytes that one unpacked file may have. Default: 8 GiB. */
  readonly maxFileBytes?: number;
  readonly timeoutMilliseconds?: number;
}

interface Place {
  readonly registry: string;
  readonly repository: string;
  readonly reference: string;
}

interface Wanted {
  readonly into: string;
  readonly files: readonly string[];
  readonly mediaType: string;
}

const DEFAULT_MAX_FILE_BYTES = 8 * 1024 ** 3;
const DEFAULT_TIMEOUT_MILLISECONDS = 600_000;

/**
 * Pulls the one layer of a database artifact and unpacks the files that are wanted, and no others. Digests are verified
 * while the bytes stream. Returns the artifact's digest.
 */
export async function pullDatabaseLayer(place: Place, wanted: Wanted, deps: PullDeps): Promise<Digest> {
  const signal = AbortSignal.timeout(deps.timeoutMilliseconds ?? DEFAULT_TIMEOUT_MILLISECONDS);
  try {
    const headers = await authorise(place, deps, signal);
    const base = `https://${place.registry}/v2/${place.repository}`;
    const accept = `${MediaType.ociManifest}, ${MediaType.dockerManifest}`;
    const answer = await deps.fetch(`${base}/manifests/${place.reference}`, {
      headers: { ...headers, accept },
      signal,
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status !== 200 || bytes.byteLength > MAX_MANIFEST_BYTES) throw unavailable(`manifest: ${answer.status}`);
    const digest = digestOf(bytes);
    if (place.reference.startsWith('sha256:') && place.reference !== digest)
      throw malformed('another digest than asked for');
    const manifest = parseManifest(bytes, { mediaType: answer.headers.get('content-type') ?? '', digest });
    const layer = manifest.form === 'manifest' ? manifest.layers[0] : undefined;
    if (manifest.form !== 'manifest' || manifest.layers.length !== 1 || layer?.mediaType !== wanted.mediaType) {
      throw malformed('not a database artifact');
    }
    const body = await openBlob(`${base}/blobs/${layer.digest}`, { headers, signal }, deps);
    await unpack(body, { digest: layer.digest, wanted, maxFileBytes: deps.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES });
    return digest;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw unavailable('the registry cannot be reached, or the download broke off', error);
  }
}

/** Follows one redirect by hand: storage must not see the registry's token. */
async function openBlob(
  url: string,
  { headers, signal }: { readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
  { fetch }: PullDeps,
): Promise<ReadableStream<Uint8Array>> {
  let answer = await fetch(url, { headers, redirect: 'manual', signal });
  const location = answer.headers.get('location');
  if (answer.status >= 300 && answer.status < 400 && location !== null) {
    const target = new URL(location, url);
    if (target.protocol !== 'https:') throw unavailable('a redirect to a plain address');
    answer = await fetch(target, { redirect: 'error', signal });
  }
  if (answer.status !== 200 || answer.body === null) throw unavailable(`layer: ${answer.status}`);
  return answer.body;
}

async function authorise(place: Place, deps: PullDeps, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  const token = await deps.pullToken(place.registry, place.repository);
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  const probe = await deps.fetch(`https://${place.registry}/v2/`, { signal });
  const challenge = probe.headers.get('www-authenticate') ?? '';
  if (probe.status !== 401 || !/^bearer /i.test(challenge)) return {};
  const part = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = new URL(part('realm') ?? 'invalid:');
  if (realm.protocol !== 'https:') throw unavailable('the registry asks for a token at a plain address');
  realm.searchParams.set('service', part('service') ?? place.registry);
  realm.searchParams.set('scope', `repository:${place.repository}:pull`);
  const answer = (await (await deps.fetch(realm, { signal })).json()) as { token?: unknown; access_token?: unknown };
  const anonymous = answer.token ?? answer.access_token;
  if (typeof anonymous !== 'string') throw unavailable('the registry gave no token');
  return { authorization: `Bearer ${anonymous}` };
}

async function unpack(
  body: ReadableStream<Uint8Array>,
  { digest, wanted, maxFileBytes }: { readonly digest: Digest; readonly wanted: Wanted; readonly maxFileBytes: number },
): Promise<void> {
  const hash = createHash('sha256');
  const tee = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const seen = new Set<string>();
  const archive = extract();
  const reading = pipeline(Readable.from(body), tee, createGunzip(), archive);
  const writing = (async () => {
    for await (const entry of archive) {
      const { name, type, size } = entry.header;
      if (type !== 'file' || !wanted.files.includes(name) || seen.has(name)) {
        entry.resume();
        continue;
      }
      if (size > maxFileBytes) throw new AppError('DATABASE_TOO_LARGE', `${name} has ${size} bytes`);
      seen.add(name);
      await pipeline(entry, createWriteStream(join(wanted.into, name)));
    }
  })();
  await Promise.all([reading, writing]).catch((error: unknown) => {
    archive.destroy();
    throw error instanceof AppError ? error : malformed('the layer cannot be unpacked', error);
  });
  if (`sha256:${hash.digest('hex')}` !== digest) throw malformed('the layer is not what its digest says');
  const missing = wanted.files.filter((file) => !seen.has(file));
  if (missing.length > 0) throw malformed(`without ${missing.join(', ')}`);
}

function unavailable(detail: string, cause?: unknown): AppError {
  return new AppError('DATABASE_UNAVAILABLE', `the database could not be fetched: ${detail}`, {
    retryable: true,
    cause,
  });
}

function malformed(detail: string, cause?: unknown): AppError {
  return new AppError('DATABASE_MALFORMED', `the database artifact is malformed: ${detail}`, {
    retryable: true,
    cause,
  });
}
