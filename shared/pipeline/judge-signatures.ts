import type { SignatureEvidence } from '../signature/candidate.js';
import type { SignatureRequirement } from '../signature/requirement.js';
import type { SignatureResult } from '../signature/result.js';
import type { RevocationAnswer, RevocationRequest } from '../signature/revocation.js';
import { verifySignatures } from '../signature/verify-signatures.js';

/** Asks certificate authorities whether certificates are revoked. Resolves with an answer to each request, faults included. */
export type AskAuthorities = (requests: readonly RevocationRequest[]) => Promise<readonly RevocationAnswer[]>;

/** One answer may lead to the next question: from OCSP to a list, from a list to what has been added to it. */
const MAX_ROUNDS = 4;
/** The most questions about all signatures of one artifact. */
const MAX_REQUESTS = 50;

/**
 * Judges signatures, and fetches what the judgement turns out to need: only of certificates that hold otherwise is anything
 * asked. The evidence that comes back holds every answer, so that it can be judged again without asking.
 */
export async function judgeSignatures(
  evidence: SignatureEvidence,
  requirement: SignatureRequirement,
  { now, askAuthorities }: { readonly now: Date; readonly askAuthorities: AskAuthorities },
): Promise<{ readonly evidence: SignatureEvidence; readonly result: SignatureResult }> {
  const revocation = new Map(evidence.revocation);
  const known = { ...evidence, revocation };
  let result = verifySignatures(known, requirement, now);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const wanted = new Map(result.signatures.flatMap(({ needs }) => needs.map((need) => [need.id, need] as const)));
    const open = [...wanted.values()]
      .filter(({ id }) => !revocation.has(id))
      .slice(0, Math.max(MAX_REQUESTS - revocation.size, 0));
    if (result.outcome === 'verified' || open.length === 0) break;
    for (const answer of await askAuthorities(open)) revocation.set(answer.id, answer);
    result = verifySignatures(known, requirement, now);
  }
  return { evidence: known, result };
}
