import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { LedgerEntry } from './entry.js';
import { putRecord } from './record.js';
import type { ReleaseDeps } from './release.js';

/**
 * A person decides that a contested digest is locked again, with all tries anew. Throws `UNKNOWN_ARTIFACT`, or
 * `NOT_CONTESTED` where nobody has taken a lock off too often.
 */
export async function insist(
  key: ArtifactKey,
  { by, reason }: { readonly by: string; readonly reason: string },
  deps: ReleaseDeps,
): Promise<void> {
  const known = await deps.ledger.update(key, (current) => current);
  if (known === undefined) throw new AppError('UNKNOWN_ARTIFACT', 'the ledger does not know this digest');
  if (known.enforcement.state !== 'contested') {
    throw new AppError('NOT_CONTESTED', 'nobody has taken a lock off this digest too often');
  }
  await Promise.all([
    deps.journal({ key, what: 'insist', who: by, why: reason }),
    putRecord(insisted(known), { because: 'insist' }, deps),
  ]);
  await deps.ledger.update(key, (entry) => (entry.enforcement.state === 'contested' ? insisted(entry) : undefined));
  await deps.send(QUEUES.decide, { v: MESSAGE_VERSION, key, attempt: 0, since: deps.clock().toISOString() });
}

function insisted(entry: LedgerEntry): LedgerEntry {
  return { ...entry, enforcement: { ...entry.enforcement, state: 'applying', relockedAt: [] } };
}
