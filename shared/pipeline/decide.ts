import type { ArtifactKey, Place } from '../artifact/reference.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { Decision } from '../policy/decision.js';
import { evaluate } from '../policy/evaluate.js';
import type { Policy } from '../policy/policy.js';
import { type EnforceDeps, enforce, overtakenTags } from './enforce.js';
import { basisOf, causeOf } from './brake.js';
import type { LedgerEntry, Survey } from './entry.js';
import { LAZARET, type Log, type Send } from './effects.js';
import { type GatherDeps, type Gathered, gather } from './gather.js';
import { mark } from './mark.js';
import type { MarkDeps } from './mark-referrer.js';
import { type NewsContext, findNews } from './news.js';
import { type NotifyDeps, queueAlert, storeAlert } from './notify.js';
import { putRecord } from './record.js';
import { hasMoved, replaceRecorded } from './record-change.js';
import { isSameJson } from './same.js';
import { isNewer, isUnfinished } from './survey.js';
import { isOutdated } from './verify.js';
import { decideAt } from './wake.js';

/** What {@link decide} needs. */
export interface DecideDeps extends EnforceDeps, GatherDeps, MarkDeps {
  readonly policy: Policy;
  readonly log: Log;
  readonly send: Send;
  readonly link: NewsContext['link'];
  readonly store: EnforceDeps['store'] & NotifyDeps['store'];
  readonly reports: GatherDeps['reports'];
  readonly registry: EnforceDeps['registry'] & MarkDeps['registry'];
  readonly ledger: EnforceDeps['ledger'] &
    GatherDeps['ledger'] &
    MarkDeps['ledger'] & {
      update: (key: ArtifactKey, change: (entry: LedgerEntry) => LedgerEntry | undefined) => Promise<unknown>;
      updateSurvey: (place: Place, change: (current: Survey | undefined) => Survey) => Promise<void>;
    };
}

/**
 * Decides one digest from all that is known of it, and brings the registry to it. Reads first, then decides without any
 * effect, then acts. Throws `LEDGER_CONFLICT` (retryable) when somebody else moved the ledger meanwhile. `deadline`: only
 * time asks, and where all is done already the registry is not asked again.
 */
export async function decide(key: ArtifactKey, deps: DecideDeps, { deadline = false } = {}): Promise<void> {
  const found = await deps.ledger.read(key);
  if (found === undefined || found.entry.goneAt !== undefined) return;
  const { entry, version } = found;
  if (hasEnded(entry.release, deps.clock())) {
    await endRelease(entry, { ...deps, version });
    return decide(key, deps);
  }
  if (deadline && !isUnfinished(entry)) return;
  if (entry.owed !== undefined) {
    // Whoever recorded it may have died before it was told.
    await tellOwed(entry, entry.owed, deps);
    return decide(key, deps);
  }
  const gathered = await gather(entry, deps);
  // Another policy may trust other keys: what was verified under an earlier one is verified again before it counts.
  const outdated = [entry, ...gathered.parents].filter((each) => isOutdated(each, deps.policy));
  if (outdated.length > 0) {
    for (const each of outdated) await askForVerification(each.key, deps);
    return;
  }
  const now = deps.clock();
  const decision = evaluate(gathered.evidence, deps.policy, now);
  if (decision.verdict === 'pending') {
    await hold(entry, { version, decision, now }, deps);
    return;
  }
  // Marks come before locks: what is locked should carry its report.
  const [marked, overtaken] = await Promise.all([
    mark({ entry, version, report: gathered.report, platforms: gathered.platforms }, deps),
    overtakenTags(entry, deps),
  ]);
  const { marks } = marked;
  const first = gathered.report?.findings.find(({ id }) => id === decision.crossing[0]);
  const enforced = await enforce(
    {
      entry: { ...entry, marks, drafts: undefined },
      version: marked.version,
      decision,
      overtaken,
      package: first?.package,
    },
    deps,
  );
  if (enforced.gone) {
    await deps.ledger.replace({ ...entry, goneAt: deps.clock().toISOString() }, marked.version);
    return;
  }
  await settle({ entry, gathered, decision, now, marks, ...enforced }, deps);
}

/** Ends in a decision: `verify` asks for one when it is done. */
async function askForVerification(key: ArtifactKey, deps: DecideDeps): Promise<void> {
  const since = deps.clock().toISOString();
  await deps.send(QUEUES.verify, { v: MESSAGE_VERSION, key, attempt: 0, since, again: false });
}

