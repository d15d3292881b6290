import type { Digest } from '../artifact/digest.js';
import type { SignatureCandidate, SignatureEvidence } from './candidate.js';
import { verifyBundle } from './cosign-bundle.js';
import { verifyLegacy } from './cosign-legacy.js';
import { type Finding, type SignatureCheck, type SignatureResult, refused } from './result.js';
import type { TrustedKey } from './trust.js';

/** What a rule trusts. */
export interface SignatureRequirement {
  readonly cosign: { readonly keys: readonly TrustedKey[] };
}

/**
 * Judges everything that was found for one digest. Pure. One verified signature is enough; no other one, however broken,
 * takes it away. Where none verifies, what could not be judged makes the result inconclusive rather than a failure.
 */
export function verifySignatures(evidence: SignatureEvidence, requirement: SignatureRequirement): SignatureResult {
  const checks = evidence.candidates.map((candidate): SignatureCheck => {
    const { kind, manifestDigest } = candidate;
    return { manifestDigest, kind, ...verifyCandidate(candidate, evidence.subject, requirement) };
  });
  const result = (
    outcome: SignatureResult['outcome'],
    from: Pick<SignatureCheck, 'code' | 'message'>,
  ): SignatureResult => ({
    outcome,
    code: from.code,
    message: from.message,
    checks,
  });
  const verified = checks.find(({ outcome }) => outcome === 'verified');
  if (verified !== undefined) return result('verified', verified);
  if (evidence.truncated) {
    return result('inconclusive', { code: 'LIMIT', message: 'There are more signatures than are looked at.' });
  }
  const unsupported = checks.find(({ outcome }) => outcome === 'unsupported');
  if (unsupported !== undefined) return result('inconclusive', unsupported);
  const first = checks[0];
  if (first === undefined) return result('missing', { code: 'SIGNATURE_MISSING', message: 'There is no signature.' });
  return result('untrusted', first);
}

function verifyCandidate(candidate: SignatureCandidate, subject: Digest, { cosign }: SignatureRequirement): Finding {
  try {
    switch (candidate.kind) {
      case 'sigstore-bundle':
        return verifyBundle(candidate, subject, cosign.keys);
      case 'cosign-legacy':
        return verifyLegacy(candidate, subject, cosign.keys);
      case 'notation':
        return { outcome: 'unsupported', code: 'UNSUPPORTED', message: 'Notation signatures are not verified yet.' };
    }
  } catch {
    // A signature that breaks the verifier has not been verified.
    return refused('SIGNATURE_MALFORMED', 'The signature could not be processed.');
  }
}
