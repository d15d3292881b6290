import { z } from 'zod';
import { type Descriptor, descriptorSchema } from '../artifact/descriptor.js';
import { type Digest, EMPTY_DIGEST, digestOf } from '../artifact/digest.js';
import { MAX_MANIFEST_BYTES } from '../artifact/manifest.js';
import { MediaType } from '../artifact/media-type.js';
import type { ArtifactKey, Place } from '../artifact/reference.js';
import { AppError, isAppError } from '../error/app-error.js';
import { registryError } from './errors.js';
import { fetchManifest } from './manifest-api.js';
import type { Session } from './session.js';
import { listUnderTag, referrersTag } from './tag-schema.js';

const indexSchema = z.object({ manifests: z.array(descriptorSchema).max(10_000) });

/** What points to a digest, or as much of it as the bounds let through. */
export interface Referrers {
  readonly descriptors: readonly Descriptor[];
  readonly truncated: boolean;
}

/**
 * Lists referrers, all kinds: the registry's own filter is not relied on. Falls back to the tag schema of the OCI
 * distribution specification 1.1 where the registry has no referrers API.
 */
export async function listReferrers(
  session: Session,
  key: ArtifactKey,
  { maxDescriptors, maxPages }: { readonly maxDescriptors: number; readonly maxPages: number },
): Promise<Referrers> {
  const { registry, repository, digest } = key;
  const descriptors: Descriptor[] = [];
  let path: string | undefined = `/referrers/${digest}`;
  for (let page = 0; path !== undefined; page++) {
    if (page >= maxPages || descriptors.length > maxDescriptors) return { descriptors, truncated: true };
    const response = await session.send({ registry, repository, action: 'pull', path, maxBytes: MAX_MANIFEST_BYTES });
    if (response.status === 404 && page === 0) return tagSchema(session, key, maxDescriptors);
    if (response.status !== 200) throw registryError('referrers', response.status, response);
    descriptors.push(...readIndex(response.body));
    path = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1];
  }
  return { descriptors: descriptors.slice(0, maxDescriptors), truncated: descriptors.length > maxDescriptors };
}

async function tagSchema(session: Session, key: ArtifactKey, maxDescriptors: number): Promise<Referrers> {
  try {
    const { bytes } = await fetchManifest(session, key, referrersTag(key.digest));
    const descriptors = readIndex(bytes);
    return { descriptors: descriptors.slice(0, maxDescriptors), truncated: descriptors.length > maxDescriptors };
  } catch (error) {
    if (isAppError(error, 'MANIFEST_UNKNOWN')) return { descriptors: [], truncated: false };
    throw error;
  }
}

function readIndex(bytes: Uint8Array): readonly Descriptor[] {
  try {
    return indexSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).manifests;
  } catch (cause) {
    throw new AppError('REFERRERS_MALFORMED', 'the list of referrers is malformed', { cause });
  }
}

/** What a referrer of ours says. */
export interface Referrer {
  readonly artifactType: string;
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339; part of the bytes, so the same scan makes the same digest. */
  readonly createdAt: string;
  /** Referrers that this one takes the place of, where a list of them is kept under a tag. */
  readonly supersedes?: readonly Digest[];
  /** Told the digest before the registry knows it. */
  readonly announce?: (digest: Digest) => Promise<void>;
  /**
   * Whether the list under the subject's tag may be written anew, which a registry without the referrers API needs. Nothing
   * guards it: what somebody else adds meanwhile can be lost. Default: true.
   */
  readonly mayRewriteList?: boolean;
}

/**
 * Pushes an OCI 1.1 referrer with the empty config and one layer. Idempotent. Throws `MARK_REFUSED` where the registry
 * does not let us, and `SIGNATURES_NOT_STORED` where the list may not be rewritten yet; neither is worth another try.
 */
export async function pushReferrer(
  session: Session,
  subject: { readonly key: ArtifactKey; readonly mediaType: string; readonly size: number },
  referrer: Referrer,
): Promise<Digest> {
  const { key, mediaType, size } = subject;
  const { artifactType, bytes, annotations, createdAt, supersedes = [], announce, mayRewriteList = true } = referrer;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      artifactType,
      config: { mediaType: MediaType.ociEmpty, digest: EMPTY_DIGEST, size: 2 },
      layers: [{ mediaType: artifactType, digest: digestOf(bytes), size: bytes.byteLength }],
      subject: { mediaType, digest: key.digest, size },
      annotations: { 'org.opencontainers.image.created': createdAt, ...annotations },
    }),
  );
  const digest = digestOf(manifest);
  await Promise.all([pushBlob(session, key, bytes), pushEmptyConfig(session, key), announce?.(digest)]);
  const response = await session.send({
    ...key,
    action: 'pull,push',
    method: 'PUT',
    path: `/manifests/${digest}`,
    headers: { 'content-type': MediaType.ociManifest },
    body: manifest,
  });
  if (response.status !== 201) throw markError(response.status);
  // A registry that does not name the subject has no referrers API, and leaves the list to its clients.
  if (response.headers.get('oci-subject') === null) {
    if (!mayRewriteList) {
      throw new AppError(
        'SIGNATURES_NOT_STORED',
        'the list of referrers is not written before its signatures are kept',
      );
    }
    const descriptor = { mediaType: MediaType.ociManifest, digest, size: manifest.byteLength, artifactType };
    const listed = await listUnderTag(session, key, { descriptor, supersedes });
    if (listed !== 'done') throw markError(listed.refused);
  }
  return digest;
}

/** Looks for the empty config that are on their way: two marks at once ask once. */
const asking = new WeakMap<Session, Map<string, Promise<void>>>();

/** Every mark has it, so after the first one it is there. */
function pushEmptyConfig(session: Session, key: ArtifactKey): Promise<void> {
  const place = `${key.registry}/${key.repository}`;
  const ofSession = asking.get(session) ?? new Map<string, Promise<void>>();
  asking.set(session, ofSession);
  const begun = ofSession.get(place) ?? ensureEmptyConfig(session, key).finally(() => ofSession.delete(place));
  ofSession.set(place, begun);
  return begun;
}

async function ensureEmptyConfig(session: Session, { registry, repository }: ArtifactKey): Promise<void> {
  const request = { registry, repository, action: 'pull,push', method: 'HEAD' } as const;
  const { status } = await session.send({ ...request, path: `/blobs/${EMPTY_DIGEST}` });
  if (status !== 200 && status !== 307) await pushBlob(session, { registry, repository }, Buffer.from('{}'));
}

async function pushBlob(session: Session, { registry, repository }: Place, bytes: Uint8Array): Promise<void> {
  const request = { registry, repository, action: 'pull,push' } as const;
  const digest = digestOf(bytes);
  const start = await session.send({ ...request, method: 'POST', path: '/blobs/uploads/', repeatable: true });
  const location = start.headers.get('location');
  if (start.status !== 202 || location === null) throw markError(start.status);
  const path = `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
  const headers = { 'content-type': 'application/octet-stream' };
  const put = await session.send({ ...request, method: 'PUT', path, headers, body: bytes });
  if (put.status !== 201) throw markError(put.status);
}

function markError(status: number): AppError {
  if (status === 403 || status === 405)
    return new AppError('MARK_REFUSED', `the registry refused a mark with ${status}`);
  return registryError('mark', status);
}
