import { type Digest, digestOf } from '../artifact/digest.js';
import type { PolicyDocument } from './parse-policy.js';
import type { CosignRule, Policy } from './policy.js';

/** What a policy needs beside it. Each list is sorted, and names nothing twice. */
export interface TrustNames {
  /** Of key files, and addresses of keys in a Key Vault. */
  readonly keys: readonly string[];
  /** Of files with trusted roots. */
  readonly roots: readonly string[];
  /** Of directories with Notation's configuration. */
  readonly notation: readonly string[];
}

/** The names of everything that the rules of a policy trust. */
export function trustNames({ rules }: Pick<PolicyDocument, 'rules'>): TrustNames {
  const asked = rules.flatMap(({ signature }) => signature ?? []);
  const cosign = asked.flatMap(({ cosign: own, attestations }): readonly CosignRule[] => [
    ...(own === undefined ? [] : [own]),
    ...attestations.map((each) => each.cosign),
  ]);
  const sorted = (names: readonly string[]) => [...new Set(names)].sort();
  return {
    keys: sorted(cosign.flatMap(({ keys }) => keys)),
    roots: sorted(cosign.flatMap(({ trustedRoot }) => trustedRoot ?? [])),
    notation: sorted(asked.flatMap(({ notation }) => notation?.config ?? [])),
  };
}

/**
 * A policy with the digests that cover it and what it trusts: made here and nowhere else, so that equal files have an equal
 * digest wherever they are read. `trust` identifies what is trusted.
 */
export function completePolicy(document: PolicyDocument, trust: Digest): Policy {
  return Object.freeze({ ...document, digest: digestOf(JSON.stringify([document, trust])), trust });
}
