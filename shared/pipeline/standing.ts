import type { Decision } from '../policy/decision.js';
import type { Verdict } from '../policy/evidence.js';
import type { Action, Policy } from '../policy/policy.js';
import type { LedgerEntry } from './entry.js';

/**
 * What a decision comes to in the registry, where enforcement is on. `quarantine`: at once. `later`: when the time of a change
 * is over. `stays`: a quarantine is in force, and stays, whatever the rule says now. `lifts`: it passes, so the quarantine is
 * undone. `released`: a person has released it. `contested`: left open until a person decides. `waits`: not decided yet.
 */
export type Effect = 'none' | 'quarantine' | 'later' | 'stays' | 'lifts' | 'released' | 'contested' | 'waits';

/** How a digest stands under a policy. */
export interface Standing {
  readonly verdict: Verdict;
  /** What the rule wants done; `mark` is nothing beyond the marks. */
  readonly action: Action;
  readonly withheld: NonNullable<Decision['withheld']>['because'] | null;
  readonly effect: Effect;
  /** When the time of a change is over (RFC 3339); null where none runs. */
  readonly until: string | null;
  /** Codes of the reasons, hardest first. */
  readonly codes: readonly string[];
  /** The rule that matches. */
  readonly rule: { readonly index: number; readonly registry: string | null; readonly repository: string };
}

/** How the digest of `entry` stands under a decision at `now`, as enforcement would take it. Pure. */
export function standingOf(
  entry: LedgerEntry,
  decision: Decision,
  { policy, now }: { readonly policy: Policy; readonly now: Date },
): Standing {
  const { verdict, action, withheld, rule: index } = decision;
  const rule = policy.rules[index];
  return {
    ...{ verdict, action },
    withheld: withheld?.because ?? null,
    effect: effectOf(entry, decision, now),
    until: withheld?.because === 'change' ? withheld.until : null,
    codes: [...new Set(decision.reasons.map(({ code }) => code))],
    rule: { index, registry: rule?.registry ?? null, repository: rule?.repository ?? '**' },
  };
}

function effectOf({ enforcement, release }: LedgerEntry, { verdict, action, withheld }: Decision, now: Date): Effect {
  const { state, record } = enforcement;
  // What a release has restored is history.
  const inForce = record !== undefined && state !== 'released';
  if (verdict === 'pending') return inForce ? 'stays' : 'waits';
  if (release !== undefined && (release.until === undefined || now < new Date(release.until))) return 'released';
  if (verdict === 'pass') return inForce ? 'lifts' : 'none';
  if (state === 'contested') return 'contested';
  if (inForce) return 'stays';
  if (withheld?.because === 'change') return 'later';
  return action === 'mark' || withheld !== undefined ? 'none' : 'quarantine';
}

/** Whether two standings come to the same, whatever the reasons, and whenever it happens. */
export function isSameStanding(a: Standing, b: Standing): boolean {
  return a.verdict === b.verdict && a.action === b.action && a.withheld === b.withheld && a.effect === b.effect;
}
