import type { Digest } from '../artifact/digest.js';
import type { Descriptor } from '../artifact/descriptor.js';
import type { SingleManifest } from '../artifact/manifest.js';
import { MediaType } from '../artifact/media-type.js';
import type { RevocationAnswers } from './revocation.js';

/** The most signature manifests of one image that are looked at. More is inconclusive, never silently cut. */
export const MAX_CANDIDATES = 100;
/** The most signatures in one Cosign `.sig` manifest. */
export const MAX_LEGACY_SIGNATURES = 100;
/** The largest envelope or payload, in bytes. */
export const MAX_ENVELOPE_BYTES = 1024 * 1024;

const BUNDLE_PREFIX = 'application/vnd.dev.sigstore.bundle';

/** Which kind of signature a manifest carries. */
export const SIGNATURE_KINDS = ['sigstore-bundle', 'cosign-legacy', 'cosign-legacy-attestation', 'notation'] as const;
export type SignatureKind = (typeof SIGNATURE_KINDS)[number];

/** The artifact that is to be signed, as it was resolved by us: Notation signs all three. */
export interface SignedSubject {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of the manifest. */
  readonly size: number;
}

/** One signature manifest with the blobs that its kind needs. Fetched, digests verified, not yet believed. */
export interface SignatureCandidate {
  readonly kind: SignatureKind;
  readonly manifestDigest: Digest;
  readonly manifest: SingleManifest;
  readonly payloads: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
}

/** What was found for one digest. */
export interface SignatureEvidence {
  readonly subject: SignedSubject;
  /** Where was looked, in words of whoever has looked. What was looked for elsewhere under another policy may be there. */
  readonly sought?: readonly string[];
  readonly candidates: readonly SignatureCandidate[];
  /** What certificate authorities have said of the certificates, as far as they were asked. */
  readonly revocation: RevocationAnswers;
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
  if (manifest.layers.some(({ mediaType }) => mediaType === MediaType.dsse)) return 'cosign-legacy-attestation';
  const bundle = [...types, ...manifest.layers.map(({ mediaType }) => mediaType)].some((type) =>
    type?.startsWith(BUNDLE_PREFIX),
  );
  return bundle ? 'sigstore-bundle' : undefined;
}

/** Whether a referrer that a listing names so may be a signature or an attestation. */
export function isSignatureType(artifactType: string): boolean {
  return (
    artifactType === MediaType.notarySignature ||
    artifactType === MediaType.cosignSignature ||
    artifactType === MediaType.ociEmpty ||
    artifactType.startsWith(BUNDLE_PREFIX)
  );
}
