import type { ArtifactKey } from '../artifact/reference.js';
import { isAppError } from '../error/app-error.js';
import type { LedgerEntry } from './entry.js';
import { type PutRecordDeps, putRecord } from './record.js';
import { isSameJson } from './same.js';

/** What {@link replaceRecorded} needs. */
export interface ReplaceDeps extends PutRecordDeps {
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
    replace: (entry: LedgerEntry, version: string) => Promise<string>;
  };
}

/**
 * Writes an entry whose record has been put before. Where somebody else was faster that record tells of what never came
 * to be, and as the last one it would count: so what did come to be is put after it. Throws what the ledger throws.
 */
export async function replaceRecorded(entry: LedgerEntry, version: string, deps: ReplaceDeps): Promise<string> {
  try {
    return await deps.ledger.replace(entry, version);
  } catch (error) {
    if (isAppError(error, 'LEDGER_CONFLICT')) {
      const current = await deps.ledger.read(entry.key);
      if (current !== undefined) await putRecord(current.entry, { because: 'overtaken' }, deps);
    }
    throw error;
  }
}

/** Whether what stands against a digest, or what stood before that, is another than before. Pure. */
export function hasMoved(before: LedgerEntry['enforcement'], after: LedgerEntry['enforcement']): boolean {
  const restores = ({ action, record }: LedgerEntry['enforcement']) => ({ action, record });
  return before.state !== after.state || !isSameJson(restores(before), restores(after));
}
