import type { Tag } from '../artifact/tag.js';
import { AppError } from '../error/app-error.js';
import type { Decision } from '../policy/decision.js';
import type {
  AppliedOperation,
  EnforcementMode,
  ObservedArtifact,
  Operation,
  QuarantineRecord,
} from '../policy/operation.js';
import { type PlanHistory, operationName, plan } from '../policy/plan.js';
import { askOvertaken } from './ask-overtaken.js';
import { type ApplyDeps, type Cause, applyOperation, lookAgain } from './apply.js';
import type { Enforcement, LedgerEntry } from './entry.js';
import { MAX_RETRY_MILLISECONDS } from './deliver.js';
import { LAZARET, type Send } from './effects.js';
import { type Brake, causeOf } from './brake.js';
import { mayRelock, relocked } from './contest.js';
import { halfWay, summarise, undone } from './done.js';
import { isOvertakenRow } from './overtaken.js';
import { type RecordStore, putRecord } from './record.js';
import { type ReplaceDeps, replaceRecorded } from './record-change.js';
import { withhold } from './withhold.js';

/** What {@link enforce} needs. */
export interface EnforceDeps extends ApplyDeps {
  readonly send: Send;
  readonly mode: EnforcementMode;
  readonly brake: Brake;
  readonly store: RecordStore;
  readonly ledger: ApplyDeps['ledger'] & ReplaceDeps['ledger'];
}

/** A ledger entry with the decision that is to be enforced. */
export interface Decided {
  readonly entry: LedgerEntry;
  readonly version: string;
  readonly decision: Decision;
  /** Tags that a change of ours has taken away from it: {@link overtakenTags}. */
  readonly overtaken: readonly Tag[];
  /** The package of the first finding that it fails by. */
  readonly package?: string | undefined;
}

/** What enforcement came to. `gone`: the registry does not know the digest any more. */
export type Enforced =
  { readonly gone: true } | { readonly gone: false; readonly enforcement: Enforcement; readonly version: string };

/** Brings the registry to what the decision wants. Safe to repeat, and to be killed anywhere. */
export async function enforce(decided: Decided, deps: EnforceDeps): Promise<Enforced> {
  const { entry, version, decision, overtaken } = decided;
  if (isSettled(entry, { decision, overtaken, now: deps.clock() }))
    return { gone: false, enforcement: entry.enforcement, version };
  const lookedAt = deps.clock().toISOString();
  const observed = await deps.registry.observe(entry.key);
  if (observed === undefined) return { gone: true };
  const { operations: earlier } = entry.enforcement;
  const lifts = decision.verdict === 'pass' || entry.release !== undefined;
  const record = await recordInForce(entry, lifts, deps);
  const history: PlanHistory = {
    released: entry.release !== undefined,
    overtaken,
    refused: earlier.filter(({ outcome }) => outcome === 'refused').map(operationName),
    ...(record && { record }),
  };
  const situation: Situation = { observed, lookedAt, history };
  return lifts ? lift(decided, situation, deps) : quarantine(decided, situation, deps);
}

interface Situation {
  readonly observed: ObservedArtifact;
  /** Just before that. What happens to the registry later is not in it. */
  readonly lookedAt: string;
  readonly history: PlanHistory;
}

/**
 * Nothing was done, nothing is wanted: the registry need not be asked. After a release it is asked for another while: a
 * decider that began before it may have applied its lock after it.
 */
function isSettled(
  entry: LedgerEntry,
  { decision, overtaken, now }: { readonly decision: Decision; readonly overtaken: readonly Tag[]; readonly now: Date },
): boolean {
  const { state, record, at } = entry.enforcement;
  const old = at === undefined || now.getTime() - new Date(at).getTime() > MAX_RETRY_MILLISECONDS;
  const untouched = state === 'none' || (state === 'released' && (record === undefined || old));
  const wantsNothing = decision.verdict === 'pass' || decision.action === 'mark' || entry.release !== undefined;
  return untouched && wantsNothing && overtaken.length === 0 && !(state === 'none' && entry.release !== undefined);
}

/** Tags pushed for this digest that a change of ours, which meant an older one, took away from it. */
export async function overtakenTags(
  { key, tags }: LedgerEntry,
  deps: Pick<EnforceDeps, 'ledger'>,
): Promise<readonly Tag[]> {
  const { registry, repository, digest } = key;
  const rows = await Promise.all(tags.map((tag) => deps.ledger.readTag({ registry, repository, tag })));
  return tags.filter((_, i) => {
    const row = rows[i];
    return row !== undefined && isOvertakenRow(row, digest);
  });
}

