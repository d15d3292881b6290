import type { Digest } from '../artifact/digest.js';
import type { Tag } from '../artifact/tag.js';
import type { Attributes, EnforcementMode } from '../policy/operation.js';
import { operationName } from '../policy/plan.js';
import { isOlder } from './age.js';
import type { Enforcement, LedgerEntry, TagEntry } from './entry.js';
import { MAX_RETRY_MILLISECONDS } from './deliver.js';
import { isOvertakenRow } from './overtaken.js';
import { isStale, openScanOf } from './scan-state.js';
import { dueAt } from './wake.js';

/** A manifest as a registry lists it. */
export interface ListedManifest {
  readonly digest: Digest;
  readonly attributes: Attributes;
  readonly tags: readonly Tag[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What has to be done so that registry and ledger agree. Each is a request to the step that does it anyway. */
export type Repair =
  /** The ledger has never heard of it, or thought it gone: as if its event had come. */
  | { readonly kind: 'receive'; readonly digest: Digest }
  /** Its scan got lost: ask again, under the same id. */
  | { readonly kind: 'scan'; readonly digest: Digest }
  /** Its scan was poisoned: ask for a new one. */
  | { readonly kind: 'rescan'; readonly digest: Digest }
  /** Its scan is old, or failed by what may have passed: ask for a newer one, and go by the old one until then. */
  | { readonly kind: 'refresh'; readonly digest: Digest }
  /** It was locked before its scan was done: open it for the time of a scan. */
  | { readonly kind: 'reopen'; readonly digest: Digest }
  | { readonly kind: 'verify'; readonly digest: Digest }
  | { readonly kind: 'decide'; readonly digest: Digest }
  /** A mark of ours is not there any more: forget it, and decide, which makes it again. */
  | { readonly kind: 'marks'; readonly digest: Digest }
  /** The registry does not hold it any more. */
  | { readonly kind: 'gone'; readonly digest: Digest };

/** What is known besides the one manifest. */
export interface SurveyContext {
  readonly now: Date;
  /** How long a decision waits for its results, in milliseconds. */
  readonly deadlineMilliseconds: number;
  /** How old a scan may be before its verdict counts as aged, in milliseconds. */
  readonly maxAgeMilliseconds: number;
  readonly mode: EnforcementMode;
  /** Whether the brake is on. */
  readonly braked: boolean;
  /** The policy in force. */
  readonly policy: Digest;
  /** Whether a queue is empty, so that a message which should be on it is lost for certain. */
  readonly idle: { readonly scan: boolean; readonly verify: boolean };
  /** Digests that the registry lists; undefined where only a part was looked at. */
  readonly present: ReadonlySet<string> | undefined;
}

const MINUTE = 60_000;
/** A message that is this old, on an empty queue, is lost. Well before the usual deadline of a decision. */
const LOST_MILLISECONDS = 10 * MINUTE;
/** After a failure a request waits elsewhere, for up to an hour, before it is on its queue again. */
const RETRY_MILLISECONDS = 60 * MINUTE;
/** A message that is this old is lost, whatever else is on the queue. */
const LOST_ANYWAY_MILLISECONDS = 26 * 60 * MINUTE;
/** How long a decision that is due, or changes that have begun, may take. */
export const LATE_MILLISECONDS = 10 * MINUTE;
/** How often a digest is opened for a scan that never came, and how long after the first and the later times. */
const MAX_REOPENED = 3;
const REOPEN_MILLISECONDS = 60 * MINUTE;
const REOPEN_FACTOR = 6;
/** How long what was poisoned, or given up after a day of tries, is left alone. */
const POISONED_MILLISECONDS = 60 * MINUTE;
/** How often a signature that is missing is looked for without anybody having told of it. */
const UNSIGNED_MILLISECONDS = 24 * 60 * MINUTE;

/** What a manifest that the ledger knows as `entry` needs; undefined where all is as it should be. Pure. */
export function findRepair(
  found: ListedManifest,
  entry: LedgerEntry,
  context: SurveyContext,
): Repair['kind'] | undefined {
  if (entry.goneAt !== undefined) return 'receive';
  const evidence = evidenceRepair(found, entry, context);
  if (evidence !== undefined) return evidence;
  if (isUndecided(entry, context)) return 'decide';
  if (context.present !== undefined && entry.marks.some(({ digest }) => !context.present?.has(digest))) return 'marks';
  if (isUndone(found, entry, context)) return 'decide';
  if (isDue(entry, context) || isOutOfPolicy(entry, context)) return 'decide';
  // Last, for it is asked day after day, and must not keep anything else waiting.
  if (isUnsigned(entry, context.now)) return 'verify';
  // What is locked cannot be pulled, by us neither.
  return found.attributes.readEnabled && isStale(entry, context) ? 'refresh' : undefined;
}

function evidenceRepair(
  { attributes }: ListedManifest,
  entry: LedgerEntry,
  { now, idle }: SurveyContext,
): Repair['kind'] | undefined {
  const { scan, signature } = entry;
  const open = openScanOf(entry);
  const isLost = (since: string, empty: boolean) =>
    isOlder(since, now, empty ? LOST_MILLISECONDS : LOST_ANYWAY_MILLISECONDS);
  const poisonedScan = scan.state === 'failed' && scan.code === 'POISONED';
  if ((scan.state === 'open' || poisonedScan) && !attributes.readEnabled && isLockedByUs(entry)) {
    // Our lock keeps every scan out, so it has to be lifted for one; and it is not lifted again and again.
    if (mayReopen(entry, now) && idle.scan) return 'reopen';
  } else if (open !== undefined) {
    const asked = open.enqueuedAt ?? open.requestedAt;
    const waits = open.failures > 0 && !isOlder(asked, now, LOST_MILLISECONDS + RETRY_MILLISECONDS);
    if (!waits && isLost(asked, idle.scan)) return 'scan';
  } else if (poisonedScan && isOlder(scan.finishedAt, now, POISONED_MILLISECONDS)) {
    return 'rescan';
  }
  if (signature.state === 'open' && isLost(signature.enqueuedAt ?? signature.requestedAt, idle.verify)) return 'verify';
  const poisoned = signature.state === 'done' && signature.code === 'POISONED';
  return poisoned && isOlder(signature.at, now, POISONED_MILLISECONDS) ? 'verify' : undefined;
}

/** What was withheld is to be done now, since time has passed or people have switched it on; or a release is over. */
function isDue(entry: LedgerEntry, { now, mode, braked }: SurveyContext): boolean {
  const { state, withheld } = entry.enforcement;
  // What was withheld before its reason was written down was withheld in observe mode.
  if (state === 'withheld' && (withheld?.because ?? 'observe') === 'observe' && mode === 'enforce') return true;
  if (state === 'withheld' && withheld?.because === 'brake' && !braked) return true;
  const due = dueAt(entry);
  return due !== undefined && isOlder(due, now, LATE_MILLISECONDS);
}

/** It was judged under another policy than that in force. */
export function isOutOfPolicy({ decision }: LedgerEntry, { policy }: Pick<SurveyContext, 'policy'>): boolean {
  return decision !== undefined && decision.verdict !== 'pending' && decision.policy !== policy;
}

/** A signature that came after it was missed may have gone unheard of. */
function isUnsigned({ signature }: LedgerEntry, now: Date): boolean {
  if (signature.state !== 'done' || signature.outcome === 'verified' || signature.outcome === 'not-required')
    return false;
  return isOlder(signature.at, now, UNSIGNED_MILLISECONDS);
}

/** Whether a digest that was locked before its scan was done may be opened for one, again. */
export function mayReopen({ scan, reopened = 0 }: LedgerEntry, now: Date): boolean {
  if (scan.state !== 'open' && scan.state !== 'failed') return false;
  return reopened < MAX_REOPENED && isOlder(scan.requestedAt, now, REOPEN_MILLISECONDS * REOPEN_FACTOR ** reopened);
}

/** Whether time alone may show that something of this entry got lost; the registry need not change for it. */
export function isUnfinished(entry: LedgerEntry): boolean {
  const { scan, signature, decision, enforcement, settledAt, reopened = 0 } = entry;
  if (entry.goneAt !== undefined) return false;
  const awaits = scan.state === 'open' || (scan.state === 'failed' && scan.code === 'POISONED');
  if (awaits && (!isLockedByUs(entry) || reopened < MAX_REOPENED)) return true;
  if (signature.state === 'open' || signature.code === 'POISONED' || entry.rescan?.state === 'open') return true;
  if (decision === undefined || decision.verdict === 'pending' || decision.gaveUp === true) return true;
  // A release, or evidence that came later, is not carried out until it has been decided on.
  const released = entry.release !== undefined && enforcement.state === 'quarantined';
  if (released || isNewer(entry, settledAt)) return true;
  return settledAt === undefined || entry.owed !== undefined || enforcement.state === 'applying';
}

/** Whether a lock of ours is wanted. It is not in force while it is opened for a scan. */
function isLockedByUs({ enforcement: { state, action } }: LedgerEntry): boolean {
  const locks = action === 'lock' || action === 'lock-and-untag';
  return locks && ['applying', 'quarantined', 'refused'].includes(state);
}

function isUndecided(entry: LedgerEntry, { now, deadlineMilliseconds }: SurveyContext): boolean {
  const { decision, decidedAt, settledAt, enforcement, scan, signature } = entry;
  if (decision === undefined || decision.verdict === 'pending') {
    const complete = scan.state !== 'open' && signature.state !== 'open';
    const deadline = new Date(entry.firstSeenAt).getTime() + deadlineMilliseconds;
    const due = decision?.waitUntil === undefined ? deadline : new Date(decision.waitUntil).getTime();
    const evidenceAt = Math.max(...[scan, signature].map(lastTime), new Date(entry.firstSeenAt).getTime());
    const since = complete && decision === undefined ? evidenceAt : due;
    return now.getTime() - since > LATE_MILLISECONDS;
  }
  const evidenceAt = Math.max(lastTime(scan), lastTime(signature));
  if (isNewer(entry, settledAt)) return now.getTime() - evidenceAt > LATE_MILLISECONDS;
  if (entry.owed !== undefined) return isOlder(settledAt ?? entry.firstSeenAt, now, LATE_MILLISECONDS);
  if (decision.gaveUp === true) return isOlder(decidedAt ?? entry.firstSeenAt, now, POISONED_MILLISECONDS);
  if (enforcement.state === 'applying') return isOlder(enforcement.at ?? entry.firstSeenAt, now, LATE_MILLISECONDS);
  return settledAt === undefined && isOlder(decidedAt ?? entry.firstSeenAt, now, LATE_MILLISECONDS);
}

/** Whether evidence has come since a verdict was last settled: the request to decide on it may be lost. */
export function isNewer({ scan, signature }: Pick<LedgerEntry, 'scan' | 'signature'>, settledAt?: string): boolean {
  if (settledAt === undefined) return false;
  return Math.max(lastTime(scan), lastTime(signature)) > new Date(settledAt).getTime();
}

function lastTime(state: LedgerEntry['scan'] | LedgerEntry['signature']): number {
  const at = 'finishedAt' in state ? state.finishedAt : 'at' in state ? state.at : undefined;
  return at === undefined ? 0 : new Date(at).getTime();
}

/** Somebody has opened what we shut, or has given it a name again; or it has been released, and is not restored yet. */
function isUndone(
  { attributes, tags }: ListedManifest,
  { enforcement, release }: LedgerEntry,
  { now, mode }: SurveyContext,
): boolean {
  const { state, record, at } = enforcement;
  // A decider that began before the release may have applied its lock after it, and died.
  const fresh = at !== undefined && !isOlder(at, now, MAX_RETRY_MILLISECONDS);
  if (state === 'released' && fresh) return record?.attributes.readEnabled === true && !attributes.readEnabled;
  if (state !== 'quarantined' && state !== 'refused') return false;
  if (release !== undefined) return state === 'quarantined';
  // Switched off, we put nothing back either.
  if (mode === 'observe') return false;
  return isOpen({ attributes, tags }, enforcement);
}

/** Whether anything of what we have done is not there any more. What the registry refused us never was. */
export function isOpen(
  { attributes, tags }: Pick<ListedManifest, 'attributes' | 'tags'>,
  enforcement: Enforcement,
): boolean {
  const { action = 'mark', operations } = enforcement;
  const refused = new Set(operations.filter(({ outcome }) => outcome === 'refused').map(operationName));
  const locks = (action === 'lock' || action === 'lock-and-untag') && !refused.has('lock');
  const untags = action === 'untag' || action === 'lock-and-untag';
  return (
    (locks && (attributes.readEnabled || attributes.deleteEnabled)) ||
    (untags && tags.some((tag) => !refused.has(operationName({ kind: 'untag', tag }))))
  );
}

/** Whether a tag that belongs to this digest is not there, and a change of ours that meant another one is the reason. */
export function isOvertaken({ digest, tags }: ListedManifest, row: TagEntry): boolean {
  return isOvertakenRow(row, digest) && !tags.includes(row.tag);
}
