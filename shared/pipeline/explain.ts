import type { Digest } from '../artifact/digest.js';
import { type ArtifactKey, formatKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import type { Condition, Conditions } from '../policy/condition.js';
import type { Decision } from '../policy/decision.js';
import { evaluateConditions } from '../policy/evaluate.js';
import type { ChildEvidence, Evidence, Verdict } from '../policy/evidence.js';
import { mismatch } from '../policy/match.js';
import type { EnforcementMode } from '../policy/operation.js';
import type { Policy } from '../policy/policy.js';
import type { Finding } from '../vulnerability/finding.js';
import type { Reason } from '../vulnerability/reason.js';
import type { Clock } from './effects.js';
import type { LedgerEntry } from './entry.js';
import { type GatherDeps, gather } from './gather.js';
import { type Side, recallSignature } from './recall.js';
import { type Effect, standingOf } from './standing.js';
import { isOutdated } from './verify.js';

/** What {@link explain} needs. */
export interface ExplainDeps extends GatherDeps, Side {
  readonly clock: Clock;
  readonly mode: EnforcementMode;
}

/** A rule that comes before the one that matches, and what keeps it from matching. */
export interface PassedOver {
  readonly index: number;
  readonly registry: string | null;
  readonly repository: string;
  readonly because: 'registry' | 'repository';
}

/** A {@link Condition} as it is told. */
export interface ExplainedCondition {
  readonly name: Condition['name'];
  /** What the rule says; null where it says nothing. */
  readonly asks: string | null;
  readonly says: Condition['says'];
  readonly reasons: readonly Reason[];
  /** The findings that reach the threshold: how many, and the worst of them. */
  readonly findings: { readonly total: number; readonly list: readonly Finding[] } | null;
  readonly signature: {
    readonly signers: readonly string[];
    readonly outcome: string;
    readonly code: string | null;
    readonly byIndex: boolean;
    /** RFC 3339. */
    readonly graceEnd: string;
    readonly inGrace: boolean;
    /** The last verification was made under another policy: this is what its envelopes come to under the deployed one. */
    readonly outdated: boolean;
  } | null;
}

/** How the deployed policy comes to what it says of one artifact. */
export interface Explanation {
  /** `registry/repository@digest`. */
  readonly reference: string;
  readonly policy: Digest;
  /** What follows from the evidence at this moment. */
  readonly verdict: Verdict;
  /** What the ledger holds, which the next decision replaces; `pending` where there is none. */
  readonly recorded: Verdict;
  readonly rule: {
    readonly index: number;
    readonly registry: string | null;
    readonly repository: string;
    readonly passedOver: readonly PassedOver[];
    /** Further rules that do not match either. */
    readonly passedOverMore: number;
  };
  readonly conditions: readonly ExplainedCondition[];
  /** The platforms of an index, with the verdicts of the ledger. */
  readonly platforms: readonly ChildEvidence[];
  /** Until when results are waited for (RFC 3339). */
  readonly deadline: string;
  /** Of what is pending: when it is decided again at the latest (RFC 3339). */
  readonly waitUntil: string | null;
  readonly reasons: readonly Reason[];
  readonly because: Decision['because'];
  readonly action: Decision['action'];
  readonly withheld: NonNullable<Decision['withheld']> | null;
  readonly effect: Effect;
  /** In `observe` nothing is enforced. */
  readonly mode: EnforcementMode;
  /** What stands in the registry, and why nothing was done. */
  readonly enforcement: Pick<LedgerEntry['enforcement'], 'state' | 'withheld'>;
  readonly release: NonNullable<LedgerEntry['release']> | null;
}

/** How many findings of a condition are told, and how many rules that do not match. */
const MAX_FINDINGS = 25;
const MAX_PASSED_OVER = 50;

/**
 * Judges one artifact by the deployed policy and its present evidence, and tells every step. Changes nothing and asks no
 * registry. Throws `UNKNOWN_ARTIFACT`, or what the stores throw.
 */
export async function explain(key: ArtifactKey, deps: ExplainDeps): Promise<Explanation> {
  const { policy } = deps;
  const found = await deps.ledger.read(key);
  if (found === undefined || found.entry.goneAt !== undefined)
    throw new AppError('UNKNOWN_ARTIFACT', 'the ledger does not know this digest');
  const { entry } = found;
  const { state, withheld } = entry.enforcement;
  const now = deps.clock();
  const evidence = await evidenceOf(entry, deps);
  const { conditions, decision } = evaluateConditions(evidence, policy, now);
  const { effect, rule } = standingOf(entry, decision, { policy, now });
  const passedOver = passedOverBy(policy, key, decision.rule);
  return {
    reference: formatKey(key),
    policy: policy.digest,
    verdict: decision.verdict,
    recorded: entry.decision?.verdict ?? 'pending',
    rule: {
      ...rule,
      passedOver: passedOver.slice(0, MAX_PASSED_OVER),
      passedOverMore: Math.max(passedOver.length - MAX_PASSED_OVER, 0),
    },
    conditions: told(conditions, isOutdated(entry, policy)),
    platforms: evidence.children,
    deadline: conditions.deadline.toISOString(),
    waitUntil: decision.waitUntil ?? null,
    reasons: decision.reasons,
    because: decision.because,
    action: decision.action,
    withheld: decision.withheld ?? null,
    effect,
    mode: deps.mode,
    enforcement: { state, withheld: state === 'withheld' ? withheld : undefined },
    release: entry.release ?? null,
  };
}

/** As a decision would find it once signatures that were judged under another policy are judged under this one. */
async function evidenceOf(entry: LedgerEntry, deps: ExplainDeps): Promise<Evidence> {
  const { evidence, parents } = await gather(entry, deps);
  const signatureOf = async (each: LedgerEntry) => (await recallSignature(each, [deps], deps)).get(deps)?.signature;
  const ofParents = await Promise.all(parents.map(signatureOf));
  return {
    ...evidence,
    signature: (await signatureOf(entry)) ?? evidence.signature,
    coveredByIndex: ofParents.some((each) => each?.state === 'done' && each.outcome === 'verified'),
  };
}

function passedOverBy(policy: Policy, key: ArtifactKey, matched: number): readonly PassedOver[] {
  return policy.rules.slice(0, matched).flatMap((rule, index): PassedOver[] => {
    const because = mismatch(rule, key);
    if (because === undefined) return [];
    return [{ index, registry: rule.registry ?? null, repository: rule.repository, because }];
  });
}

function told({ content, signature }: Conditions, outdated: boolean): readonly ExplainedCondition[] {
  return [...content, signature].map((condition): ExplainedCondition => {
    const { name, asks, says, reasons, findings } = condition;
    const found = condition.signature;
    return {
      ...{ name, says, reasons },
      asks: asks ?? null,
      findings: findings === undefined ? null : { total: findings.length, list: findings.slice(0, MAX_FINDINGS) },
      signature:
        found === undefined
          ? null
          : { ...found, code: found.code ?? null, graceEnd: found.graceEnd.toISOString(), outdated },
    };
  });
}
