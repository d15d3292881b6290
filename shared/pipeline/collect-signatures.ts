import type { Descriptor } from '../artifact/descriptor.js';
import { type Digest, hexOf } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { type SingleManifest, parseManifest } from '../artifact/manifest.js';
import { MediaType, isIndexMediaType } from '../artifact/media-type.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { type Tag, parseTag } from '../artifact/tag.js';
import { isAppError } from '../error/app-error.js';
import {
  MAX_CANDIDATES,
  MAX_ENVELOPE_BYTES,
  MAX_LEGACY_SIGNATURES,
  type SignatureCandidate,
  type SignatureEvidence,
  type SignedSubject,
  neededPayloads,
  signatureKind,
} from '../signature/candidate.js';

const MAX_REFERRERS = 500;
const MAX_PAGES = 20;
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;

/** What {@link collectSignatures} needs. */
export interface CollectDeps {
  readonly registry: {
    fetchManifest: (
      registry: LoginServer,
      repository: Repository,
      reference: Digest | Tag,
    ) => Promise<{ readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: Digest }>;
    fetchBlob: (key: ArtifactKey, descriptor: Descriptor, maxBytes: number) => Promise<Uint8Array>;
    listReferrers: (
      key: ArtifactKey,
      bounds: { readonly maxDescriptors: number; readonly maxPages: number },
    ) => Promise<{ readonly descriptors: readonly Descriptor[]; readonly truncated: boolean }>;
  };
}

/**
 * Fetches what claims to sign a digest: one unfiltered list of referrers, judged by each manifest's own types, and
 * Cosign's `.sig` tag. Everything is bounded; hitting a bound is told, never hidden.
 */
export async function collectSignatures(
  key: ArtifactKey,
  subject: SignedSubject,
  deps: CollectDeps,
): Promise<SignatureEvidence> {
  const { descriptors, truncated } = await deps.registry.listReferrers(key, {
    maxDescriptors: MAX_REFERRERS,
    maxPages: MAX_PAGES,
  });
  const budget = { bytes: MAX_TOTAL_BYTES, truncated };
  const candidates: SignatureCandidate[] = [];
  const legacy = await fetchCandidate(key, parseTag(`sha256-${hexOf(key.digest)}.sig`), { budget, deps });
  if (legacy !== undefined) candidates.push(legacy);
  for (const { digest, mediaType, artifactType } of descriptors) {
    // The listing's type is a hint that saves a fetch only where it names one of our own marks.
    if (isIndexMediaType(mediaType) || isMark(artifactType)) continue;
    if (candidates.length >= MAX_CANDIDATES) {
      budget.truncated = true;
      break;
    }
    const candidate = await fetchCandidate(key, digest, { budget, deps });
    if (candidate !== undefined) candidates.push(candidate);
  }
  return { subject, candidates, truncated: budget.truncated, revocation: new Map() };
}

function isMark(artifactType: string | undefined): boolean {
  return artifactType === MediaType.cyclonedx || artifactType === MediaType.sarif;
}

interface Budget {
  bytes: number;
  truncated: boolean;
}

async function fetchCandidate(
  key: ArtifactKey,
  reference: Digest | Tag,
  { budget, deps }: { readonly budget: Budget; readonly deps: CollectDeps },
): Promise<SignatureCandidate | undefined> {
  const found = await fetchSingle(key, reference, deps);
  const kind = found && signatureKind(found.manifest);
  if (found === undefined || kind === undefined) return undefined;
  const needed = neededPayloads(found.manifest);
  if (needed.length > MAX_LEGACY_SIGNATURES) budget.truncated = true;
  const payloads: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[] = [];
  for (const descriptor of needed.slice(0, MAX_LEGACY_SIGNATURES)) {
    budget.bytes -= descriptor.size;
    if (descriptor.size > MAX_ENVELOPE_BYTES || budget.bytes < 0) {
      budget.truncated = true;
      break;
    }
    const bytes = await fetchPayload(key, descriptor, deps);
    if (bytes !== undefined) payloads.push({ descriptor, bytes });
  }
  return { kind, manifestDigest: found.digest, manifest: found.manifest, payloads };
}

async function fetchSingle(
  key: ArtifactKey,
  reference: Digest | Tag,
  deps: CollectDeps,
): Promise<{ readonly manifest: SingleManifest; readonly digest: Digest } | undefined> {
  try {
    const { bytes, mediaType, digest } = await deps.registry.fetchManifest(key.registry, key.repository, reference);
    const manifest = parseManifest(bytes, { mediaType, digest });
    return manifest.form === 'manifest' ? { manifest, digest } : undefined;
  } catch (error) {
    // A referrer that is gone, locked or no manifest at all signs nothing. Anything else is a fault.
    const signsNothing = [
      'MANIFEST_UNKNOWN',
      'QUARANTINED',
      'INVALID_MANIFEST',
      'UNKNOWN_MEDIA_TYPE',
      'MANIFEST_TOO_LARGE',
    ];
    if (signsNothing.some((code) => isAppError(error, code))) return undefined;
    throw error;
  }
}

async function fetchPayload(
  key: ArtifactKey,
  descriptor: Descriptor,
  deps: CollectDeps,
): Promise<Uint8Array | undefined> {
  try {
    return await deps.registry.fetchBlob(key, descriptor, MAX_ENVELOPE_BYTES);
  } catch (error) {
    // The candidate is then incomplete, which its verifier refuses.
    if (isAppError(error, 'DIGEST_MISMATCH') || isAppError(error, 'MANIFEST_UNKNOWN')) return undefined;
    throw error;
  }
}
