import type { Digest } from '../artifact/digest.js';
import type { Reason } from '../vulnerability/reason.js';
import type { Verdict } from './evidence.js';
import type { Action } from './policy.js';

/**
 * Why an action is not carried out. `reserved`: Lazaret itself or the cluster's admission lives on it. `existing`: the
 * digest is older than this installation. `change`: it has passed before, and people have until then (RFC 3339).
 */
export type Withheld =
  { readonly because: 'existing' | 'reserved' } | { readonly because: 'change'; readonly until: string };

/** What a policy says of one digest at one moment. */
export interface Decision {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  /** What the matching rule wants done about it; `mark` is nothing beyond the marks. */
  readonly action: Action;
  /** Why the action is not carried out, or not yet; absent where nothing is in its way. */
  readonly withheld?: Withheld | undefined;
  /** Whether `onPush` or `onChange` chose the action. */
  readonly because: 'push' | 'change';
  readonly policy: Digest;
  /** The keys that were trusted. */
  readonly trust: Digest;
  /** Index of the rule that matched. */
  readonly rule: number;
  /** While pending: when to decide again at the latest (RFC 3339). */
  readonly waitUntil?: string | undefined;
  /** Identifiers of the findings that reached a threshold, sorted; how a later decision knows what is new. */
  readonly crossing: readonly string[];
}
