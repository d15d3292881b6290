import type { Digest } from '../artifact/digest.js';
import type { ArtifactKey } from '../artifact/reference.js';
import { isAppError } from '../error/app-error.js';
import type { BlobRef } from '../message/queue-message.js';
import type { Excluded, LedgerEntry } from './entry.js';
import { type Clock, type Journal, LAZARET } from './effects.js';

/** What attaching a mark needs. */
export interface MarkDeps {
  readonly journal: Journal;
  readonly reports: { get: (ref: BlobRef, maxBytes: number) => Promise<Uint8Array> };
  readonly clock: Clock;
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
    replace: (entry: LedgerEntry, version: string) => Promise<string>;
    exclude: (excluded: Excluded) => Promise<void>;
    forgetExcluded: (key: ArtifactKey) => Promise<void>;
  };
  readonly registry: {
    pushReferrer: (
      subject: { readonly key: ArtifactKey; readonly mediaType: string; readonly size: number },
      referrer: MarkContent & {
        readonly supersedes?: readonly Digest[];
        readonly announce?: (digest: Digest) => Promise<void>;
        readonly mayRewriteList?: boolean;
      },
    ) => Promise<Digest>;
    deleteReferrer: (key: ArtifactKey) => Promise<'done' | 'refused' | 'gone'>;
  };
}

/** What a mark says. */
export interface MarkContent {
  readonly artifactType: string;
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** A mark that is to hang onto a digest. */
export interface NewMark extends MarkContent {
  readonly supersedes: readonly Digest[];
  /** Told the digest before the registry knows it. */
  readonly announce?: (digest: Digest) => Promise<void>;
}

/** Hangs a mark onto a digest, which is not pulled for it. */
export async function attach(
  { key, mediaType, size, signature }: LedgerEntry,
  { announce, ...mark }: NewMark,
  { ledger, registry, clock }: MarkDeps,
): Promise<Digest> {
  // Signatures that are listed under a tag are kept first, since that list can only be rewritten as a whole.
  const mayRewriteList =
    signature.state === 'done' && (signature.evidence !== undefined || signature.outcome === 'not-required');
  // The event of our own push need not ask the registry what it is.
  const announced = async (digest: Digest) => {
    await announce?.(digest);
    await ledger.exclude({ key: { ...key, digest }, kind: 'other', at: clock().toISOString() });
  };
  return registry.pushReferrer({ key, mediaType, size }, { ...mark, announce: announced, mayRewriteList });
}

/** By which a mark of ours is known. */
export const annotationsOf = (kind: LedgerEntry['marks'][number]['kind'], scannerVersion: string) => ({
  'io.lazaret.mark': kind,
  'io.lazaret.scanner': `trivy ${scannerVersion}`,
});

/** Takes a mark off. Without the right to delete, admission sees the change only once it is too old for it. */
export async function supersede(key: ArtifactKey, deps: MarkDeps): Promise<void> {
  const outcome = await deps.registry.deleteReferrer(key);
  if (outcome === 'refused') {
    await deps.journal({ key, what: 'mark-kept', who: LAZARET, id: `mark-kept-${key.repository}-${key.digest}` });
  } else {
    await deps.ledger.forgetExcluded(key);
  }
}

/**
 * Puts down in the journal, once for each `id`, that a mark cannot be made: a decision does not wait for that. Throws what may
 * pass by itself, which a blob that is gone does not.
 */
export async function noteRefusal(
  error: unknown,
  { key, id }: { readonly key: ArtifactKey; readonly id: string },
  { journal }: Pick<MarkDeps, 'journal'>,
): Promise<void> {
  if (!isAppError(error) || (error.retryable && error.code !== 'BLOB_MISSING')) throw error;
  await journal({ key, what: 'mark-refused', who: LAZARET, why: error.code, id: `mark-refused-${id}` });
}