type StoredDecision = NonNullable<LedgerEntry['decision']>;

interface Settling {
  readonly entry: LedgerEntry;
  readonly gathered: Gathered;
  readonly decision: Decision;
  /** When it was decided. */
  readonly now: Date;
  readonly marks: LedgerEntry['marks'];
  readonly enforcement: LedgerEntry['enforcement'];
  readonly version: string;
}

/** Records what is decided, and what is owed for it, and then tells it: a crash between repeats, and loses nothing. */
async function settle(settling: Settling, deps: DecideDeps): Promise<void> {
  const { entry, decision, now, marks, enforcement, version } = settling;
  const at = deps.clock().toISOString();
  const failing = failingOf(entry, decision, now);
  const stored = { ...toStored(decision), ...(entry.scan.state === 'done' && { basis: basisOf(entry.scan) }) };
  const after: LedgerEntry = {
    ...entry,
    failing,
    decision: stored,
    decidedAt: sameDecision(entry.decision, decision) ? (entry.decidedAt ?? at) : at,
    settledAt: at,
    marks,
    drafts: undefined,
    enforcement,
    ...(decision.verdict === 'pass' && { passedAt: entry.passedAt ?? at }),
  };
  const news = findNews(entry, after, { report: settling.gathered.report, link: deps.link });
  const alertId = news && (await storeAlert(news.alert, news.identity, deps));
  const alerted =
    news?.alerted ??
    entry.alerted ??
    (decision.verdict === 'pass' ? { verdict: decision.verdict, crossing: [], state: enforcement.state } : undefined);
  const flipped = entry.decision?.verdict !== decision.verdict;
  const told: LedgerEntry = { ...after, ...(alerted && { alerted }) };
  const recorded = flipped || news !== undefined || hasMoved(entry.enforcement, enforcement);
  const detail = { reasons: decision.reasons, policy: decision.policy, rule: decision.rule };
  // Both are written down before the ledger, and side by side: a push waits for them.
  await Promise.all([
    flipped && deps.journal({ key: entry.key, what: `verdict-${decision.verdict}`, who: LAZARET, detail }),
    recorded && putRecord(told, { because: 'settled' }, deps),
  ]);
  const settled = entry.settledAt !== undefined && !isNewer(entry, entry.settledAt);
  const unchanged = !flipped && news === undefined && sameDecision(entry.decision, decision) && settled;
  if (unchanged && enforcement === entry.enforcement && marks === entry.marks) return;
  await wakeAtEnd(entry, decision, deps);
  const parents = (flipped || marks !== entry.marks || !settled) && entry.parents.length > 0;
  const owed = alertId === undefined && !parents ? undefined : { ...(alertId !== undefined && { alertId }), parents };
  const next = { ...told, ...(owed && { owed }) };
  await (recorded ? replaceRecorded(next, version, deps) : deps.ledger.replace(next, version));
  if (entry.decision === undefined) deps.log('info', 'decided', { verdict: decision.verdict, seconds: age(entry, at) });
  if (enforcement.state === 'quarantined' && entry.enforcement.state !== 'quarantined') await guard(entry, at, deps);
  if (owed !== undefined) await tellOwed(entry, owed, deps);
}

/** How long the first verdict took from its push, in seconds: what waits too long is told by the platform's alerts. */
function age({ pushedAt }: LedgerEntry, at: string): number {
  return Math.round((Date.parse(at) - Date.parse(pushedAt)) / 1000);
}

/** What is locked is looked at every hour from now on: no source says that a registry tells of an unlock. */
async function guard({ key: { registry, repository } }: LedgerEntry, at: string, deps: DecideDeps): Promise<void> {
  const place = { registry, repository };
  await deps.ledger.updateSurvey(place, (current) => ({ ...(current ?? { ...place, recovered: 0 }), guardedAt: at }));
}

/** A release for a time is over when the time is: what stood against the digest stands against it again. */
async function endRelease(entry: LedgerEntry, deps: DecideDeps & { readonly version: string }): Promise<void> {
  const { key, release } = entry;
  const why = `it was for a time, by ${release?.by ?? 'nobody'}`;
  const id = `release-ended-${key.repository}-${key.digest}-${release?.at ?? ''}`;
  await deps.journal({ key, what: 'release-ended', who: LAZARET, why, id });
  // Not settled any more: should this end here, a sweep asks again.
  await deps.ledger.replace({ ...entry, release: undefined, settledAt: undefined }, deps.version);
}

