import type { LoginServer } from '../artifact/login-server.js';
import type { Digest } from '../artifact/digest.js';
import type { Severity } from '../vulnerability/severity.js';

/** What happens to an artifact that does not pass, from mildest to hardest. */
export const ACTIONS = ['mark', 'untag', 'lock', 'lock-and-untag'] as const;
export type Action = (typeof ACTIONS)[number];

/** What happens to what was in a registry before this installation. */
export const BASELINES = ['observe', 'mark', 'enforce'] as const;
export type Baseline = (typeof BASELINES)[number];

/** What something that the scanner cannot judge counts as. */
export type Unjudged = 'fail' | 'inconclusive' | 'accept';

/** Who may have signed from a certificate of a certificate authority. Of each pair one is set. */
export interface IdentityRule {
  /** The identity provider, compared as it is; the pattern has to match all of it. */
  readonly issuer?: string;
  readonly issuerPattern?: string;
  /** The subject alternative name. */
  readonly subject?: string;
  readonly subjectPattern?: string;
}

/** Whose Cosign signatures count. */
export interface CosignRule {
  /** Names of PEM files beside the policy, or addresses of keys in a Key Vault with their version. */
  readonly keys: readonly string[];
  readonly identities: readonly IdentityRule[];
  /** Name of the file with the authorities and logs that identities need. */
  readonly trustedRoot?: string;
  /** Whether what is signed by a fixed key has to be in a transparency log. What is signed by an identity always has to be. */
  readonly transparencyLog: 'required' | 'ignored';
  /** How many different ones of them have to have signed. */
  readonly signers: number;
  /** Whether the repository that a signature of the old form names has to be this one. */
  readonly dockerReference: 'match' | 'ignore';
}

/** An attestation that has to be there. */
export interface AttestationRule {
  readonly predicateType: string;
  /** Of a build provenance. */
  readonly builder?: string;
  readonly cosign: CosignRule;
}

/** Which signature a rule wants. */
export interface SignatureRule {
  /** `any`: one of the kinds below is enough. `all`: each of them is wanted. */
  readonly require: 'any' | 'all';
  readonly cosign?: CosignRule;
  /** Name of the directory beside the policy with Notation's trust policy and trust store. */
  readonly notation?: { readonly config: string };
  /** Wanted beside a signature, each of them. */
  readonly attestations: readonly AttestationRule[];
  /** Where else signatures are looked for, as `registry/repository`: what an import has left behind. */
  readonly signaturesFrom: readonly string[];
  /** Whether the signature of an index counts for its platforms. */
  readonly fromIndex: 'accept' | 'refuse';
  /** How long after the push a signature may arrive, in milliseconds. */
  readonly graceMilliseconds: number;
}

/** One rule. The first one whose registry and repository match decides. */
export interface PolicyRule {
  readonly registry?: LoginServer;
  readonly repository: string;
  readonly vulnerabilities: {
    /** A finding of this severity or a worse one fails. */
    readonly fail?: Severity;
    /** A finding that has a fix fails from this severity on. */
    readonly failFixable?: Severity;
  };
  readonly secrets: 'fail' | 'accept';
  readonly signature?: SignatureRule;
  /** Where its cards go; the common channel where it is absent. */
  readonly channel?: string;
  /** What happens to a digest that has never passed. */
  readonly onPush: Action;
  /** What happens to a digest that has passed before, and when. */
  readonly onChange: { readonly enforce: Action; readonly afterMilliseconds: number };
  /** No packages were recognised, whether or not there is an operating system. */
  readonly unrecognised: Unjudged;
  /** The distribution gets no more fixes. */
  readonly endOfLife: Unjudged;
  /** The scanner could not read the image. Never a pass. */
  readonly unscannable: 'fail' | 'inconclusive';
}

/** A policy, parsed once. */
export interface Policy {
  readonly version: 1;
  /** How long a decision waits for both results, in milliseconds. */
  readonly deadlineMilliseconds: number;
  /** How old what a verdict rests on may be before it counts as aged, in milliseconds. It changes no verdict. */
  readonly maxAgeMilliseconds: number;
  /**
   * What was there before the installation: `observe` writes down what would be done, `mark` does nothing beyond the marks,
   * `enforce` treats it as everything else.
   */
  readonly existing: Baseline;
  readonly rules: readonly PolicyRule[];
  /** Identifies the policy, all that it trusts included, in every decision. */
  readonly digest: Digest;
  /** Identifies alone whom it trusts. */
  readonly trust: Digest;
}
