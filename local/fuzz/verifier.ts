import type { SignatureEvidence } from '../../shared/signature/candidate.js';
import { verifyAttestations, verifyCosign } from '../../shared/signature/cosign/verify.js';
import { verifyNotation } from '../../shared/signature/notation/verify.js';
import type { SignatureRequirement, VerifyContext } from '../../shared/signature/requirement.js';
import type { Judged } from '../../shared/signature/result.js';
import { verifySignatures } from '../../shared/signature/verify-signatures.js';

/** What is fuzzed: judges the signatures of the evidence in their order. A test puts one with a fault in its place. */
export type Verifier = (evidence: SignatureEvidence, requirement: SignatureRequirement, now: Date) => readonly Judged[];

/**
 * The verifiers of both kinds, called directly, for `verifySignatures` catches what they throw; and it, which has to come to the
 * same. Throws whatever they throw.
 */
export const ourVerifier: Verifier = (evidence, requirement, now) => {
  const context: VerifyContext = { subject: evidence.subject, revocation: evidence.revocation, now };
  const { cosign, notation, attestations } = requirement;
  const judged = evidence.candidates.flatMap((candidate) => [
    ...(notation !== undefined && candidate.kind === 'notation' ? [verifyNotation(candidate, context, notation)] : []),
    ...(cosign !== undefined && candidate.kind !== 'notation' ? verifyCosign(candidate, context, cosign) : []),
    ...attestations.flatMap((wanted) => verifyAttestations(candidate, context, wanted)),
  ]);
  const result = verifySignatures(evidence, requirement, now);
  const some = judged.some(({ outcome }) => outcome === 'verified');
  if (some !== (result.outcome === 'verified') && result.code !== 'SIGNATURE_SKIPPED') {
    throw new Error(`the whole says ${result.outcome}, its parts say otherwise`);
  }
  return judged;
};
