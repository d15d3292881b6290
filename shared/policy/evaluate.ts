import type { ChildEvidence, Evidence } from './evidence.js';
import type { Decision } from './decision.js';
import { type Opinion, crosses, evaluateScan, worst } from './evaluate-scan.js';
import { matchRule } from './match.js';
import type { Baseline, Policy, PolicyRule } from './policy.js';

/** How many platforms an index's reason names. */
const MAX_NAMED_PLATFORMS = 10;

/**
 * What the policy says of this evidence at `now`. Pure. Waits (`pending`) while a result is missing, at most until the
 * policy's deadline, then ends as `inconclusive`; more findings never make a verdict milder.
 */
export function evaluate(evidence: Evidence, policy: Policy, now: Date): Decision {
  const { rule, index } = matchRule(policy, evidence.key);
  const because = evidence.hasPassed ? 'change' : 'push';
  const base = { because, policy: policy.digest, rule: index, crossing: crossingOf(evidence, rule) } as const;
  const context: JudgedContext = { base, rule, existing: policy.existing, now };
  const content = evidence.kind === 'index' ? evaluateChildren(evidence.children) : scanOpinion(evidence, rule);
  const signature = evaluateSignature(evidence, rule, now);
  const deadline = new Date(evidence.firstSeenAt.getTime() + policy.deadlineMilliseconds);

  if (content.says === 'pending' || signature.opinion.says === 'pending') {
    const fails = content.says === 'fail' && signature.inGrace;
    if (!fails) {
      const waitUntil = signature.inGrace && content.says !== 'pending' ? signature.graceEnd : deadline;
      const both = worst([content, signature.opinion]);
      if (now < waitUntil) {
        return {
          ...base,
          verdict: 'pending',
          reasons: both.reasons,
          action: 'mark',
          waitUntil: waitUntil.toISOString(),
        };
      }
      return judged(settle([content, signature.opinion]), evidence, context);
    }
    // It fails by its content whatever signature may still come, so it does not wait for one.
    return judged(content, evidence, context);
  }
  return judged(worst([content, signature.opinion]), evidence, context);
}

type Base = Pick<Decision, 'because' | 'policy' | 'rule' | 'crossing'>;

interface JudgedContext {
  readonly base: Base;
  readonly rule: PolicyRule;
  readonly existing: Baseline;
  readonly now: Date;
}

function judged(opinion: Opinion, evidence: Evidence, context: JudgedContext): Decision {
  const { base, rule } = context;
  // `settle` and the caller leave no pending opinion; should one come, it denies.
  const verdict = opinion.says === 'pending' ? 'inconclusive' : opinion.says;
  if (verdict === 'pass') return { ...base, verdict, reasons: [], action: 'mark' };
  const judgement = { ...base, verdict, reasons: opinion.reasons };
  // What has passed may be running: it is not stopped because we cannot tell any more, nor at once by what we have learnt.
  const action = !evidence.hasPassed ? rule.onPush : verdict === 'fail' ? rule.onChange.enforce : 'mark';
  const { existing, now } = context;
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

/** At the deadline nothing is pending any more: what is missing is inconclusive, and says so. */
function settle(opinions: readonly Opinion[]): Opinion {
  return worst(
    opinions.map((opinion) =>
      opinion.says === 'pending'
        ? {
            says: opinion.atDeadline ?? 'inconclusive',
            reasons: [...opinion.reasons, { code: 'DEADLINE', message: 'Waited long enough.' }],
          }
        : opinion,
    ),
  );
}

function scanOpinion(evidence: Evidence, rule: PolicyRule): Opinion {
  return evaluateScan(evidence.scan ?? { state: 'pending' }, rule);
}

function crossingOf({ scan }: Evidence, rule: PolicyRule): readonly string[] {
  if (scan?.state !== 'done') return [];
  const ids = scan.report.findings.filter((finding) => crosses(finding, rule.vulnerabilities)).map(({ id }) => id);
  return [...new Set(ids)].sort().slice(0, 200);
}

function evaluateChildren(children: readonly ChildEvidence[]): Opinion {
  if (children.length === 0) {
    return { says: 'inconclusive', reasons: [{ code: 'INDEX_EMPTY', message: 'The index holds no platform.' }] };
  }
  const opinions = (['fail', 'inconclusive', 'pending'] as const).flatMap((says): Opinion[] => {
    const those = children.filter(({ verdict }) => verdict === says);
    if (those.length === 0) return [];
    const names = those.slice(0, MAX_NAMED_PLATFORMS).map(({ platform }) => platform);
    const more = those.length > names.length ? ` and ${those.length - names.length} more` : '';
    const code = says === 'fail' ? 'PLATFORM_FAILS' : says === 'pending' ? 'PLATFORM_PENDING' : 'PLATFORM_INCONCLUSIVE';
    return [{ says, reasons: [{ code, message: `${says}: ${names.join(', ')}${more}.` }] }];
  });
  // A platform that fails does not end the wait for the others: each is judged before the index is locked.
  const pending = opinions.find(({ says }) => says === 'pending');
  if (pending !== undefined) {
    const atDeadline = opinions.some(({ says }) => says === 'fail') ? 'fail' : 'inconclusive';
    return { says: 'pending', atDeadline, reasons: worst(opinions).reasons };
  }
  return opinions.length === 0 ? { says: 'pass', reasons: [] } : worst(opinions);
}

interface SignatureOpinion {
  readonly opinion: Opinion;
  /** The signature is missing and may still come. */
  readonly inGrace: boolean;
  readonly graceEnd: Date;
}

function evaluateSignature(evidence: Evidence, rule: PolicyRule, now: Date): SignatureOpinion {
  const graceEnd = new Date(evidence.firstSeenAt.getTime() + (rule.signature?.graceMilliseconds ?? 0));
  const plain = (opinion: Opinion): SignatureOpinion => ({ opinion, inGrace: false, graceEnd });
  const { signature } = evidence;
  if (signature.state === 'pending') {
    return plain({ says: 'pending', reasons: [{ code: 'VERIFICATION_PENDING', message: 'Not yet verified.' }] });
  }
  if (rule.signature === undefined || signature.outcome === 'verified' || evidence.coveredByIndex) {
    return plain({ says: 'pass', reasons: [] });
  }
  if (signature.outcome === 'not-required') {
    // Verified under a policy that asked for nothing, judged under one that asks: it has to be verified again.
    return plain({ says: 'pending', reasons: [{ code: 'VERIFICATION_PENDING', message: 'Not yet verified.' }] });
  }
  const reasons = [{ code: signature.code, message: signature.message }];
  if (signature.outcome === 'inconclusive') return plain({ says: 'inconclusive', reasons });
  if (now < graceEnd) return { opinion: { says: 'pending', reasons }, inGrace: true, graceEnd };
  return plain({ says: 'fail', reasons });
}