function hasEnded(release: LedgerEntry['release'], now: Date): boolean {
  return release?.until !== undefined && now >= new Date(release.until);
}

function failingOf(entry: LedgerEntry, decision: Decision, now: Date): LedgerEntry['failing'] {
  if (decision.verdict === 'pass' || entry.passedAt === undefined) return undefined;
  if (decision.verdict !== 'fail') return entry.failing;
  return entry.failing ?? { since: now.toISOString(), cause: causeOf(entry, decision) };
}

/** What is withheld until a time is decided again then. */
async function wakeAtEnd(entry: LedgerEntry, { withheld }: Decision, deps: DecideDeps): Promise<void> {
  if (withheld?.because !== 'change') return;
  const before = entry.decision?.withheld;
  if (before?.because === 'change' && before.until === withheld.until) return;
  await decideAt(withheld.until, entry.key, deps);
}

/**
 * A card cannot be called back, and an index that looks again must find the new verdict: so both are told when it is
 * recorded, and what was recorded is told for certain.
 */
async function tellOwed(entry: LedgerEntry, owed: NonNullable<LedgerEntry['owed']>, deps: DecideDeps): Promise<void> {
  if (owed.parents) await askParents(entry, deps);
  if (owed.alertId !== undefined) await queueAlert(owed.alertId, deps);
  await deps.ledger.update(entry.key, (current) =>
    current.owed !== undefined && isSameJson(current.owed, owed) ? { ...current, owed: undefined } : undefined,
  );
}

/** How close to its end a wait is scheduled anew: the timers of two machines differ. */
const REMINDER_SLACK_MILLISECONDS = 60_000;

/** How long before the end of a wait it is decided once more, where a signature is missing: within the slack. */
const LAST_LOOK_MILLISECONDS = 30_000;

/**
 * Not yet: remembers why, and comes back when the wait is over. A signature that is waited for is looked for once more
 * before that: its own event may never come.
 */
async function hold(
  entry: LedgerEntry,
  { version, decision, now }: { readonly version: string; readonly decision: Decision; readonly now: Date },
  deps: DecideDeps,
): Promise<void> {
  const { waitUntil } = decision;
  const end = waitUntil === undefined ? now.getTime() : new Date(waitUntil).getTime();
  const remaining = end - now.getTime();
  const message = { v: MESSAGE_VERSION, key: entry.key, attempt: 0, since: now.toISOString() };
  const comeBack = (milliseconds: number) =>
    deps.send(QUEUES.decide, message, { delaySeconds: Math.max(Math.ceil(milliseconds / 1000), 1) });
  const isNew = entry.decision?.waitUntil !== waitUntil;
  if (isNew || remaining < REMINDER_SLACK_MILLISECONDS) await comeBack(remaining);
  const lookedAt = lastLookForSignature(entry);
  if (lookedAt !== undefined && remaining >= REMINDER_SLACK_MILLISECONDS && isNew) {
    await comeBack(remaining - LAST_LOOK_MILLISECONDS);
  }
  if (
    lookedAt !== undefined &&
    remaining < REMINDER_SLACK_MILLISECONDS &&
    lookedAt < end - REMINDER_SLACK_MILLISECONDS
  ) {
    await deps.send(QUEUES.verify, { ...message, again: true });
  }
  if (sameDecision(entry.decision, decision)) return;
  await deps.ledger.replace({ ...entry, decision: toStored(decision), decidedAt: now.toISOString() }, version);
  if (entry.decision?.verdict !== decision.verdict) await askParents(entry, deps);
}

async function askParents(entry: LedgerEntry, deps: DecideDeps): Promise<void> {
  const since = deps.clock().toISOString();
  for (const digest of entry.parents) {
    await deps.send(QUEUES.decide, { v: MESSAGE_VERSION, key: { ...entry.key, digest }, attempt: 0, since });
  }
}

function toStored(decision: Decision): StoredDecision {
  return { ...decision, reasons: [...decision.reasons], crossing: [...decision.crossing] };
}

function sameDecision(stored: LedgerEntry['decision'], decision: Decision): boolean {
  return stored !== undefined && isSameJson({ ...stored, basis: undefined }, decision);
}

/** When a signature was last looked for in vain; undefined where there is one, or none is asked for. */
function lastLookForSignature({ signature }: LedgerEntry): number | undefined {
  if (signature.state !== 'done' || signature.outcome === 'verified' || signature.outcome === 'not-required')
    return undefined;
  return new Date(signature.at).getTime();
}
