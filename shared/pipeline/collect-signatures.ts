import type { Descriptor } from '../artifact/descriptor.js';
import { type Digest, hexOf } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { type SingleManifest, parseManifest } from '../artifact/manifest.js';
import { isIndexMediaType } from '../artifact/media-type.js';
import type { ArtifactKey, Place } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { type Tag, parseTag } from '../artifact/tag.js';
import { isAppError } from '../error/app-error.js';
import { COSIGN_SIGN_PREDICATE } from '../signature/cosign/statement.js';
import {
  MAX_CANDIDATES,
  MAX_ENVELOPE_BYTES,
  MAX_LEGACY_SIGNATURES,
  type SignatureCandidate,
  type SignatureEvidence,
  type SignedSubject,
  isSignatureType,
  signatureKind,
} from '../signature/candidate.js';

/** Of all kinds: what is no signature, our own marks among it, takes no place of one. */
const MAX_REFERRERS = 10_000;
const MAX_PAGES = 100;
/** How many of them are fetched: what the listing calls a signature, or does not name, may turn out to be none. */
const MAX_MANIFESTS = 500;
/** Of manifests and envelopes together. */
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;
/** How many are fetched side by side. */
const CONCURRENCY = 4;

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

/** What is looked for, and where. */
export interface Wanted {
  /** Where an image was imported from, which does not copy its signatures. */
  readonly alsoFrom?: readonly Place[];
  /** The predicate types of attestations that are wanted too. Cosign's old form keeps them under a tag of their own. */
  readonly attestations?: readonly string[];
  /** Whether Cosign's signatures count (default): those of its old form are under a tag of their own. */
  readonly cosign?: boolean;
}

/** The same of one image. */
export interface CollectRequest extends Wanted {
  readonly subject: SignedSubject;
}

/** Where signatures of a digest are looked for: in lists of referrers, and under tags. */
interface Sought {
  readonly place: ArtifactKey;
  readonly tags: readonly Tag[];
}

function placesOf(key: ArtifactKey, { alsoFrom = [], attestations = [], cosign = true }: Wanted): readonly Sought[] {
  const suffixes = [...(cosign ? ['sig'] : []), ...(attestations.length > 0 ? ['att'] : [])];
  const tags = suffixes.map((suffix) => parseTag(`sha256-${hexOf(key.digest)}.${suffix}`));
  return [key, ...alsoFrom.map((each) => ({ ...each, digest: key.digest }))].map((place) => ({ place, tags }));
}

/** The same in words that can be stored, and compared: what has not been sought may be there. */
export function soughtFor(key: ArtifactKey, request: Wanted): readonly string[] {
  return placesOf(key, request).flatMap(({ place: { registry, repository }, tags }) =>
    ['referrers', ...tags].map((what) => `${registry}/${repository} ${what}`),
  );
}

/**
 * Fetches what claims to sign a digest: one unfiltered list of referrers, and Cosign's tags of the old form. Everything is
 * bounded; hitting a bound is told, never hidden.
 */
export async function collectSignatures(
  key: ArtifactKey,
  { subject, ...request }: CollectRequest,
  deps: CollectDeps,
): Promise<SignatureEvidence> {
  const wanted = new Set([COSIGN_SIGN_PREDICATE, ...(request.attestations ?? [])]);
  const budget: Budget = { bytes: MAX_TOTAL_BYTES, manifests: MAX_MANIFESTS, truncated: false };
  const candidates: SignatureCandidate[] = [];
  for (const { place, tags } of placesOf(key, request)) {
    const take = async (each: Tag | Descriptor) => {
      const isTag = typeof each === 'string';
      const isFull = candidates.length >= MAX_CANDIDATES || budget.bytes < 0;
      if (isFull || (!isTag && (budget.manifests -= 1) < 0)) {
        budget.truncated = true;
        return;
      }
      const candidate = await fetchCandidate(place, isTag ? each : each.digest, { budget, wanted, deps });
      if (candidate === undefined) return;
      if (candidates.length < MAX_CANDIDATES) candidates.push(candidate);
      else budget.truncated = true;
    };
    const takeListed = async () => {
      const bounds = { maxDescriptors: MAX_REFERRERS, maxPages: MAX_PAGES };
      const { descriptors, truncated } = await deps.registry.listReferrers(place, bounds);
      budget.truncated ||= truncated;
      await eachOf(
        descriptors.filter(({ mediaType, artifactType }) => maySign(mediaType, artifactType)),
        take,
      );
    };
    // The tags are known before the list is there.
    await Promise.all([takeListed(), eachOf(tags, take)]);
  }
  // Which answer comes first is chance; what is stored and told is not.
  candidates.sort((a, b) => (a.manifestDigest < b.manifestDigest ? -1 : 1));
  const sought = soughtFor(key, request);
  return { subject, sought, candidates, truncated: budget.truncated, revocation: new Map() };
}

