import type { TrustedKey } from '../trust.js';
import type { CertificateIdentity } from './identity.js';
import type { SigstoreRoot } from './trusted-root.js';

/** How many independent witnesses are wanted. Less than one counts as one: none of them can be switched off by a number. */
export interface Thresholds {
  /** Transparency logs that hold the signature. */
  readonly transparencyLogs: number;
  /** Certificate logs that hold the certificate of a keyless signature. */
  readonly certificateLogs: number;
  /** Who attests to the time of signing: timestamp authorities, and logs that sign the time of their entry. */
  readonly timestamps: number;
}

/** One of each. */
export const DEFAULT_THRESHOLDS: Thresholds = { transparencyLogs: 1, certificateLogs: 1, timestamps: 1 };

/** Whose Cosign signatures count. */
export interface CosignTrust {
  /** Fixed keys. */
  readonly keys: readonly TrustedKey[];
  /** Whose short-lived certificates count (keyless signing). */
  readonly identities: readonly CertificateIdentity[];
  /** The authorities and logs; needed for identities, and for keys where the log is required. */
  readonly trustedRoot?: SigstoreRoot;
  /**
   * `ignored`: entries of a log are not looked at. A key is then enough by itself; a certificate needs the timestamp of an
   * authority instead, because nothing else tells that it was valid when it signed.
   */
  readonly transparencyLog: 'required' | 'ignored';
  readonly thresholds: Thresholds;
  /** How many signers have to have signed, each counted once by the name in its judgement. Counted by the caller. */
  readonly threshold: number;
  /**
   * What a `.sig` payload has to name as its repository, one of these, compared as they are. Bundles carry no such claim, so it says nothing
   * of them. https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
   */
  readonly dockerReferences: readonly string[] | undefined;
}

/** Trust with what is not given set to the strict choice: nobody is trusted, the log is required, one of each witness. */
export function cosignTrust(given: Partial<CosignTrust>): CosignTrust {
  return {
    keys: [],
    identities: [],
    transparencyLog: 'required',
    thresholds: DEFAULT_THRESHOLDS,
    threshold: 1,
    dockerReferences: undefined,
    ...given,
  };
}
