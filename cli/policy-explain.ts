import { parseReference } from '../shared/artifact/reference.js';
import type { ExplainedCondition, Explanation } from '../shared/pipeline/explain.js';
import { clean } from './clean.js';
import { connect } from './client.js';
import { VERDICT_EXIT, whoReleased, whyWithheld } from './status.js';

/** Prints how the deployed policy comes to what it says of an artifact; returns the exit code, as `status` has them. */
export async function explainPolicy(
  reference: string,
  { endpoint, json }: { readonly endpoint: string | undefined; readonly json: boolean },
  print: (text: string) => void,
): Promise<number> {
  const client = await connect(parseReference(reference), endpoint);
  const found = (await client.get('explain', { reference })) as Explanation;
  print(json ? JSON.stringify(found) : describe(found));
  return VERDICT_EXIT[found.verdict];
}

const MARKS: Readonly<Record<ExplainedCondition['says'], string>> = {
  pass: 'ok',
  fail: 'FAILS',
  inconclusive: 'UNCLEAR',
  pending: 'waits',
  off: 'off',
  unknown: '?',
};

/** How many rules that do not match are printed. */
const MAX_RULES = 10;

function place({ registry, repository }: { readonly registry: string | null; readonly repository: string }): string {
  return registry === null ? repository : `${repository} in ${registry}`;
}

function describe(found: Explanation): string {
  const { rule, conditions, platforms, recorded, verdict } = found;
  const passedOver = rule.passedOver.slice(0, MAX_RULES);
  const more = rule.passedOver.length - passedOver.length + rule.passedOverMore;
  return [
    clean(`${verdict.toUpperCase()}  ${found.reference}`),
    `  policy       ${clean(found.policy)}`,
    ...passedOver.map((each) => clean(`  no match     rules[${each.index}]: ${place(each)} (another ${each.because})`)),
    ...(more === 0 ? [] : [`  no match     and ${more} more`]),
    clean(`  matches      rules[${rule.index}]: ${place(rule)}`),
    ...conditions.flatMap(describeCondition),
    ...platforms.map(({ platform, digest, verdict: own }) => clean(`    ${own.padEnd(12)} ${platform} ${digest}`)),
    `  deadline     ${clean(found.deadline)}${found.waitUntil === null ? '' : `; decided again by ${clean(found.waitUntil)}`}`,
    ...found.reasons.map(({ code, message }) => `  because      ${clean(code)}: ${clean(message)}`),
    ...(recorded === verdict ? [] : [`  recorded     ${clean(recorded)}, until it is decided again`]),
    ...describeAction(found),
  ].join('\n');
}

function describeCondition({ name, asks, says, findings, signature, reasons }: ExplainedCondition): string[] {
  const own = name === 'signature' && signature !== null ? [describeSignature(signature)] : [];
  const count = findings === null ? [] : [`reached by ${findings.total}`];
  const words = [...own, ...count, ...(own.length + count.length > 0 ? [] : reasons.map(({ message }) => message))];
  const head = `  ${MARKS[says].padEnd(12)} ${name}${asks === null ? '' : `: ${asks}`}`;
  const list = findings?.list ?? [];
  const left = (findings?.total ?? 0) - list.length;
  return [
    clean(words.length === 0 ? head : `${head} — ${words.join(' ')}`),
    ...list.map((finding) =>
      clean(
        `    ${finding.severity.padEnd(8)} ${finding.id}  ${finding.package} ${finding.installed} → ${finding.fixed ?? 'no fix yet'}`,
      ),
    ),
    ...(left > 0 ? [`    and ${left} more; see lazaret status`] : []),
  ];
}

function describeSignature(found: NonNullable<ExplainedCondition['signature']>): string {
  const { signers, outcome, code, byIndex, graceEnd, inGrace, outdated } = found;
  return [
    signers.length === 0 ? '' : `by ${signers.slice(0, 5).join(' or ')}${signers.length > 5 ? ' or others' : ''}, `,
    `${outcome}${code === null ? '' : ` (${code})`}`,
    byIndex ? '; an index that holds it is signed' : '',
    signers.length === 0 ? '' : `; may come until ${graceEnd}${inGrace ? '' : ', which is over'}`,
    outdated ? '; judged anew, since the last verification was made under another policy' : '',
  ].join('');
}

function describeAction(found: Explanation): readonly string[] {
  const { because, action, effect, withheld, mode, release, enforcement } = found;
  const nothing = found.verdict === 'pass' || found.verdict === 'pending';
  const chosen = nothing
    ? 'nothing is asked for'
    : `${action}, by ${because === 'push' ? 'onPush: it has never passed' : 'onChange: it has passed before'}`;
  const held = nothing ? undefined : (withheld ?? enforcement.withheld);
  const stays = effect === 'stays' ? '; a quarantine in force is lifted by a pass or a release alone' : '';
  return [
    `  action       ${chosen}`,
    ...(held === undefined ? [] : [clean(`  withheld     ${whyWithheld(held)}`)]),
    ...(mode === 'observe' && held?.because !== 'observe' ? ['  mode         observe: nothing is enforced'] : []),
    `  enforcement  ${clean(enforcement.state)}${stays}`,
    ...(release === null ? [] : [`  released     ${whoReleased(release)}`]),
  ];
}
