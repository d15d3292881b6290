import { type Condition, type Conditions, type Opinion, opinionOf, worst } from './condition.js';
import { conditionsOf } from './conditions.js';
import type { Decision } from './decision.js';
import type { Evidence } from './evidence.js';
import { matchRule } from './match.js';
import type { Policy, PolicyRule } from './policy.js';

/** A decision with the conditions that it follows from. */
export interface Evaluation {
  readonly conditions: Conditions;
  readonly decision: Decision;
}

/**
 * What the policy says of this evidence at `now`. Pure. Waits (`pending`) while a result is missing, at most until the
 * policy's deadline, then ends as `inconclusive`; more findings never make a verdict milder.
 */
export function evaluate(evidence: Evidence, policy: Policy, now: Date): Decision {
  return evaluateConditions(evidence, policy, now).decision;
}

/** The same, and what each condition of the rule that matches has come to. */
export function evaluateConditions(evidence: Evidence, policy: Policy, now: Date): Evaluation {
  const { rule, index } = matchRule(policy, evidence.key);
  const conditions = conditionsOf(evidence, { rule, policy }, now);
  const base: Base = {
    because: evidence.hasPassed ? 'change' : 'push',
    policy: policy.digest,
    trust: policy.trust,
    rule: index,
    crossing: crossingOf(conditions.content),
  };
  const verdict = verdictOf(conditions, now);
  if (verdict.says === 'pending') {
    const { reasons, waitUntil } = verdict;
    const decision = {
      ...base,
      verdict: 'pending',
      reasons,
      action: 'mark',
      waitUntil: waitUntil.toISOString(),
    } as const;
    return { conditions, decision };
  }
  return { conditions, decision: judged(verdict, evidence, { base, rule, policy, now }) };
}

/** An opinion that stands, or until when it is waited for one. */
type Verdict =
  | (Opinion & { readonly says: 'pass' | 'fail' | 'inconclusive' })
  | (Opinion & { readonly says: 'pending'; readonly waitUntil: Date });

/** What all conditions come to together. */
function verdictOf(conditions: Conditions, now: Date): Verdict {
  const { inGrace, graceEnd } = conditions.signature.signature;
  const content = opinionOf(conditions.content);
  const signature = opinionOf([conditions.signature]);
  // It fails by its content whatever signature may still come, so it does not wait for one.
  if (content.says === 'fail' && inGrace) return settled(content);
  const both = worst([content, signature]);
  if (content.says !== 'pending' && signature.says !== 'pending') return settled(both);
  const waitUntil = inGrace && content.says !== 'pending' ? graceEnd : conditions.deadline;
  if (now < waitUntil) return { ...both, says: 'pending', waitUntil };
  return settled(worst([content, signature].map(atDeadline)));
}

/** Nothing is pending here any more; should something be, it denies. */
function settled({ says, reasons }: Opinion): Verdict {
  return { says: says === 'pending' ? 'inconclusive' : says, reasons };
}

/** At the deadline nothing is pending any more: what is missing is inconclusive, and says so. */
function atDeadline(opinion: Opinion): Opinion {
  if (opinion.says !== 'pending') return opinion;
  const reasons = [...opinion.reasons, { code: 'DEADLINE', message: 'Waited long enough.' }];
  return { says: opinion.atDeadline ?? 'inconclusive', reasons };
}

type Base = Pick<Decision, 'because' | 'policy' | 'trust' | 'rule' | 'crossing'>;

interface JudgedContext {
  readonly base: Base;
  readonly rule: PolicyRule;
  readonly policy: Policy;
  readonly now: Date;
}

function judged(
  { says: verdict, reasons }: Exclude<Verdict, { readonly says: 'pending' }>,
  evidence: Evidence,
  { base, rule, policy: { existing }, now }: JudgedContext,
): Decision {
  if (verdict === 'pass') return { ...base, verdict, reasons: [], action: 'mark' };
  const judgement = { ...base, verdict, reasons };
  // What has passed may be running: it is not stopped because we cannot tell any more, nor at once by what we have learnt.
  const action = !evidence.hasPassed ? rule.onPush : verdict === 'fail' ? rule.onChange.enforce : 'mark';
  // Nor is what ran here before we came: a new installation must not stop what is running.
  if (action === 'mark' || (evidence.existing && existing === 'mark')) return { ...judgement, action: 'mark' };
  if (evidence.reserved) return { ...judgement, action, withheld: { because: 'reserved' } };
  if (evidence.existing && existing === 'observe') return { ...judgement, action, withheld: { because: 'existing' } };
  if (!evidence.hasPassed) return { ...judgement, action };
  const until = new Date((evidence.failingSince ?? now).getTime() + rule.onChange.afterMilliseconds);
  return now < until
    ? { ...judgement, action, withheld: { because: 'change', until: until.toISOString() } }
    : { ...judgement, action };
}

/** How many identifiers of findings a decision keeps. */
const MAX_CROSSING = 200;

function crossingOf(conditions: readonly Condition[]): readonly string[] {
  const ids = conditions.flatMap(({ findings = [] }) => findings.map(({ id }) => id));
  return [...new Set(ids)].sort().slice(0, MAX_CROSSING);
}
