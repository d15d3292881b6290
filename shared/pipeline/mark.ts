import type { Digest } from '../artifact/digest.js';
import { MediaType } from '../artifact/media-type.js';
import type { ArtifactKey } from '../artifact/reference.js';
import { isAppError } from '../error/app-error.js';
import type { BlobRef } from '../message/queue-message.js';
import type { Excluded, LedgerEntry } from './entry.js';
import { type Clock, type Journal, LAZARET } from './effects.js';
import { MAX_REPORT_BYTES } from './record-scan.js';

/** What {@link mark} needs. */
export interface MarkDeps {
  readonly journal: Journal;
  readonly reports: { get: (ref: BlobRef, maxBytes: number) => Promise<Uint8Array> };
  readonly clock: Clock;
  readonly ledger: { exclude: (excluded: Excluded) => Promise<void> };
  readonly registry: {
    pushReferrer: (
      subject: { readonly key: ArtifactKey; readonly mediaType: string; readonly size: number },
      referrer: {
        readonly artifactType: string;
        readonly bytes: Uint8Array;
        readonly annotations: Readonly<Record<string, string>>;
        readonly createdAt: string;
      },
    ) => Promise<Digest>;
  };
}

const KINDS = [
  { kind: 'sbom', artifactType: MediaType.cyclonedx },
  { kind: 'sarif', artifactType: MediaType.sarif },
] as const;

/**
 * Hangs the bill of materials and the report onto the digest that was scanned, as OCI referrers. The bytes depend on the
 * scan alone, so a repeat makes the same referrers. A registry that refuses them does not keep the decision waiting.
 */
export async function mark(entry: LedgerEntry, deps: MarkDeps): Promise<LedgerEntry['marks']> {
  const { scan, key, mediaType, size } = entry;
  if (scan.state !== 'done' || entry.marks.length === KINDS.length) return entry.marks;
  try {
    return await Promise.all(
      KINDS.map(async ({ kind, artifactType }) => {
        const bytes = await deps.reports.get(scan[kind], MAX_REPORT_BYTES);
        const annotations = { 'io.lazaret.mark': kind, 'io.lazaret.scanner': `trivy ${scan.scannerVersion}` };
        const referrer = { artifactType, bytes, annotations, createdAt: scan.finishedAt };
        const digest = await deps.registry.pushReferrer({ key, mediaType, size }, referrer);
        // The event of our own push need not ask the registry what it is.
        await deps.ledger.exclude({ key: { ...key, digest }, kind: 'other', at: deps.clock().toISOString() });
        return { kind, digest };
      }),
    );
  } catch (error) {
    if (!isAppError(error) || error.retryable) throw error;
    await deps.journal({ key, what: 'mark-refused', who: LAZARET, why: error.code, id: `mark-refused-${scan.scanId}` });
    return entry.marks;
  }
}
