import type { ArtifactKey } from '../artifact/reference.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { Attributes } from '../policy/operation.js';
import type { Policy } from '../policy/policy.js';
import type { LedgerEntry } from './entry.js';
import { type Clock, type Journal, LAZARET, type Send } from './effects.js';
import { type ScanState, isStale, newScan, openScanOf, withOpenScan } from './scan-state.js';
import { mayReopen } from './survey.js';
import type { FoundRepair, RepositoryKey } from './survey-repository.js';

/** What {@link carryOutRepair} needs. */
export interface RepairDeps {
  readonly clock: Clock;
  readonly send: Send;
  readonly journal: Journal;
  readonly newId: () => string;
  /** What is older than this was there before us. */
  readonly installedAt: Date;
  readonly policy: Pick<Policy, 'deadlineMilliseconds' | 'maxAgeMilliseconds'>;
  readonly registry: { unlock: (key: ArtifactKey, attributes: Attributes) => Promise<unknown> };
  readonly ledger: {
    update: (
      key: ArtifactKey,
      change: (entry: LedgerEntry) => LedgerEntry | undefined,
    ) => Promise<LedgerEntry | undefined>;
  };
}

const MAX_TAGS = 50;

/** Asks the step whose work is missing. Safe to repeat: each of these steps may run any number of times. */
export async function carryOutRepair(
  place: RepositoryKey,
  { repair, found }: FoundRepair,
  deps: RepairDeps,
): Promise<void> {
  const key: ArtifactKey = { ...place, digest: repair.digest };
  const now = deps.clock().toISOString();
  const message = { v: MESSAGE_VERSION, key, since: now };
  const decide = () => deps.send(QUEUES.decide, { ...message, attempt: 0 });
  await deps.journal({ key, what: `reconcile-${repair.kind}`, who: LAZARET });
  switch (repair.kind) {
    case 'receive': {
      const tags = (found?.tags ?? []).slice(-MAX_TAGS);
      const at = (found?.updatedAt ?? new Date(now)).toISOString();
      const existing = found !== undefined && found.createdAt < deps.installedAt;
      await deps.send(QUEUES.sweep, { ...message, attempt: 0, tags, at, existing });
      return;
    }
    case 'scan':
    case 'rescan':
    case 'refresh': {
      const { maxAgeMilliseconds } = deps.policy;
      const entry = await deps.ledger.update(key, (current) =>
        asked(current, repair.kind, { now, maxAgeMilliseconds, newId: deps.newId }),
      );
      const open = entry && openScanOf(entry);
      if (open !== undefined) await deps.send(QUEUES.scanSweep, { ...message, scanId: open.scanId });
      return;
    }
    case 'reopen': {
      // First the ledger: a decision that sees the new request leaves the lock alone until its deadline.
      const scan = queuedScan(now, deps.newId);
      const entry = await deps.ledger.update(key, (current) =>
        mayReopen(current, new Date(now)) ? { ...current, scan, reopened: (current.reopened ?? 0) + 1 } : undefined,
      );
      const attributes = entry?.enforcement.record?.attributes;
      // Another run may have been quicker.
      const isOurs = entry?.scan.state === 'open' && entry.scan.scanId === scan.scanId;
      if (!isOurs || attributes === undefined) return;
      await deps.registry.unlock(key, attributes);
      await deps.send(QUEUES.scanSweep, { ...message, scanId: scan.scanId });
      const delaySeconds = Math.ceil(deps.policy.deadlineMilliseconds / 1000) + 1;
      await deps.send(QUEUES.decide, { ...message, attempt: 0 }, { delaySeconds });
      return;
    }
    case 'verify':
      await deps.ledger.update(key, (entry) =>
        entry.signature.state === 'open' ? { ...entry, signature: { ...entry.signature, enqueuedAt: now } } : undefined,
      );
      await deps.send(QUEUES.verifySweep, { ...message, attempt: 0, again: true });
      return;
    case 'decide':
      await decide();
      return;
    case 'marks':
      // Not settled any more: should the request get lost, a sweep asks again.
      await deps.ledger.update(key, (entry) => ({ ...entry, marks: [], settledAt: undefined }));
      await decide();
      return;
    case 'gone':
      await deps.ledger.update(key, (entry) => ({ ...entry, goneAt: now }));
      return;
  }
}

function asked(
  entry: LedgerEntry,
  kind: 'scan' | 'rescan' | 'refresh',
  {
    now,
    maxAgeMilliseconds,
    newId,
  }: { readonly now: string; readonly maxAgeMilliseconds: number; readonly newId: () => string },
): LedgerEntry | undefined {
  const open = openScanOf(entry);
  switch (kind) {
    case 'scan':
      return open && withOpenScan(entry, open.scanId, (scan) => ({ ...scan, enqueuedAt: now, sweep: true }));
    case 'rescan':
      return entry.scan.state === 'failed' ? { ...entry, scan: queuedScan(now, newId) } : undefined;
    case 'refresh':
      return isStale(entry, { now: new Date(now), maxAgeMilliseconds })
        ? { ...entry, rescan: queuedScan(now, newId) }
        : undefined;
  }
}

function queuedScan(now: string, newId: () => string): Extract<ScanState, { state: 'open' }> {
  return { ...newScan(now, newId(), { sweep: true }), enqueuedAt: now };
}