/**
 * What stood before a quarantine that is in force, or that is to be restored. Once it has been restored, a tag is put back
 * only where our own removal of it was over later still: a tag that somebody else has taken away since stays away.
 */
async function recordInForce(
  { key, enforcement }: LedgerEntry,
  lifts: boolean,
  deps: EnforceDeps,
): Promise<QuarantineRecord | undefined> {
  const { state, record, at } = enforcement;
  if (record === undefined || at === undefined || state !== 'released') return record;
  if (!lifts) return undefined;
  const { registry, repository } = key;
  const rows = await Promise.all(record.tags.map((tag) => deps.ledger.readTag({ registry, repository, tag })));
  const tags = record.tags.filter((_, i) => {
    const removed = rows[i]?.removed;
    return removed?.digest === key.digest && (removed.until === undefined || new Date(removed.until) >= new Date(at));
  });
  return { ...record, tags };
}

async function lift(
  decided: Decided,
  { observed, lookedAt: at, history }: Situation,
  deps: EnforceDeps,
): Promise<Enforced> {
  const { entry, version, decision } = decided;
  const cause: Cause = entry.release
    ? { who: entry.release.by, why: entry.release.reason }
    : { who: LAZARET, why: 'the digest passes' };
  const operations: AppliedOperation[] = [];
  // Undoing is done in observe mode too: it is how a person gets an image back.
  for (const operation of plan(decision, observed, history)) {
    operations.push(await applyOperation(entry.key, operation, { ...deps, cause }));
  }
  const { state, record } = entry.enforcement;
  await refuseHalfLifted(decided, operations, deps);
  if (state !== 'released' || operations.length > 0) {
    await askOvertaken(entry.key, [...new Set([...(record?.tags ?? []), ...history.overtaken])], deps);
  }
  if (state === 'released' && operations.length === 0) return { gone: false, enforcement: entry.enforcement, version };
  if (record === undefined && entry.release === undefined && state !== 'withheld') {
    return {
      gone: false,
      enforcement: { ...entry.enforcement, operations: [...entry.enforcement.operations, ...operations] },
      version,
    };
  }
  if (state === 'withheld' && entry.release === undefined) {
    return { gone: false, enforcement: { state: 'none', operations: [] }, version };
  }
  if (operations.some(({ outcome }) => outcome === 'refused')) {
    return { gone: false, enforcement: { ...entry.enforcement, state: 'refused', at, operations }, version };
  }
  return {
    gone: false,
    // The record stays, for what a slower decider may still do.
    enforcement: {
      state: 'released',
      at,
      ...(record && { record }),
      operations: undone(entry.enforcement, operations, at),
    },
    version,
  };
}

/**
 * A tag is put back with the manifest's own bytes, so a lock that a slower decider applied in between refuses it. That is
 * no refusal to remember: throws `LOCK_IN_THE_WAY` (retryable), and the next try takes the lock off first.
 */
async function refuseHalfLifted(
  { entry: { key, enforcement } }: Decided,
  operations: readonly AppliedOperation[],
  deps: EnforceDeps,
): Promise<void> {
  const wasOpen = enforcement.record?.attributes.readEnabled ?? true;
  const isRefused = (kind: Operation['kind']) =>
    operations.some((operation) => operation.kind === kind && operation.outcome === 'refused');
  // Where the registry refuses to take the lock off, it is the lock that we know of.
  if (!wasOpen || isRefused('unlock') || !isRefused('retag')) return;
  const { state } = await deps.registry.pullState(key.registry, key.repository, key.digest);
  if (state === 'refused') {
    throw new AppError('LOCK_IN_THE_WAY', 'the digest was locked while its tags were restored', { retryable: true });
  }
}

