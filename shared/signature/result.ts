import type { Digest } from '../artifact/digest.js';
import type { SignatureKind } from './candidate.js';

/** What one candidate came to. */
export interface SignatureCheck {
  readonly manifestDigest: Digest;
  readonly kind: SignatureKind;
  /** `unsupported`: a kind that this version cannot verify. Never a pass. */
  readonly outcome: 'verified' | 'refused' | 'unsupported';
  readonly code: SignatureCode;
  readonly message: string;
  /** The trusted key that signed. */
  readonly keyName?: string;
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
  readonly checks: readonly SignatureCheck[];
}

/** A check's result without the candidate's name. */
export type Finding = Omit<SignatureCheck, 'manifestDigest' | 'kind'>;

/** A refusal with its reason. */
export function refused(code: SignatureCode, message: string): Finding {
  return { outcome: 'refused', code, message };
}
