import { isDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { createRecent } from '../artifact/recent.js';
import type { Repository } from '../artifact/repository.js';
import type { CollectDeps } from '../pipeline/collect-signatures.js';

type Reader = CollectDeps['registry'];

const MAX_ENTRIES = 1000;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ENTRY_BYTES = 256 * 1024;
/** How long a signature may still be read here that its registry would no longer let us read. */
const MAX_AGE_MILLISECONDS = 5 * 60_000;

interface Kept {
  readonly bytes: Uint8Array;
  /** Of manifests. */
  readonly mediaType: string;
  readonly at: number;
}

/**
 * A registry as signatures are collected from it, which fetches what has a digest once and keeps it a while: small manifests and
 * blobs, of one repository each, for who may read one need not be allowed to read another. Lists of referrers and tags are asked
 * for every time, so that a signature that comes, or is deleted, is seen at once; one whose reading is locked, after five minutes
 * at most. Faults are never kept.
 *
 * For this alone: what asks whether an image is there, is locked or is served has to ask the registry.
 */
export function cachedEvidence(registry: Reader, { clock }: { readonly clock: () => Date }): Reader {
  const kept = createRecent<Kept>({
    max: MAX_ENTRIES,
    maxBytes: MAX_BYTES,
    bytesOf: ({ bytes }) => bytes.byteLength,
  });
  const find = (name: string): Kept | undefined => {
    const found = kept.get(name);
    if (found === undefined) return undefined;
    const age = clock().getTime() - found.at;
    if (age >= 0 && age < MAX_AGE_MILLISECONDS) return { ...found, bytes: Uint8Array.from(found.bytes) };
    kept.delete(name);
    return undefined;
  };
  const keep = (name: string, bytes: Uint8Array, { mediaType, at }: Omit<Kept, 'bytes'>): void => {
    // A copy: whoever asked for it may do with it as he likes.
    if (bytes.byteLength <= MAX_ENTRY_BYTES) kept.set(name, { bytes: Uint8Array.from(bytes), mediaType, at });
  };
  return {
    listReferrers: (key, bounds) => registry.listReferrers(key, bounds),
    fetchManifest: async (server, repository, reference) => {
      if (!isDigest(reference)) return registry.fetchManifest(server, repository, reference);
      const name = `manifest ${placeOf(server, repository)} ${reference}`;
      const found = find(name);
      if (found !== undefined) return { bytes: found.bytes, mediaType: found.mediaType, digest: reference };
      const at = clock().getTime();
      const fetched = await registry.fetchManifest(server, repository, reference);
      if (fetched.digest === reference) keep(name, fetched.bytes, { mediaType: fetched.mediaType, at });
      return fetched;
    },
    fetchBlob: async (key, descriptor, maxBytes) => {
      // The size is part of what its reader verifies.
      const name = `blob ${placeOf(key.registry, key.repository)} ${descriptor.digest} ${descriptor.size}`;
      const found = descriptor.size > maxBytes ? undefined : find(name);
      if (found !== undefined) return found.bytes;
      const at = clock().getTime();
      const bytes = await registry.fetchBlob(key, descriptor, maxBytes);
      if (bytes.byteLength === descriptor.size) keep(name, bytes, { mediaType: '', at });
      return bytes;
    },
  };
}

const placeOf = (registry: LoginServer, repository: Repository) => `${registry}/${repository}`;
