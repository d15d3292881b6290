import type { Digest } from '../artifact/digest.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Tag } from '../artifact/tag.js';
import { AppError } from '../error/app-error.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES, type QueueName } from '../message/queue-name.js';
import { matchRule } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import { type LedgerEntry, remember } from './entry.js';
import type { Clock, Journal, Send } from './effects.js';
import { newScan } from './scan-state.js';
import { notRequired } from './verify.js';

/** What {@link admit} needs. */
export interface AdmitDeps {
  readonly clock: Clock;
  readonly send: Send;
  readonly journal: Journal;
  /** A fresh random UUID: whoever does not hold a scan's id cannot hand in evidence for it. */
  readonly newId: () => string;
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
    create: (entry: LedgerEntry) => Promise<string | undefined>;
    update: (
      key: ArtifactKey,
      change: (entry: LedgerEntry) => LedgerEntry | undefined,
      known?: { readonly entry: LedgerEntry; readonly version: string },
    ) => Promise<LedgerEntry | undefined>;
  };
  readonly reports: { put: (bytes: Uint8Array, contentType: string) => Promise<unknown> };
  readonly policy: Policy;
}

interface PushFacts {
  readonly at: string;
  readonly tag?: Tag;
  readonly by?: string;
  readonly parent?: Digest;
  readonly platform?: string;
  /** A sweep found it. */
  readonly sweep?: boolean;
  /** It is older than this installation. */
  readonly existing?: boolean;
}

/** A digest that is seen for the first time. */
interface NewArtifact extends PushFacts {
  readonly kind: 'image' | 'index';
  readonly mediaType?: string;
  readonly size?: number;
  readonly manifest?: Uint8Array;
  readonly children: LedgerEntry['children'];
  /** Why the manifest cannot be judged. There is nothing to scan then. */
  readonly unreadable?: { readonly code: string; readonly message: string };
}

/**
 * Enters a digest in the ledger and asks for what is still missing: scan, verification, or just a decision. May run any
 * number of times for the same push; a request that is known to be queued is not queued again.
 */
export async function admit(
  key: ArtifactKey,
  facts: NewArtifact | (PushFacts & { readonly known: LedgerEntry }),
  deps: AdmitDeps,
): Promise<void> {
  const { entry, version } = 'known' in facts ? await merge(key, facts, deps) : await enter(key, facts, deps);
  const since = deps.clock().toISOString();
  const message = { v: MESSAGE_VERSION, key, since };
  const scan = entry.scan.state === 'open' && entry.scan.enqueuedAt === undefined ? entry.scan : undefined;
  const verify = entry.signature.state === 'open' && entry.signature.enqueuedAt === undefined;
  // Whichever of the two is done last asks for the decision; should one never come, the deadline does.
  const deadline = { delaySeconds: Math.ceil(deps.policy.deadlineMilliseconds / 1000) + 1 };
  await Promise.all([
    scan !== undefined && deps.send(scanQueue(scan), { ...message, scanId: scan.scanId }),
    verify && deps.send(verifyQueue(facts), { ...message, attempt: 0, again: false }),
    (scan !== undefined || verify) && deps.send(QUEUES.decide, { ...message, attempt: 0, deadline: true }, deadline),
  ]);
  if (scan !== undefined || verify) {
    const known = version === undefined ? undefined : { entry, version };
    await deps.ledger.update(key, (current) => markQueued(current, since), known);
  } else {
    // A new tag, or a push after a delete: the decision stands, but the registry has changed.
    await deps.send(QUEUES.decide, { ...message, attempt: 0 });
  }
}

interface Admitted {
  readonly entry: LedgerEntry;
  /** Known where the entry was just created, and nobody can have changed it unseen. */
  readonly version?: string;
}

async function enter(key: ArtifactKey, facts: NewArtifact, deps: AdmitDeps): Promise<Admitted> {
  // The manifest is kept before anything can lock it away.
  const { manifest, mediaType = 'application/octet-stream', size = 0 } = facts;
  if (manifest !== undefined) await deps.reports.put(manifest, mediaType);
  const now = deps.clock().toISOString();
  const entry: LedgerEntry = {
    key,
    kind: facts.kind,
    mediaType,
    size,
    ...(facts.platform !== undefined && { platform: facts.platform }),
    firstSeenAt: now,
    pushedAt: facts.at,
    ...(facts.by !== undefined && { pushedBy: facts.by }),
    tags: facts.tag === undefined ? [] : [facts.tag],
    parents: facts.parent === undefined ? [] : [facts.parent],
    children: facts.children,
    scan: firstScan(facts, now, deps),
    signature: firstSignature(key, now, deps),
    enforcement: { state: 'none', operations: [] },
    ...(facts.existing === true && { existing: true }),
    marks: [],
  };
  const version = await deps.ledger.create(entry);
  return version === undefined ? merge(key, facts, deps) : { entry, version };
}