/**
 * The listing's type is a hint that nobody has signed. Where it names something else nothing is lost that could count: a
 * signature's own manifest has to name its type too. Where it is absent, as ACR leaves it out of Notation's
 * (https://github.com/Azure/acr/issues/784), the manifest is fetched.
 */
function maySign(mediaType: string, artifactType: string | undefined): boolean {
  if (isIndexMediaType(mediaType)) return false;
  return artifactType === undefined || isSignatureType(artifactType);
}

/** A few at a time, in order of their beginning. */
async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    for (const item of rest) await work(item);
  });
  await Promise.all(workers);
}

interface Budget {
  bytes: number;
  manifests: number;
  truncated: boolean;
}

/** Takes so many bytes of what may be kept in all; false, and told, where there are not as many left. */
function spend(budget: Budget, bytes: number): boolean {
  budget.bytes -= bytes;
  budget.truncated ||= budget.bytes < 0;
  return budget.bytes >= 0;
}

async function fetchCandidate(
  key: ArtifactKey,
  reference: Digest | Tag,
  {
    budget,
    wanted,
    deps,
  }: { readonly budget: Budget; readonly wanted: ReadonlySet<string>; readonly deps: CollectDeps },
): Promise<SignatureCandidate | undefined> {
  const found = await fetchSingle(key, reference, deps);
  // What a manifest says at length is fetched, and kept, as its payloads are.
  if (found === undefined || !spend(budget, found.size)) return undefined;
  const kind = signatureKind(found.manifest);
  if (kind === undefined) return undefined;
  const { layers } = found.manifest;
  if (layers.length > MAX_LEGACY_SIGNATURES) budget.truncated = true;
  const payloads: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[] = [];
  for (const descriptor of layers.slice(0, MAX_LEGACY_SIGNATURES)) {
    // What is not fetched takes nothing from the others, however large it says it is.
    if (descriptor.size > MAX_ENVELOPE_BYTES) {
      if (isUnwanted(found.manifest, wanted)) return undefined;
      budget.truncated = true;
      break;
    }
    if (!spend(budget, descriptor.size)) break;
    const bytes = await fetchPayload(key, descriptor, deps);
    if (bytes !== undefined) payloads.push({ descriptor, bytes });
  }
  return { kind, manifestDigest: found.digest, manifest: found.manifest, payloads };
}

/**
 * Bills of materials are attested too, and are large. Where a bundle says that it is none of what is wanted, nothing that could
 * count is lost with it.
 */
function isUnwanted({ annotations }: SingleManifest, wanted: ReadonlySet<string>): boolean {
  const said = annotations['dev.sigstore.bundle.predicateType'];
  return said !== undefined && !wanted.has(said);
}

async function fetchSingle(
  key: ArtifactKey,
  reference: Digest | Tag,
  deps: CollectDeps,
): Promise<{ readonly manifest: SingleManifest; readonly digest: Digest; readonly size: number } | undefined> {
  try {
    const { bytes, mediaType, digest } = await deps.registry.fetchManifest(key.registry, key.repository, reference);
    const manifest = parseManifest(bytes, { mediaType, digest });
    return manifest.form === 'manifest' ? { manifest, digest, size: bytes.byteLength } : undefined;
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
