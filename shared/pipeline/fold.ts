import type { ObservedArtifact } from '../policy/operation.js';
import { type Enforcement, type LedgerEntry, MAX_REMEMBERED } from './entry.js';
import type { StoredRecord } from './record.js';
import { isOpen } from './survey.js';

/** States in which the registry may hold changes of ours that are to be undone some day. */
const IN_FORCE: readonly Enforcement['state'][] = ['applying', 'quarantined', 'contested', 'refused'];

/** What the records of one digest come to. */
export interface Folded {
  readonly entry: LedgerEntry;
  /** The last that tells what stood before a quarantine; absent where none was. */
  readonly quarantined: Enforcement | undefined;
}

/**
 * Records in the order in which they count, the last one last. Of two at once, the one that can undo more counts, then the
 * one that was written when it was all done; their names decide between what is left.
 */
export function inOrder(records: readonly StoredRecord[]): StoredRecord[] {
  return records.toSorted((a, b) => {
    const [left, right] = [rankOf(a), rankOf(b)];
    const first = left.findIndex((part, i) => part !== right[i]);
    return first === -1 ? 0 : (left[first] ?? '') < (right[first] ?? '') ? -1 : 1;
  });
}

function rankOf({ at, name, entry: { enforcement, settledAt = '' } }: StoredRecord): readonly string[] {
  const { state, record } = enforcement;
  const undoes = String(record === undefined ? 0 : record.tags.length + 1).padStart(6, '0');
  return [at, undoes, settledAt, state === 'applying' ? '0' : '1', name];
}

/**
 * The entry that the last record tells of. A digest that was seen anew after an earlier loss has more lives than one, known
 * by when it was first seen: what only an earlier one knows is taken from there. Undefined without records. Pure.
 */
export function fold(records: readonly StoredRecord[]): Folded | undefined {
  const newestFirst = inOrder(records).toReversed();
  const [last, ...others] = newestFirst;
  if (last === undefined) return undefined;
  let { entry } = last;
  for (const { entry: earlier } of others) if (isEarlierLife(earlier, entry)) entry = mergeLives(entry, earlier);
  return { entry, quarantined: newestFirst.find((each) => isInForce(each.entry.enforcement))?.entry.enforcement };
}

/** Whether `earlier` is of a ledger that was lost before `entry` was made. */
export function isEarlierLife(earlier: LedgerEntry, entry: LedgerEntry): boolean {
  return new Date(earlier.firstSeenAt) < new Date(entry.firstSeenAt);
}

/** What was decided anew stands; what only the time before the loss knows is put back. Unsettled: it is decided once more. */
export function mergeLives(later: LedgerEntry, earlier: LedgerEntry): LedgerEntry {
  const passedAt = [earlier.passedAt, later.passedAt].filter((at) => at !== undefined).sort()[0];
  const release = later.release ?? earlier.release;
  const alerted = later.alerted ?? earlier.alerted;
  const fails = later.decision?.verdict !== 'pass' && passedAt !== undefined;
  const failing = fails ? (earlier.failing ?? later.failing) : undefined;
  return {
    ...later,
    settledAt: undefined,
    ...withWhatIsRemembered(later, earlier),
    firstSeenAt: earlier.firstSeenAt,
    enforcement: mergeEnforcement(later.enforcement, earlier.enforcement),
    ...(passedAt !== undefined && { passedAt }),
    ...(failing !== undefined && { failing }),
    ...(release !== undefined && { release }),
    ...(alerted !== undefined && { alerted }),
    ...(earlier.existing === true && { existing: true }),
  };
}

/** What a push since the loss has told of a digest, and nobody has judged yet, besides what was known of it before. */
export function mergePush(pushed: LedgerEntry, earlier: LedgerEntry): LedgerEntry {
  const newer = new Date(pushed.pushedAt) > new Date(earlier.pushedAt);
  return {
    ...earlier,
    // The registry may not have shown it yet to whoever looked.
    goneAt: pushed.goneAt,
    ...withWhatIsRemembered(pushed, earlier),
    ...(newer && { pushedAt: pushed.pushedAt, ...(pushed.pushedBy !== undefined && { pushedBy: pushed.pushedBy }) }),
  };
}

function withWhatIsRemembered(later: LedgerEntry, earlier: LedgerEntry): Pick<LedgerEntry, 'tags' | 'parents'> {
  return { tags: joined(earlier.tags, later.tags), parents: joined(earlier.parents, later.parents) };
}

/** Without repeats, those of `later` last; the oldest are forgotten. */
export function joined<T>(earlier: readonly T[], later: readonly T[]): T[] {
  return [...earlier.filter((each) => !later.includes(each)), ...later].slice(-MAX_REMEMBERED);
}

/** Whoever met a digest that we had locked saw our lock for what stood before. */
function mergeEnforcement(later: Enforcement, earlier: Enforcement): Enforcement {
  if (!isInForce(earlier) || earlier.record === undefined) return later;
  const tags = joined(earlier.record.tags, later.record?.tags ?? []);
  const state = earlier.state === 'contested' ? 'contested' : 'applying';
  return { ...earlier, state, record: { ...earlier.record, tags } };
}

function isInForce({ state, record }: Enforcement): boolean {
  return IN_FORCE.includes(state) && record !== undefined;
}

/** Whether an entry was never judged, and nothing was ever done about it. */
export function isUntouched({ decision, enforcement }: LedgerEntry): boolean {
  const undecided = decision === undefined || decision.verdict === 'pending' || decision.gaveUp === true;
  return undecided && enforcement.state === 'none' && enforcement.record === undefined;
}

/** What the registry says of a digest beside its records. */
export interface Seen {
  readonly observed: ObservedArtifact | undefined;
  /** RFC 3339. */
  readonly at: string;
  /** Some record of the digest could not be read: what is left may not be the last word. */
  readonly damaged: boolean;
}

/** The entry that goes into the ledger. Where the registry shows something else it is not settled, and is decided again. */
export function asRestored({ entry: folded, quarantined }: Folded, { observed, at, damaged }: Seen): LedgerEntry {
  const entry: LedgerEntry = { ...folded, owed: undefined };
  if (observed === undefined) return { ...entry, goneAt: entry.goneAt ?? at };
  const { attributes } = observed;
  const present: LedgerEntry = { ...entry, goneAt: undefined, tags: joined(observed.tags, entry.tags) };
  // What is left may not be the last word, so it is judged once more, from the evidence that it names.
  const judged: LedgerEntry = damaged ? { ...present, decision: undefined, settledAt: undefined } : present;
  // A lock of ours whose record the last entry lacks: two deciders at once, and one of them has died.
  const isShut = !attributes.readEnabled && !attributes.deleteEnabled;
  if (isShut && quarantined !== undefined && ['none', 'withheld'].includes(entry.enforcement.state)) {
    return { ...judged, settledAt: undefined, enforcement: { ...quarantined, state: 'applying' } };
  }
  return isAsRecorded(entry, observed) ? judged : { ...judged, settledAt: undefined };
}

function isAsRecorded({ enforcement }: Pick<LedgerEntry, 'enforcement'>, observed: ObservedArtifact): boolean {
  const { state, record } = enforcement;
  if (state === 'released') return observed.attributes.readEnabled === (record?.attributes.readEnabled ?? true);
  return state === 'quarantined' ? !isOpen(observed, enforcement) : state !== 'applying';
}
