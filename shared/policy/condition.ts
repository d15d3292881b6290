import type { Finding } from '../vulnerability/finding.js';
import type { Reason } from '../vulnerability/reason.js';
import type { SignatureEvidence } from './evidence.js';

/** What one kind of evidence says by itself. */
export interface Opinion {
  readonly says: 'pass' | 'fail' | 'inconclusive' | 'pending';
  readonly reasons: readonly Reason[];
  /** Of what is pending: what it is when nobody waits any more. Default: inconclusive. */
  readonly atDeadline?: 'fail' | 'inconclusive';
}

/** The conditions of a rule, named as the policy names them; `platforms` is what an index has instead of a scan. */
export type ConditionName =
  | 'unscannable'
  | 'vulnerabilities.fail'
  | 'vulnerabilities.failFixable'
  | 'secrets'
  | 'unrecognised'
  | 'endOfLife'
  | 'platforms'
  | 'signature';

/** What a signature comes to under a rule. */
export interface SignatureCondition {
  /** Who may have signed: key files, identities, Notation's configuration. */
  readonly signers: readonly string[];
  /** `pending`: not verified yet, or not under a rule that asks for one. */
  readonly outcome: Extract<SignatureEvidence, { state: 'done' }>['outcome'] | 'pending';
  /** Of that outcome; absent while it is pending. */
  readonly code?: string;
  /** An index that holds it is signed, which is enough. */
  readonly byIndex: boolean;
  /** Until when a signature may still arrive. */
  readonly graceEnd: Date;
  /** The signature is missing and may still come. */
  readonly inGrace: boolean;
}

/**
 * One condition of a rule, and what the evidence makes of it. `off`: the rule does not ask. `unknown`: it cannot be told
 * without a scan, for which another condition speaks.
 */
export interface Condition extends Omit<Opinion, 'says'> {
  readonly name: ConditionName;
  /** What the rule says, as the policy writes it; absent where it says nothing. */
  readonly asks?: string;
  readonly says: Opinion['says'] | 'off' | 'unknown';
  /** The findings that reach the threshold, for the two conditions that have one. */
  readonly findings?: readonly Finding[];
  /** For `signature` alone. */
  readonly signature?: SignatureCondition;
}

/** Everything that a rule asks of one artifact, judged. The verdict follows from it and from nothing else. */
export interface Conditions {
  /** Of the scan, or of an index's platforms. Never empty. */
  readonly content: readonly Condition[];
  readonly signature: Condition & { readonly signature: SignatureCondition };
  /** Until when results are waited for. */
  readonly deadline: Date;
}

const RANK: Readonly<Record<Opinion['says'], number>> = { pass: 0, pending: 1, inconclusive: 2, fail: 3 };

/**
 * The hardest of several opinions, with the reasons of all that do not pass, hardest first; of one that two opinions share,
 * once. Of none at all it is inconclusive.
 */
export function worst(opinions: readonly Opinion[]): Opinion {
  const sorted = opinions.toSorted((a, b) => RANK[b.says] - RANK[a.says]);
  const reasons = sorted.filter(({ says }) => says !== 'pass').flatMap(({ reasons }) => reasons);
  return { says: sorted[0]?.says ?? 'inconclusive', reasons: [...new Set(reasons)] };
}

/** What conditions come to together. One that is pending alone keeps what it is at the deadline. */
export function opinionOf(conditions: readonly Condition[]): Opinion {
  const opinions = conditions.flatMap(({ says, reasons, atDeadline }): Opinion[] => {
    // Whatever is unknown has a condition beside it that says why, and never passes.
    if (says === 'unknown') return [];
    return [{ says: says === 'off' ? 'pass' : says, reasons, ...(atDeadline && { atDeadline }) }];
  });
  const [only] = opinions;
  return opinions.length === 1 && only !== undefined ? only : worst(opinions);
}
