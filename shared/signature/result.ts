import type { Digest } from '../artifact/digest.js';
import type { SignatureKind } from './candidate.js';
import type { RevocationRequest } from './revocation.js';

/**
 * What is checked of a signature. Notation's five are named as its specification names them; `subject` is whether it was
 * made for this very artifact, `transparencyLog` and `predicate` are Cosign's.
 */
export type CheckType =
  | 'integrity'
  | 'authenticity'
  | 'authenticTimestamp'
  | 'expiry'
  | 'revocation'
  | 'transparencyLog'
  | 'predicate'
  | 'subject';

/** One check, what the trust material wants made of it, and what it came to. */
export interface Check {
  readonly type: CheckType;
  /** `enforced`: it has to hold. `logged`: it is told, and changes nothing. `skipped`: it was not made. */
  readonly action: 'enforced' | 'logged' | 'skipped';
  /** `unknown`: it could not be told, such as a revocation list that did not come. Enforced, it is never a pass. */
  readonly outcome: 'ok' | 'failed' | 'unknown' | 'skipped';
  readonly code: SignatureCode;
  readonly message: string;
}

/** What one signature came to. */
export interface SignatureJudgement {
  readonly kind: SignatureKind;
  /** Of the manifest that carries it. */
  readonly manifestDigest: Digest;
  /** `inconclusive`: it could not be judged. Never a pass. */
  readonly outcome: 'verified' | 'refused' | 'inconclusive';
  /** Of the check that decided. */
  readonly code: SignatureCode;
  readonly message: string;
  /** Who signed, once that is certain: the name of a key, an identity, the subject of a certificate. */
  readonly signer?: string;
  readonly checks: readonly Check[];
  /** What would have to be fetched before it can be judged; empty where it is judged. */
  readonly needs: readonly RevocationRequest[];
}

/** Why a signature was, or was not, enough. */
export type SignatureCode =
  | 'SIGNATURE_VERIFIED'
  | 'SIGNATURE_MISSING'
  | 'SIGNATURE_MALFORMED'
  | 'SIGNATURE_UNTRUSTED_KEY'
  | 'SIGNATURE_OTHER_DIGEST'
  | 'SIGNATURE_WRONG_PREDICATE'
  | 'SIGNATURE_WRONG_TYPE'
  | 'UNSUPPORTED'
  | 'LIMIT';

/** What all candidates come to together. Only `verified` is enough. */
export interface SignatureResult {
  readonly outcome: 'verified' | 'missing' | 'untrusted' | 'inconclusive';
  readonly code: SignatureCode;
  readonly message: string;
  readonly signatures: readonly SignatureJudgement[];
}

/** A judgement without the candidate's name. */
export type Judged = Omit<SignatureJudgement, 'manifestDigest' | 'kind'>;

/**
 * What checks come to together: the first enforced one that failed decides, then the first that could not be told. No check
 * at all is not a pass.
 */
export function judgedBy(checks: readonly Check[], known: Partial<Pick<Judged, 'signer' | 'needs'>> = {}): Judged {
  const enforced = checks.filter(({ action }) => action === 'enforced');
  const failed = enforced.find(({ outcome }) => outcome === 'failed');
  const unknown = enforced.find(({ outcome }) => outcome !== 'ok');
  const base = { checks, needs: [], ...known };
  if (failed !== undefined) return { ...base, outcome: 'refused', code: failed.code, message: failed.message };
  if (unknown !== undefined) return { ...base, outcome: 'inconclusive', code: unknown.code, message: unknown.message };
  if (enforced.length === 0)
    return { ...base, outcome: 'inconclusive', code: 'UNSUPPORTED', message: 'Nothing was checked.' };
  const message = known.signer === undefined ? 'The signature holds.' : `Signed by ${known.signer}.`;
  return { ...base, outcome: 'verified', code: 'SIGNATURE_VERIFIED', message };
}

/** A judgement by a single check: it was not enough. */
export function refused(code: SignatureCode, message: string, type: CheckType = 'integrity'): Judged {
  return judgedBy([{ type, action: 'enforced', outcome: 'failed', code, message }]);
}

/** A judgement by a single check: it could not be told. */
export function undecided(code: SignatureCode, message: string, type: CheckType = 'integrity'): Judged {
  return judgedBy([{ type, action: 'enforced', outcome: 'unknown', code, message }]);
}