async function quarantine(decided: Decided, { observed, history }: Situation, deps: EnforceDeps): Promise<Enforced> {
  const { entry, decision } = decided;
  const operations = plan(decision, observed, history);
  const at = deps.clock().toISOString();
  const { version: standing } = decided;
  const withheld = withheldBy(decision, deps.mode);
  if (decision.action === 'mark' || withheld !== undefined) {
    // A quarantine in force is not softened by a milder rule; only a pass or a person lifts it.
    if (history.record !== undefined) {
      return { gone: false, enforcement: halfWay(entry.enforcement, observed, at), version: standing };
    }
    const enforcement = withhold(entry.enforcement, { decision, withheld, operations, at });
    return { gone: false, enforcement, version: standing };
  }
  if (history.record === undefined && operations.length > 0 && !(await mayQuarantine(decided, deps))) {
    const withheld = { because: 'brake' } as const;
    return {
      gone: false,
      enforcement: withhold(entry.enforcement, { decision, withheld, operations, at }),
      version: standing,
    };
  }
  const relock = operations.some(({ kind }) => kind === 'lock') ? mayRelock(entry, deps.clock()) : 'go';
  const wanted = relock === 'go' ? operations : operations.filter(({ kind }) => kind !== 'lock');
  if (relock === 'wait' && wanted.length === 0)
    return { gone: false, enforcement: entry.enforcement, version: standing };
  const { enforcement, version } = await writeRecord(decided, observed, deps);
  const cause: Cause = { who: LAZARET, why: decision.reasons.map(({ code }) => code).join(' ') };
  const applied: AppliedOperation[] = [];
  for (const operation of wanted) applied.push(await applyOperation(entry.key, operation, { ...deps, cause }));
  const tags = enforcement.record?.tags ?? [];
  const locks =
    relock === 'go' &&
    decision.action !== 'untag' &&
    !applied.some(({ kind, outcome }) => kind === 'lock' && outcome === 'refused');
  if (locks && !history.refused.includes('lock')) {
    for (const tag of await lookAgain(entry.key, tags, deps)) {
      if (!history.refused.includes(`untag ${tag}`)) {
        applied.push(await applyOperation(entry.key, { kind: 'untag', tag }, { ...deps, cause }));
      }
    }
  }
  await askOvertaken(entry.key, tags, deps);
  const done = summarise(enforcement, applied, at);
  const refused = done.some(({ outcome }) => outcome === 'refused');
  const state = relock === 'contested' ? 'contested' : refused ? 'refused' : 'quarantined';
  const locked = applied.some(({ kind, outcome }) => kind === 'lock' && outcome === 'done');
  const memory = locked ? relocked(entry, deps.clock()) : {};
  return { gone: false, version, enforcement: { ...enforcement, ...memory, state, operations: done } };
}

/** Switched on, enforcement would leave alone what is reserved, or older than we are: so that is why, on or off. */
function withheldBy({ withheld }: Decision, mode: EnforcementMode): Enforcement['withheld'] {
  if (mode === 'enforce' || withheld?.because === 'existing' || withheld?.because === 'reserved') return withheld;
  return { because: 'observe' };
}

/** Asks the brake; what is known of the digest says what it has in common with others. */
function mayQuarantine({ entry, decision, package: name }: Decided, { brake }: EnforceDeps): Promise<boolean> {
  const { state, withheld } = entry.enforcement;
  const again = state === 'withheld' && withheld?.because === 'brake';
  const finding = decision.crossing[0] ?? decision.reasons[0]?.code;
  return brake(entry.key, { cause: causeOf(entry, decision), finding, package: name, again });
}

/** What stood before exists nowhere else after the first change, so it is written down first, twice. */
async function writeRecord(
  { entry, version, decision }: Decided,
  observed: ObservedArtifact,
  deps: EnforceDeps,
): Promise<{ readonly enforcement: Enforcement; readonly version: string }> {
  const earlier = entry.enforcement.record;
  // What a release has restored is history: the tags of this quarantine are those that are there now.
  const inForce = entry.enforcement.state === 'released' ? undefined : earlier;
  const record: QuarantineRecord = {
    attributes: earlier?.attributes ?? observed.attributes,
    tags: [...new Set([...(inForce?.tags ?? []), ...observed.tags])],
  };
  if (inForce !== undefined && earlier !== undefined && earlier.tags.length === record.tags.length) {
    return { enforcement: entry.enforcement, version };
  }
  const at = deps.clock().toISOString();
  const begun: Enforcement = {
    state: 'applying',
    action: decision.action,
    at,
    record: { attributes: record.attributes, tags: [...record.tags] },
    operations: entry.enforcement.operations.filter(({ outcome }) => outcome === 'refused'),
  };
  const purpose = { because: 'quarantine', wanted: decision } as const;
  const blob = await putRecord({ ...entry, enforcement: begun }, purpose, deps);
  const enforcement: Enforcement = { ...begun, record: { ...record, tags: [...record.tags], blob } };
  // The ETag lets one of two concurrent deciders through; the other one starts again from what this one wrote.
  const next = await replaceRecorded({ ...entry, enforcement }, version, deps);
  return { enforcement, version: next };
}
