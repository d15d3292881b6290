import type { Condition, Conditions, SignatureCondition } from './condition.js';
import { worst } from './condition.js';
import { scanConditions } from './evaluate-scan.js';
import type { ChildEvidence, Evidence } from './evidence.js';
import type { Policy, PolicyRule, SignatureRule } from './policy.js';

/** How many platforms an index's reason names. */
const MAX_NAMED_PLATFORMS = 10;

/** Judges every condition of `rule` by itself, at `now`. Pure. */
export function conditionsOf(
  evidence: Evidence,
  { rule, policy }: { readonly rule: PolicyRule; readonly policy: Policy },
  now: Date,
): Conditions {
  return {
    content:
      evidence.kind === 'index'
        ? [platforms(evidence.children)]
        : scanConditions(evidence.scan ?? { state: 'pending' }, rule),
    signature: signature(evidence, rule, now),
    deadline: new Date(evidence.firstSeenAt.getTime() + policy.deadlineMilliseconds),
  };
}

function platforms(children: readonly ChildEvidence[]): Condition {
  const name = 'platforms';
  if (children.length === 0) {
    const reasons = [{ code: 'INDEX_EMPTY', message: 'The index holds no platform.' }];
    return { name, says: 'inconclusive', reasons };
  }
  const opinions = (['fail', 'inconclusive', 'pending'] as const).flatMap((says) => {
    const those = children.filter(({ verdict }) => verdict === says);
    if (those.length === 0) return [];
    const names = those.slice(0, MAX_NAMED_PLATFORMS).map(({ platform }) => platform);
    const more = those.length > names.length ? ` and ${those.length - names.length} more` : '';
    const code = says === 'fail' ? 'PLATFORM_FAILS' : says === 'pending' ? 'PLATFORM_PENDING' : 'PLATFORM_INCONCLUSIVE';
    return [{ says, reasons: [{ code, message: `${says}: ${names.join(', ')}${more}.` }] }];
  });
  if (opinions.length === 0) return { name, says: 'pass', reasons: [] };
  const all = worst(opinions);
  // A platform that fails does not end the wait for the others: each is judged before the index is locked.
  if (opinions.some(({ says }) => says === 'pending')) {
    const atDeadline = opinions.some(({ says }) => says === 'fail') ? 'fail' : 'inconclusive';
    return { name, says: 'pending', atDeadline, reasons: all.reasons };
  }
  return { name, ...all };
}

function signature(evidence: Evidence, rule: PolicyRule, now: Date): Conditions['signature'] {
  const found = evidence.signature;
  const byIndex = evidence.coveredByIndex && rule.signature?.fromIndex !== 'refuse';
  const asks = rule.signature?.require;
  const graceEnd = new Date(evidence.firstSeenAt.getTime() + (rule.signature?.graceMilliseconds ?? 0));
  const signers = rule.signature === undefined ? [] : signersOf(rule.signature);
  const condition = (
    says: Condition['says'],
    reasons: Condition['reasons'],
    seen: Pick<SignatureCondition, 'outcome' | 'code'> & { readonly inGrace?: boolean },
  ) => ({
    name: 'signature' as const,
    ...(asks !== undefined && { asks }),
    says,
    reasons,
    signature: { inGrace: false, ...seen, signers, byIndex, graceEnd },
  });
  const notYet = [{ code: 'VERIFICATION_PENDING', message: 'Not yet verified.' }];
  if (found.state === 'pending') return condition('pending', notYet, { outcome: 'pending' });
  const { outcome, code, message } = found;
  if (asks === undefined) return condition('off', [], { outcome, code });
  if (outcome === 'verified' || byIndex) return condition('pass', [], { outcome, code });
  // Verified under a policy that asked for nothing, judged under one that asks: it has to be verified again.
  if (outcome === 'not-required') return condition('pending', notYet, { outcome: 'pending' });
  const reasons = [{ code, message }];
  if (outcome === 'inconclusive') return condition('inconclusive', reasons, { outcome, code });
  if (now < graceEnd) return condition('pending', reasons, { outcome, code, inGrace: true });
  return condition('fail', reasons, { outcome, code });
}

/** Who may have signed, for people. */
function signersOf({ cosign, notation }: SignatureRule): readonly string[] {
  return [
    ...(cosign?.keys ?? []),
    ...(cosign?.identities ?? []).map(
      ({ issuer, issuerPattern, subject, subjectPattern }) =>
        `${subject ?? `pattern ${subjectPattern ?? ''}`} of ${issuer ?? `pattern ${issuerPattern ?? ''}`}`,
    ),
    ...(notation === undefined ? [] : [`Notation's ${notation.config}`]),
  ];
}
