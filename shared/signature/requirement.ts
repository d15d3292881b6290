import type { CosignTrust } from './cosign/trust.js';
import type { NotationTrust } from './notation/trust.js';
import type { RevocationAnswers } from './revocation.js';
import type { SignedSubject } from './candidate.js';

/** An attestation that has to be there, by somebody who is trusted for it. */
export interface AttestationRequirement {
  /** Compared as it is. */
  readonly predicateType: string;
  /** Of a build provenance: the builder's identifier, compared as it is. */
  readonly builder?: string;
  readonly cosign: CosignTrust;
}

/** What a rule trusts, and how much of it has to be there. */
export interface SignatureRequirement {
  /** `any`: one of the kinds that are named is enough. `all`: each of them is wanted. */
  readonly require: 'any' | 'all';
  readonly cosign?: CosignTrust;
  readonly notation?: NotationTrust;
  /** Wanted beside the signature, each of them. */
  readonly attestations: readonly AttestationRequirement[];
}

/** What every verifier is told besides a candidate and its trust. */
export interface VerifyContext {
  readonly subject: SignedSubject;
  /** The moment of the verification. */
  readonly now: Date;
  readonly revocation: RevocationAnswers;
}
