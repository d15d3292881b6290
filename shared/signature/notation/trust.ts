import type { Certificate } from '../x509/certificate.js';
import { type TrustLevel, type TrustPolicy, type TrustStatement, selectStatement } from './trust-policy.js';
import type { StoreName } from './trust-store.js';

/** Whose Notation signatures count. */
export interface NotationTrust {
  /** `registry/repository`: what the trust policy's scopes are compared with. */
  readonly scope: string;
  readonly policy: TrustPolicy;
  /** The stores that the policy names, each read whole; one that is missing makes everything that needs it inconclusive. */
  readonly stores: ReadonlyMap<StoreName, readonly Certificate[]>;
}

/** The statement that a repository is judged by; undefined where there is none, and nothing passes. */
export function statementOf({ policy, scope }: NotationTrust): TrustStatement | undefined {
  return selectStatement(policy, scope);
}

/**
 * The level of a repository. With `skip` no signature is to be fetched and none is verified: that is for the caller to decide
 * on, before he asks. `none`: no statement is for this repository, so nothing of it passes.
 */
export function levelOf(trust: NotationTrust): TrustLevel | 'none' {
  return statementOf(trust)?.level ?? 'none';
}
