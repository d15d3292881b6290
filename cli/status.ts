import { parseReference } from '../shared/artifact/reference.js';
import { AppError } from '../shared/error/app-error.js';
import { MAX_WAIT_SECONDS, type Status } from '../shared/pipeline/lookup.js';
import { clean } from './clean.js';
import { type Client, connect } from './client.js';
import { spanOf } from './span.js';

/** Exit codes by verdict. */
export const VERDICT_EXIT: Readonly<Record<Status['verdict'], number>> = {
  pass: 0,
  fail: 1,
  inconclusive: 2,
  pending: 2,
  unknown: 3,
};
const RETRY_MILLISECONDS = 1000;

/** What `status` is asked. */
export interface StatusOptions {
  readonly reference: string;
  readonly waitSeconds: number;
  readonly endpoint: string | undefined;
  readonly json: boolean;
}

/** Prints what is known of an image; returns the exit code. */
export async function status(options: StatusOptions, print: (text: string) => void): Promise<number> {
  const client = await connect(parseReference(options.reference), options.endpoint);
  const found = await waitFor(client, options.reference, options.waitSeconds);
  print(options.json ? JSON.stringify(found) : describe(found));
  return VERDICT_EXIT[found.verdict];
}

/** Asks until the verdict is final and applied, or the time is over. */
export async function waitFor(client: Client, reference: string, waitSeconds: number): Promise<Status> {
  const until = Date.now() + waitSeconds * 1000;
  for (;;) {
    const left = Math.max((until - Date.now()) / 1000, 0);
    try {
      const wait = String(Math.min(left, MAX_WAIT_SECONDS - 5));
      const found = (await client.get('verdict', { reference, wait })) as Status;
      if (found.settled || Date.now() >= until) return found;
    } catch (error) {
      // A host that is being restarted is waited for like everything else.
      if (!(error instanceof AppError) || !error.retryable || Date.now() + RETRY_MILLISECONDS >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
  }
}

const MAX_LISTED = 25;

/** Why nothing is done, for people. */
export function whyWithheld(withheld: NonNullable<Status['enforcement']['withheld']>): string {
  if (withheld.because === 'change') return `until ${withheld.until}: it has passed before`;
  if (withheld.because === 'reserved') return 'the repository is reserved: Lazaret or the cluster depends on it';
  if (withheld.because === 'brake') return 'the brake is on; see lazaret brake';
  return withheld.because === 'existing' ? 'it is older than this installation' : 'enforcement is off';
}

/** Who has released it, when, for how long and why, for people. */
export function whoReleased({ by, reason, at, until }: NonNullable<Status['enforcement']['release']>): string {
  return clean(`by ${by} at ${at}${until === undefined ? '' : ` until ${until}`}: ${reason}`);
}

function ageLines({ age, rescan }: Pick<Status, 'age' | 'rescan'>): string[] {
  return [
    ...(age === null ? [] : [`  age          scan ${spanOf(age.scan)}, vulnerability data ${spanOf(age.database)}`]),
    ...(rescan?.state === 'open' ? [`  rescan       asked for at ${rescan.at}`] : []),
    ...(rescan?.state === 'failed'
      ? [`  rescan       failed at ${rescan.at}, is tried again: ${clean(rescan.code)}: ${clean(rescan.message)}`]
      : []),
  ];
}

function describe(found: Status): string {
  const { findings, enforcement, signature } = found;
  const counts = (['critical', 'high', 'medium', 'low', 'unknown'] as const).map((name) => `${findings[name]} ${name}`);
  const operations = enforcement.operations.map(
    ({ kind, tag, outcome }) => `${kind}${tag === undefined ? '' : ` ${tag}`} (${outcome})`,
  );
  const lines = [
    `${found.verdict.toUpperCase()}  ${clean(found.reference)}`,
    ...(found.digest === null ? [] : [`  digest       ${found.digest}`]),
    ...(enforcement.tagRemoved ? ['  tag          removed by quarantine; this is what it pointed to'] : []),
    ...found.reasons.map(({ code, message }) => `  because      ${clean(code)}: ${clean(message)}`),
    `  findings     ${counts.join(', ')}`,
    ...findings.list
      .slice(0, MAX_LISTED)
      .map(
        (finding) =>
          `    ${finding.severity.padEnd(8)} ${clean(finding.id)}  ${clean(finding.package)} ${clean(finding.installed)} → ${clean(finding.fixed ?? 'no fix yet')}`,
      ),
    ...(findings.list.length > MAX_LISTED
      ? [`    and ${findings.list.length - MAX_LISTED} more; all with --json`]
      : []),
    ...found.secrets.slice(0, MAX_LISTED).map(({ rule, path }) => `    SECRET   ${clean(rule)} in ${clean(path)}`),
    `  signature    ${clean(signature.state)}${signature.message === undefined ? '' : `: ${clean(signature.message)}`}`,
    ...(signature.found ?? []).map(
      ({ kind, digest, outcome, code, message }) =>
        `    ${clean(outcome).padEnd(12)} ${clean(kind)} ${clean(digest).slice(0, 19)}  ${clean(code)}: ${clean(message)}`,
    ),
    ...found.platforms.map(({ platform, verdict }) => `  platform     ${clean(platform)}: ${verdict}`),
    `  enforcement  ${enforcement.state}${operations.length === 0 ? '' : `: ${operations.map(clean).join(', ')}`}`,
    ...(enforcement.withheld === null ? [] : [`  withheld     ${whyWithheld(enforcement.withheld)}`]),
    ...(enforcement.release === null ? [] : [`  released     ${whoReleased(enforcement.release)}`]),
    ...ageLines(found),
    ...found.marks.map(({ kind, digest }) => `  mark         ${kind} ${digest}`),
    ...Object.entries(found.times).map(([name, at]) => `  ${name.padEnd(12)} ${at}`),
  ];
  return lines.join('\n');
}
