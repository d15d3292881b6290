import type { SignatureCandidate } from '../candidate.js';
import type { VerifyContext } from '../requirement.js';
import { type Judged, undecided } from '../result.js';
import type { NotationTrust } from './trust.js';

/** Verifies one Notation signature of the subject. Pure. */
export function verifyNotation(
  { kind }: SignatureCandidate,
  { subject }: VerifyContext,
  { scope }: NotationTrust,
): Judged {
  return undecided('UNSUPPORTED', `${kind} of ${subject.digest} in ${scope}: not verified yet.`);
}