/** Where a scan waits: those of a sweep behind every push. */
export function scanQueue({ sweep }: { readonly sweep?: boolean | undefined }): QueueName {
  return sweep === true ? QUEUES.scanSweep : QUEUES.scan;
}

/** Where a verification waits. */
export function verifyQueue({ sweep }: { readonly sweep?: boolean | undefined }): QueueName {
  return sweep === true ? QUEUES.verifySweep : QUEUES.verify;
}

/** Where the policy asks for none there is nothing to wait for. Should it ask later, a decision asks for a verification. */
function firstSignature(key: ArtifactKey, now: string, { policy }: AdmitDeps): LedgerEntry['signature'] {
  const isAsked = matchRule(policy, key).rule.signature !== undefined;
  return isAsked ? { state: 'open', requestedAt: now } : notRequired(policy, now);
}

function firstScan({ kind, unreadable, sweep }: NewArtifact, now: string, deps: AdmitDeps): LedgerEntry['scan'] {
  if (kind === 'index') return { state: 'none' };
  const scanId = deps.newId();
  if (unreadable === undefined) {
    return newScan(now, scanId, { sweep: sweep === true });
  }
  const { code, message } = unreadable;
  return { state: 'failed', scanId, requestedAt: now, finishedAt: now, code, message: message.slice(0, 500) };
}

async function merge(key: ArtifactKey, facts: PushFacts, deps: AdmitDeps): Promise<Admitted> {
  const now = deps.clock().toISOString();
  const merged = await deps.ledger.update(key, (entry) => {
    const { goneAt, ...present } = entry;
    const newer = new Date(facts.at) > new Date(entry.pushedAt);
    // Events come late, and twice: a push that is known brings nothing back, but a sweep has seen it. When it was gone does
    // not count, since that may be by our clock, and the push by the registry's.
    if (goneAt !== undefined && !newer && facts.sweep !== true) return entry;
    const knowsTag = facts.tag === undefined || entry.tags.at(-1) === facts.tag;
    const knowsParent = facts.parent === undefined || entry.parents.includes(facts.parent);
    // A push does not wait behind a sweep that asked first.
    const overtakes = facts.sweep !== true && entry.scan.state === 'open' && entry.scan.sweep === true;
    if (!newer && knowsTag && knowsParent && goneAt === undefined && !overtakes) return entry;
    // Whatever kept a deleted digest from being scanned, it may be there now.
    const rescan = goneAt !== undefined && entry.scan.state === 'failed';
    return {
      ...present,
      ...(rescan && { scan: newScan(now, deps.newId(), { sweep: false }) }),
      ...(overtakes && { scan: overtaking(entry.scan) }),
      ...(newer && { pushedAt: facts.at, ...(facts.by !== undefined && { pushedBy: facts.by }) }),
      ...(facts.platform !== undefined && entry.platform === undefined && { platform: facts.platform }),
      tags: facts.tag === undefined ? entry.tags : remember(entry.tags, facts.tag),
      parents: facts.parent === undefined ? entry.parents : remember(entry.parents, facts.parent),
    };
  });
  if (merged === undefined) {
    throw new AppError('LEDGER_ENTRY_MISSING', 'the ledger lost an entry that it had', { retryable: true });
  }
  return { entry: merged };
}

function overtaking(scan: LedgerEntry['scan']): LedgerEntry['scan'] {
  if (scan.state !== 'open') return scan;
  const { scanId, requestedAt, failures } = scan;
  return { state: 'open', scanId, requestedAt, failures };
}

function markQueued(entry: LedgerEntry, at: string): LedgerEntry {
  return {
    ...entry,
    ...(entry.scan.state === 'open' && { scan: { ...entry.scan, enqueuedAt: at } }),
    ...(entry.signature.state === 'open' && { signature: { ...entry.signature, enqueuedAt: at } }),
  };
}
