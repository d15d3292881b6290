import type { SignatureCandidate } from '../candidate.js';
import type { AttestationRequirement, VerifyContext } from '../requirement.js';
import { type Judged, refused } from '../result.js';
import { verifyBundle } from './bundle.js';
import { verifyLegacy, verifyLegacyAttestations } from './legacy.js';
import { COSIGN_SIGN_PREDICATE } from './statement.js';
import type { CosignTrust } from './trust.js';

/** Verifies everything in one Cosign manifest as signatures of the subject: one judgement for each of them. Pure. */
export function verifyCosign(
  candidate: SignatureCandidate,
  { subject: { digest } }: VerifyContext,
  trust: CosignTrust,
): readonly Judged[] {
  const wanted = { subject: digest, predicateType: COSIGN_SIGN_PREDICATE };
  switch (candidate.kind) {
    case 'sigstore-bundle':
      return [verifyBundle(candidate, wanted, trust)];
    case 'cosign-legacy':
      return verifyLegacy(candidate, wanted, trust);
    case 'cosign-legacy-attestation':
      return [refused('SIGNATURE_WRONG_PREDICATE', 'It is an attestation, not a signature.', 'predicate')];
    case 'notation':
      return [];
  }
}

/** Verifies everything in one Cosign manifest as the attestation that is wanted: one judgement for each statement. Pure. */
export function verifyAttestations(
  candidate: SignatureCandidate,
  { subject: { digest } }: VerifyContext,
  { predicateType, builder, cosign }: AttestationRequirement,
): readonly Judged[] {
  const wanted = { subject: digest, predicateType, builder };
  switch (candidate.kind) {
    case 'sigstore-bundle':
      return [verifyBundle(candidate, wanted, cosign)];
    case 'cosign-legacy-attestation':
      return verifyLegacyAttestations(candidate, wanted, cosign);
    case 'cosign-legacy':
    case 'notation':
      return [];
  }
}
