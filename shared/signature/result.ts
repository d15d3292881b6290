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
export const SIGNATURE_CODES = [
  'SIGNATURE_VERIFIED',
  'SIGNATURE_MISSING',
  'SIGNATURE_SKIPPED',
  'SIGNERS_TOO_FEW',
  'SIGNATURE_MALFORMED',
  'SIGNATURE_INVALID',
  'SIGNATURE_EXPIRED',
  'SIGNATURE_UNTRUSTED_KEY',
  'SIGNATURE_OTHER_DIGEST',
  'SIGNATURE_WRONG_PREDICATE',
  'SIGNATURE_WRONG_TYPE',
  'NOTATION_NO_POLICY',
  'NOTATION_SKIPPED',
  'NOTATION_NO_STORE',
  'NOTATION_UNTRUSTED_CERTIFICATE',
  'NOTATION_UNTRUSTED_IDENTITY',
  'NOTATION_ALGORITHM',
  'NOTATION_ATTRIBUTES',
  'NOTATION_CRITICAL',
  'NOTATION_PLUGIN',
  'CHAIN_INVALID',
  'CERTIFICATE_MALFORMED',
  'CERTIFICATE_FORBIDDEN',
  'CERTIFICATE_WEAK',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_NOT_YET_VALID',
  'TIMESTAMP_MISSING',
  'TIMESTAMP_OUTSIDE_VALIDITY',
  'TIMESTAMP_MALFORMED',
  'TIMESTAMP_WEAK',
  'TIMESTAMP_OTHER_MESSAGE',
  'TIMESTAMP_SIGNATURE',
  'TIMESTAMP_UNTRUSTED',
  'TIMESTAMP_CERTIFICATE',
  'SIGNATURE_UNTRUSTED_CERTIFICATE',
  'SIGNATURE_UNTRUSTED_IDENTITY',
  'SIGNATURE_TIME_UNPROVEN',
  'SIGNATURE_NOT_LOGGED',
  'SIGNATURE_OTHER_REPOSITORY',
  'ATTESTATION_OTHER_BUILDER',
  'TRUSTED_ROOT_MISSING',
  'NOT_REVOKED',
  'CERTIFICATE_REVOKED',
  'REVOCATION_UNANSWERED',
  'REVOCATION_UNKNOWN',
  'UNSUPPORTED',
  'LIMIT',
] as const;
export type SignatureCode = (typeof SIGNATURE_CODES)[number];

/** What all candidates come to together. Only `verified` is enough. */
export interface SignatureResult {
  readonly outcome: 'verified' | 'missing' | 'untrusted' | 'inconclusive';
  readonly code: SignatureCode;
  readonly message: string;
  /** What each kind of signature that is asked for, and each attestation, came to by itself. */
  readonly parts: readonly RequirementPart[];
  readonly signatures: readonly SignatureJudgement[];
}

/** One thing that is asked for. */
export interface RequirementPart {
  /** `notation`, `cosign`, or `attestation` with its predicate type. */
  readonly name: string;
  /** `skipped`: whoever is trusted to say so says that nothing is verified. */
  readonly outcome: SignatureResult['outcome'] | 'skipped';
  readonly code: SignatureCode;
  readonly message: string;
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
