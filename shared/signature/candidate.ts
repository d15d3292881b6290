import type { Digest } from '../artifact/digest.js';
import type { Descriptor } from '../artifact/descriptor.js';
import type { SingleManifest } from '../artifact/manifest.js';
import { MediaType } from '../artifact/media-type.js';

/** The most signature manifests of one image that are looked at. More is inconclusive, never silently cut. */
export const MAX_CANDIDATES = 50;
/** The most signatures in one Cosign `.sig` manifest. */
export const MAX_LEGACY_SIGNATURES = 100;
/** The largest envelope or payload, in bytes. */
export const MAX_ENVELOPE_BYTES = 1024 * 1024;

/** Which kind of signature a manifest carries. */
export type SignatureKind = 'sigstore-bundle' | 'cosign-legacy' | 'notation';

/** One signature manifest with the blobs that its kind needs. Fetched, digests verified, not yet believed. */
export interface SignatureCandidate {
  readonly kind: SignatureKind;
  readonly manifestDigest: Digest;
  readonly manifest: SingleManifest;
  readonly payloads: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
}

/** What was found for one digest. */
export interface SignatureEvidence {
  readonly subject: Digest;
  readonly candidates: readonly SignatureCandidate[];
  /** A bound was hit, so there may be signatures that nobody looked at. */
  readonly truncated: boolean;
}

/**
 * Which kind of signature this manifest is, by its own types. A referrers listing is only a hint: ACR leaves the
 * artifact type of Notation's signatures out (https://github.com/Azure/acr/issues/784).
 */
export function signatureKind(manifest: SingleManifest): SignatureKind | undefined {
  const types = new Set([manifest.artifactType, manifest.config.mediaType]);
  if (types.has(MediaType.notarySignature)) return 'notation';
  if (manifest.layers.some(({ mediaType }) => mediaType === MediaType.simpleSigning)) return 'cosign-legacy';
  const bundle = [...types, ...manifest.layers.map(({ mediaType }) => mediaType)].some((type) =>
    type?.startsWith('application/vnd.dev.sigstore.bundle'),
  );
  return bundle ? 'sigstore-bundle' : undefined;
}

/** The blobs that have to be fetched before a candidate can be verified. */
export function neededPayloads(kind: SignatureKind, manifest: SingleManifest): readonly Descriptor[] {
  // A kind that is not verified needs no blobs to be reported.
  return kind === 'notation' ? [] : manifest.layers;
}
