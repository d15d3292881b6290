import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import { withoutRefusals } from './done.js';
import type { LedgerEntry } from './entry.js';
import { putRecord } from './record.js';
import type { ReleaseDeps } from './release.js';

/**
 * A person decides that a quarantine is tried again, with all tries anew: of a contested digest, or of one of which the
 * registry has refused a part. Throws `UNKNOWN_ARTIFACT`, or `NOT_CONTESTED` where it is neither.
 */
export async function insist(
  key: ArtifactKey,
  { by, reason }: { readonly by: string; readonly reason: string },
  deps: ReleaseDeps,
): Promise<void> {
  const known = await deps.ledger.update(key, (current) => current);
  if (known === undefined) throw new AppError('UNKNOWN_ARTIFACT', 'the ledger does not know this digest');
  if (!isLeftAlone(known)) {
    throw new AppError('NOT_CONTESTED', 'its lock is not contested, and the registry has refused nothing of it');
  }
  await Promise.all([
    deps.journal({ key, what: 'insist', who: by, why: reason }),
    putRecord(insisted(known), { because: 'insist' }, deps),
  ]);
  await deps.ledger.update(key, (entry) => (isLeftAlone(entry) ? insisted(entry) : undefined));
  await deps.send(QUEUES.decide, { v: MESSAGE_VERSION, key, attempt: 0, since: deps.clock().toISOString() });
}

function isLeftAlone({ enforcement: { state }, release }: LedgerEntry): boolean {
  return state === 'contested' || (state === 'refused' && release === undefined);
}

function insisted(entry: LedgerEntry): LedgerEntry {
  return { ...entry, enforcement: { ...withoutRefusals(entry.enforcement), state: 'applying', relockedAt: [] } };
}
