import type { SignatureCandidate } from '../candidate.js';
import type { VerifyContext } from '../requirement.js';
import { type Judged, refused } from '../result.js';
import { verifyBundle } from './bundle.js';
import { verifyLegacy } from './legacy.js';
import type { CosignTrust } from './trust.js';

/** Verifies everything in one Cosign manifest as signatures of the subject: one judgement for each of them. Pure. */
export function verifyCosign(
  candidate: SignatureCandidate,
  { subject }: VerifyContext,
  { keys }: CosignTrust,
): readonly Judged[] {
  switch (candidate.kind) {
    case 'sigstore-bundle':
      return [verifyBundle(candidate, subject.digest, keys)];
    case 'cosign-legacy':
      return verifyLegacy(candidate, subject.digest, keys);
    case 'cosign-legacy-attestation':
      return [refused('SIGNATURE_WRONG_PREDICATE', 'It is an attestation, not a signature.')];
    case 'notation':
      return [];
  }
}
