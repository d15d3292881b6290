import type { SignatureCandidate, SignatureEvidence } from './candidate.js';
import { verifyCosign } from './cosign/verify.js';
import { verifyNotation } from './notation/verify.js';
import type { SignatureRequirement, VerifyContext } from './requirement.js';
import { type Judged, type SignatureJudgement, type SignatureResult, refused, undecided } from './result.js';

/**
 * Judges everything that was found for one digest. Pure. Good signatures are enough; no other one, however broken, takes
 * them away. Where there are not enough of them, what could not be judged makes the result inconclusive rather than a failure.
 */
export function verifySignatures(
  evidence: SignatureEvidence,
  requirement: SignatureRequirement,
  now: Date,
): SignatureResult {
  const context: VerifyContext = { subject: evidence.subject, revocation: evidence.revocation, now };
  const signatures = evidence.candidates.flatMap((candidate): SignatureJudgement[] => {
    const { kind, manifestDigest } = candidate;
    return judge(candidate, context, requirement).map((judged) => ({ kind, manifestDigest, ...judged }));
  });
  const result = (
    outcome: SignatureResult['outcome'],
    from: Pick<SignatureJudgement, 'code' | 'message'>,
  ): SignatureResult => ({ outcome, code: from.code, message: from.message, signatures });
  const verified = signatures.find(({ outcome }) => outcome === 'verified');
  if (verified !== undefined) return result('verified', verified);
  if (evidence.truncated) {
    return result('inconclusive', { code: 'LIMIT', message: 'There are more signatures than are looked at.' });
  }
  const undecided = signatures.find(({ outcome }) => outcome === 'inconclusive');
  if (undecided !== undefined) return result('inconclusive', undecided);
  const first = signatures[0];
  if (first === undefined) return result('missing', { code: 'SIGNATURE_MISSING', message: 'There is no signature.' });
  return result('untrusted', first);
}

function judge(
  candidate: SignatureCandidate,
  context: VerifyContext,
  { cosign, notation }: SignatureRequirement,
): readonly Judged[] {
  try {
    if (candidate.kind === 'notation') {
      return notation === undefined
        ? [undecided('UNSUPPORTED', 'Nothing says whose Notation signatures count.')]
        : [verifyNotation(candidate, context, notation)];
    }
    return cosign === undefined ? [] : verifyCosign(candidate, context, cosign);
  } catch {
    // A signature that breaks the verifier has not been verified.
    return [refused('SIGNATURE_MALFORMED', 'The signature could not be processed.')];
  }
}
