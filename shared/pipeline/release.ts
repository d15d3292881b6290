import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import { withoutRefusals } from './done.js';
import type { LedgerEntry } from './entry.js';
import type { Clock, Journal, Send } from './effects.js';
import { type RecordStore, putRecord } from './record.js';
import { decideAt } from './wake.js';

/** The longest reason that is kept, in characters. */
export const MAX_REASON_LENGTH = 1000;

/** Seconds after a release until a scan that it kept out is asked for again. */
const RESCAN_SECONDS = 10;

/** What {@link release} needs. */
export interface ReleaseDeps {
  readonly clock: Clock;
  readonly send: Send;
  readonly journal: Journal;
  readonly store: RecordStore;
  readonly ledger: {
    update: (
      key: ArtifactKey,
      change: (entry: LedgerEntry) => LedgerEntry | undefined,
    ) => Promise<LedgerEntry | undefined>;
  };
}

/** Who releases a digest, why, and for how long: for good where no time is named. */
export interface ReleaseRequest {
  readonly by: string;
  readonly reason: string;
  readonly milliseconds?: number | undefined;
}

/**
 * A person takes a digest out of quarantine. Undoes exactly what was done, by way of the same decision step, and stays:
 * the digest is not quarantined again before the time is over. Throws `UNKNOWN_ARTIFACT`, or `REASON_REQUIRED` without a
 * reason.
 */
export async function release(
  key: ArtifactKey,
  { by, reason, milliseconds }: ReleaseRequest,
  deps: ReleaseDeps,
): Promise<LedgerEntry> {
  const why = reason.trim().slice(0, MAX_REASON_LENGTH);
  if (why === '') throw new AppError('REASON_REQUIRED', 'a release needs a reason');
  const now = deps.clock();
  const at = now.toISOString();
  const until = milliseconds === undefined ? undefined : new Date(now.getTime() + milliseconds).toISOString();
  const known = await deps.ledger.update(key, (current) => current);
  if (known === undefined) throw new AppError('UNKNOWN_ARTIFACT', 'the ledger does not know this digest');
  // Written down before it takes effect.
  const given = { by, reason: why, at, ...(until !== undefined && { until }) };
  const released = (current: LedgerEntry): LedgerEntry => ({
    ...current,
    release: given,
    enforcement: withoutRefusals(current.enforcement),
  });
  await Promise.all([
    deps.journal({ key, what: 'release', who: by, why, ...(until !== undefined && { detail: { until } }) }),
    putRecord(released(known), { because: 'release' }, deps),
  ]);
  const entry = (await deps.ledger.update(key, released)) ?? known;
  const message = { v: MESSAGE_VERSION, key, attempt: 0, since: at };
  if (entry.scan.state === 'open') {
    // It was locked before its scan was done, which can go on once the lock is off.
    const { scanId } = entry.scan;
    await deps.send(
      QUEUES.scanned,
      { ...message, scanId, outcome: { kind: 'retry' } },
      { delaySeconds: RESCAN_SECONDS },
    );
  }
  await deps.send(QUEUES.decide, message);
  if (until !== undefined) await decideAt(until, key, deps);
  return entry;
}
