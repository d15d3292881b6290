import type { LedgerEntry } from './entry.js';

const MINUTE = 60_000;
/** How long after a lock was put on again it may be put on once more, in milliseconds: so often within a day. */
const PAUSES = [0, 15 * MINUTE, 60 * MINUTE] as const;
const DAY = 24 * 60 * MINUTE;

/** `go`: put the lock on. `wait`: later. `contested`: somebody means it, so a person has to decide. */
export type Relock = 'go' | 'wait' | 'contested';

/**
 * Whether a lock that is wanted and is not there may be put on (again). Somebody who takes it off again and again has a
 * reason, or is another installation that thinks otherwise: three times a day, with a growing pause, are enough. Pure.
 */
export function mayRelock(entry: LedgerEntry, now: Date): Relock {
  if (entry.enforcement.state === 'contested') return 'contested';
  if (!isTakenOff(entry)) return 'go';
  const recent = recentRelocks(entry.enforcement, now);
  const pause = PAUSES[recent.length];
  if (pause === undefined) return 'contested';
  const last = recent.at(-1);
  return last === undefined || now.getTime() - new Date(last).getTime() >= pause ? 'go' : 'wait';
}

/** What is remembered of a lock that has just been put on. Pure. */
export function relocked(entry: LedgerEntry, now: Date): Pick<LedgerEntry['enforcement'], 'lockedAt' | 'relockedAt'> {
  const at = now.toISOString();
  const recent = recentRelocks(entry.enforcement, now);
  return { lockedAt: at, relockedAt: isTakenOff(entry) ? [...recent, at] : recent };
}

/** Whether a lock that is not there was ours, and was taken off by somebody else: for a scan that never came we do it. */
function isTakenOff({ enforcement: { state, lockedAt }, scan }: LedgerEntry): boolean {
  // Where a part of the quarantine was refused, what was let through is ours all the same.
  if ((state !== 'quarantined' && state !== 'refused') || lockedAt === undefined) return false;
  return !('requestedAt' in scan) || new Date(scan.requestedAt) <= new Date(lockedAt);
}

function recentRelocks({ relockedAt = [] }: LedgerEntry['enforcement'], now: Date): string[] {
  return relockedAt.filter((at) => now.getTime() - new Date(at).getTime() < DAY);
}
