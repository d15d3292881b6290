import type { PolicySource } from '../shared/config/load-policy.js';
import { AppError } from '../shared/error/app-error.js';
import type { Becomes, Change, PolicyDiffPage } from '../shared/pipeline/policy-diff.js';
import { clean } from './clean.js';
import { type Client, connectTo, patiently } from './client.js';
import { type Group, type Totals, createTotals, sumUp } from './policy-groups.js';

/** The policies that are compared. */
export interface DiffSources {
  /** Absent: the deployed one. */
  readonly before: PolicySource | undefined;
  readonly after: PolicySource;
}

/** How `diff` says something, and where it asks. */
export interface DiffOptions {
  readonly endpoint: string | undefined;
  readonly json: boolean;
  /** Tells how far it has come. */
  readonly note: (text: string) => void;
}

/** Compares two policies over the whole ledger; returns the exit code: 0 where nothing changes, 1 where something does. */
export async function diffPolicies(
  { before, after }: DiffSources,
  options: DiffOptions,
  print: (text: string) => void,
): Promise<number> {
  const client = await connectTo(undefined, options.endpoint);
  const body = { ...(before !== undefined && { old: before }), new: after };
  const totals = createTotals();
  const changes: Change[] = [];
  // Where nobody answers at first, nobody is there.
  let page = (await client.post('policyDiff', body)) as PolicyDiffPage;
  const { policies } = page;
  for (;;) {
    totals.add(page);
    // The groups are enough for a person; a program gets every digest.
    if (options.json) changes.push(...page.changes);
    if (page.after === null) break;
    if (!options.json) options.note(clean(`${count(totals.compared())} of about ${count(page.known)} digests so far`));
    page = await next(client, body, page);
  }
  const result = totals.result();
  print(options.json ? JSON.stringify({ policies, ...result, changes }) : describe(result));
  return result.changed + result.becomes['to-be-verified'] === 0 ? 0 : 1;
}

/** How often a page that is refused for the moment is asked for, and how long is waited in between. */
const MAX_TRIES = 4;
const RETRY_MILLISECONDS = 1000;

/** One page. Many have gone before it, so what may pass is asked for again. */
async function ask(client: Client, body: object): Promise<PolicyDiffPage> {
  const pauseOf = (tried: number) => RETRY_MILLISECONDS * tried;
  return (await patiently(() => client.post('policyDiff', body), { tries: MAX_TRIES, pauseOf })) as PolicyDiffPage;
}

/** The page behind this one. Throws `POLICY_CHANGED` where another policy has been deployed meanwhile. */
async function next(client: Client, body: object, { at, after, policies }: PolicyDiffPage): Promise<PolicyDiffPage> {
  const page = await ask(client, { ...body, at, after });
  if (page.policies.before !== policies.before)
    throw new AppError('POLICY_CHANGED', 'another policy was deployed meanwhile; ask again');
  if (JSON.stringify(page.after) === JSON.stringify(after))
    throw new AppError('REFUSED', 'the answers do not come to an end');
  return page;
}

const count = (number: number) => number.toLocaleString('en-US');

function describe(totals: Totals): string {
  const { becomes, earliest, compared, unreadable, limit, mode, groups } = totals;
  const would =
    mode === 'observe' ? 'would be quarantined at once, once enforcement is on' : 'would be quarantined at once';
  const later = becomes.later === 0 ? '0 later' : `${count(becomes.later)} from ${earliest ?? ''}`;
  const told = becomes.told === 0 ? '' : `; ${count(becomes.told)} change without a change in the registry`;
  return [
    `${count(totals.changed)} of ${count(compared)} digests change: ${count(becomes.quarantined)} ${would}, ${later}; ${count(becomes.released)} released${told}`,
    ...(becomes['to-be-verified'] === 0
      ? []
      : [`${count(becomes['to-be-verified'])} more depend on signatures that have never been looked for`]),
    ...(unreadable === 0 ? [] : [`${count(unreadable)} cannot be told: their stored reports cannot be read`]),
    ...(becomes.quarantined > limit
      ? [`the brake lets ${count(limit)} an hour through, and holds the rest until somebody lets go`]
      : []),
    ...groups.flatMap((group) => ['', ...describeGroup(group)]),
  ]
    .map(clean)
    .join('\n');
}

const BECOMES: Readonly<Record<Becomes, string>> = {
  quarantined: 'quarantined at once',
  later: 'quarantined later',
  released: 'released',
  'to-be-verified': 'to be verified first',
  told: 'nothing changes in the registry',
};

function describeGroup({ change, count: size, examples, earliest }: Group): readonly string[] {
  const { before, after, unsigned } = change;
  const when = earliest === undefined ? '' : `, the first at ${earliest}`;
  return [
    `${count(size)} × ${sumUp(before)} → ${sumUp(after)}: ${BECOMES[change.becomes]}${when}`,
    ...(unsigned === undefined
      ? []
      : [`  unsigned  ${sumUp(unsigned.before)} → ${sumUp(unsigned.after)}; the line above is for what is signed`]),
    `  rule      ${rule(before)} → ${rule(after)}`,
    ...examples.map((reference) => `  ${reference}`),
    ...(size > examples.length ? [`  and ${count(size - examples.length)} more`] : []),
  ];
}

function rule({ rule: { index, registry, repository } }: Change['before']): string {
  return `rules[${index}] ${repository}${registry === null ? '' : ` in ${registry}`}`;
}
