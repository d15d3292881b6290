import { digestOf } from '../../../shared/artifact/digest.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import type { Descriptor } from '../../../shared/artifact/descriptor.js';
import type { SignatureEvidence } from '../../../shared/signature/candidate.js';
import { verifySignatures } from '../../../shared/signature/verify-signatures.js';
import type { SignatureRequirement } from '../../../shared/signature/requirement.js';
import { buildEvidence, fitManifest } from '../evidence.js';
import type { Seed } from '../seed.js';

/** The seed with other layers, its manifest made to fit. */
export function withLayers(seed: Seed, layers: readonly Buffer[]): Seed {
  return { ...seed, parts: { ...seed.parts, layers, manifest: fitManifest(seed.parts.manifest, layers) } };
}

/** The evidence of a seed, its one candidate `times` times: each is looked at by itself. */
export function repeated(seed: Seed, times: number): SignatureEvidence {
  const evidence = buildEvidence(seed);
  return { ...evidence, candidates: Array.from({ length: times }, () => evidence.candidates).flat() };
}

/** Verifies evidence by the seed's trust or another one; says in a word what came of it. */
export function verifyAll(seed: Seed, evidence: SignatureEvidence, requirement?: SignatureRequirement): string {
  const { outcome, code } = verifySignatures(evidence, requirement ?? seed.readTrust(seed.parts.trust), seed.parts.now);
  return `${outcome}, ${code}`;
}

/** A layer of Cosign's old form with a signature that nobody made. */
export function legacyLayer(payload: Buffer, signature: Buffer): Descriptor {
  return {
    mediaType: MediaType.simpleSigning,
    digest: digestOf(payload),
    size: payload.byteLength,
    annotations: { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
  };
}
