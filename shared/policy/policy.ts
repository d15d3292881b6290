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

/** Which signature a rule wants. */
export interface SignatureRule {
  /** `any`: one of the kinds below is enough. `all`: each of them is wanted. */
  readonly require: 'any' | 'all';
  /** Names of PEM files beside the policy; one signature by one of these keys is enough. */
  readonly cosign?: { readonly keys: readonly string[] };
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
  /** Identifies the policy, its keys included, in every decision. */
  readonly digest: Digest;
  /** Identifies the keys alone. */
  readonly trust: Digest;
}
