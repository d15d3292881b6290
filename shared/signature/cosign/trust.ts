import type { TrustedKey } from '../trust.js';

/** Whose Cosign signatures count. */
export interface CosignTrust {
  readonly keys: readonly TrustedKey[];
}
