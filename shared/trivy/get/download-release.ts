import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { AppError } from '../../error/app-error.js';
import { readBody } from '../../net/read-body.js';

/** Where releases are. */
export const RELEASE_URL = 'https://github.com/aquasecurity/trivy/releases/download';

const MAX_ARCHIVE_BYTES = 300 * 1024 * 1024;
const MAX_BUNDLE_BYTES = 1024 * 1024;
const MAX_BINARY_BYTES = 600 * 1024 * 1024;
const TIMEOUT_MILLISECONDS = 600_000;

/** The effects of a download. */
export interface DownloadDeps {
  readonly fetch: typeof fetch;
  readonly releaseUrl: string;
  readonly progress: (line: string) => void;
}

/** A release archive with the bundle that vouches for it. Neither has been believed yet. */
export interface DownloadedRelease {
  readonly archive: Uint8Array;
  readonly bundle: unknown;
}

/** The archive's name for a platform; undefined where there is none. */
export function archiveName(version: string, platform: string, arch: string): string | undefined {
  const names: Readonly<Record<string, string>> = {
    'linux x64': 'Linux-64bit',
    'linux arm64': 'Linux-ARM64',
    'darwin x64': 'macOS-64bit',
    'darwin arm64': 'macOS-ARM64',
  };
  const name = names[`${platform} ${arch}`];
  return name === undefined ? undefined : `trivy_${version}_${name}.tar.gz`;
}

/**
 * Downloads an archive and its bundle. Resolves with undefined where the release host cannot be reached at all. Throws
 * `TRIVY_VERIFICATION_FAILED` where the archive is there and its bundle is not.
 */
export async function downloadRelease(
  version: string,
  name: string,
  deps: DownloadDeps,
): Promise<DownloadedRelease | undefined> {
  const url = `${deps.releaseUrl}/v${version}/${name}`;
  deps.progress(`downloading Trivy ${version} from ${new URL(url).host}`);
  let response: Response;
  try {
    response = await deps.fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    if (!response.ok) {
      await response.body?.cancel();
      deps.progress(`the release host answered ${response.status}`);
      return undefined;
    }
    const archive = await readAll(response, MAX_ARCHIVE_BYTES);
    return { archive, bundle: await fetchBundle(`${url}.sigstore.json`, deps) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    deps.progress('the release host cannot be reached');
    return undefined;
  }
}

async function fetchBundle(url: string, { fetch }: DownloadDeps): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    if (!response.ok) throw new Error(String(response.status));
    return JSON.parse(Buffer.from(await readAll(response, MAX_BUNDLE_BYTES)).toString('utf8'));
  } catch (cause) {
    throw new AppError('TRIVY_VERIFICATION_FAILED', 'the Trivy release has no signature bundle', { cause });
  }
}

async function readAll(response: Response, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readBody(response.body, maxBytes);
  if (bytes !== undefined) return bytes;
  throw new AppError('TRIVY_VERIFICATION_FAILED', 'the Trivy release is larger than it can be');
}

/** Takes the file `trivy` out of an archive that has been verified. Throws `TRIVY_VERIFICATION_FAILED`. */
export async function unpackBinary(archive: Uint8Array): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const tar = extract();
  const reading = pipeline(Readable.from([Buffer.from(archive)]), createGunzip(), tar);
  const finding = (async () => {
    for await (const entry of tar) {
      if (entry.header.type !== 'file' || entry.header.name !== 'trivy' || binary !== undefined) {
        entry.resume();
        continue;
      }
      if (entry.header.size > MAX_BINARY_BYTES) throw new Error('too large');
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      binary = Buffer.concat(chunks);
    }
  })();
  try {
    await Promise.all([reading, finding]);
    if (binary === undefined) throw new Error('no trivy in it');
    return binary;
  } catch (cause) {
    tar.destroy();
    throw new AppError('TRIVY_VERIFICATION_FAILED', 'the Trivy release cannot be unpacked', { cause });
  }
}
