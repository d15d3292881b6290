import { type Digest, digestOf, isDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { MAX_MANIFEST_BYTES } from '../artifact/manifest.js';
import { MANIFEST_ACCEPT } from '../artifact/media-type.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import type { Tag } from '../artifact/tag.js';
import { AppError, isAppError } from '../error/app-error.js';
import type { Descriptor } from '../artifact/descriptor.js';
import { registryError } from './errors.js';
import type { Session } from './session.js';

const ACCEPT = { accept: MANIFEST_ACCEPT.join(', ') };

/** A manifest as the registry serves it; its digest is recomputed. */
export interface FetchedManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
}

/**
 * Fetches a manifest. Throws `MANIFEST_UNKNOWN`, `QUARANTINED`, `MANIFEST_TOO_LARGE`, `DIGEST_MISMATCH`, or what the
 * registry's status stands for.
 */
export async function fetchManifest(
  session: Session,
  { registry, repository }: { readonly registry: LoginServer; readonly repository: Repository },
  reference: Digest | Tag,
): Promise<FetchedManifest> {
  const request = { registry, repository, action: 'pull', path: `/manifests/${reference}`, headers: ACCEPT } as const;
  const response = await session.send({ ...request, maxBytes: MAX_MANIFEST_BYTES }).catch((error: unknown) => {
    if (!isAppError(error, 'RESPONSE_TOO_LARGE')) throw error;
    throw new AppError('MANIFEST_TOO_LARGE', 'a manifest of more than 4 MiB', { cause: error });
  });
  if (response.status !== 200) throw registryError('manifest', response.status, response);
  const digest = digestOf(response.body);
  if (isDigest(reference) && digest !== reference) {
    throw new AppError('DIGEST_MISMATCH', 'the registry answered with other bytes than the digest names');
  }
  return { bytes: response.body, mediaType: response.headers.get('content-type') ?? '', digest };
}

/**
 * What a client that pulls would get. Asked with GET, as a client pulls: whether HEAD sees a lock is documented nowhere.
 * Throws for anything but served, refused and absent.
 */
export async function pullState(
  session: Session,
  { registry, repository }: { readonly registry: LoginServer; readonly repository: Repository },
  reference: Digest | Tag,
): Promise<{ readonly state: 'served' | 'refused' | 'absent' }> {
  const request = { registry, repository, action: 'pull', path: `/manifests/${reference}`, headers: ACCEPT } as const;
  const response = await session.send({ ...request, maxBytes: MAX_MANIFEST_BYTES });
  if (response.status === 200) return { state: 'served' };
  if (response.status === 405) return { state: 'refused' };
  if (response.status === 404) return { state: 'absent' };
  throw registryError('pull', response.status, response);
}

/** Fetches a blob within `maxBytes`, follows one redirect without credentials, and verifies size and digest. */
export async function fetchBlob(
  session: Session & { readonly http: (url: URL, maxBytes: number) => Promise<Uint8Array> },
  { registry, repository }: { readonly registry: LoginServer; readonly repository: Repository },
  { descriptor, maxBytes }: { readonly descriptor: Descriptor; readonly maxBytes: number },
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) throw new AppError('BLOB_TOO_LARGE', `a blob of ${descriptor.size} bytes`);
  const path = `/blobs/${descriptor.digest}`;
  const response = await session.send({ registry, repository, action: 'pull', path, maxBytes: descriptor.size + 1 });
  const location = response.headers.get('location');
  const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== null;
  if (!redirected && response.status !== 200) throw registryError('blob', response.status, response);
  // Azure serves blobs from storage under a signed link, which refuses, and must not see, our token.
  const target = redirected ? new URL(location, `https://${registry}`) : undefined;
  const bytes = target === undefined ? response.body : await session.http(target, descriptor.size + 1);
  if (bytes.byteLength !== descriptor.size || digestOf(bytes) !== descriptor.digest) {
    throw new AppError('DIGEST_MISMATCH', 'a blob is not what its descriptor says');
  }
  return bytes;
}

/** Puts a manifest's own bytes under a tag that is absent. */
export async function retag(session: Session, key: ArtifactKey, tag: Tag): Promise<'done' | 'refused' | 'gone'> {
  const { registry, repository, digest } = key;
  let manifest: FetchedManifest;
  try {
    manifest = await fetchManifest(session, key, digest);
  } catch (error) {
    if (isAppError(error, 'MANIFEST_UNKNOWN')) return 'gone';
    if (isAppError(error, 'QUARANTINED')) return 'refused';
    throw error;
  }
  const response = await session.send({
    registry,
    repository,
    action: 'pull,push',
    method: 'PUT',
    path: `/manifests/${tag}`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
  });
  if (response.status === 201) return 'done';
  if (response.status === 403 || response.status === 405) return 'refused';
  throw registryError('tag', response.status, response);
}
