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
  readonly ledger: {
    exclude: (excluded: Excluded) => Promise<void>;
    forgetExcluded: (key: ArtifactKey) => Promise<void>;
  };
  readonly registry: {
    pushReferrer: (
      subject: { readonly key: ArtifactKey; readonly mediaType: string; readonly size: number },
      referrer: {
        readonly artifactType: string;
        readonly bytes: Uint8Array;
        readonly annotations: Readonly<Record<string, string>>;
        readonly createdAt: string;
        readonly supersedes?: readonly Digest[];
        readonly announce?: (digest: Digest) => Promise<void>;
        readonly mayRewriteList?: boolean;
      },
    ) => Promise<Digest>;
    deleteReferrer: (key: ArtifactKey) => Promise<'done' | 'refused' | 'gone'>;
  };
}

const KINDS = [
  { kind: 'sbom', artifactType: MediaType.cyclonedx },
  { kind: 'sarif', artifactType: MediaType.sarif },
] as const;

/**
 * Hangs the bill of materials and the report onto the digest that was scanned, as OCI referrers. The bytes depend on the
 * scan alone, so a repeat makes the same referrers. Those of an earlier scan are deleted: admission would go by either. A
 * registry that refuses them does not keep the decision waiting.
 */
export async function mark(entry: LedgerEntry, deps: MarkDeps): Promise<LedgerEntry['marks']> {
  const { scan, key, mediaType, size } = entry;
  if (scan.state !== 'done') return entry.marks;
  const { scanId } = scan;
  if (entry.marks.length === KINDS.length && entry.marks.every((each) => each.scanId === scanId)) return entry.marks;
  // Signatures that are listed under a tag are kept first, since that list can only be rewritten as a whole.
  const { signature } = entry;
  const mayRewriteList =
    signature.state === 'done' && (signature.evidence !== undefined || signature.outcome === 'not-required');
  const supersedes = entry.marks.filter((each) => each.scanId !== scanId).map(({ digest }) => digest);
  try {
    const marks = await Promise.all(
      KINDS.map(async ({ kind, artifactType }) => {
        const bytes = await deps.reports.get(scan[kind], MAX_REPORT_BYTES);
        const annotations = { 'io.lazaret.mark': kind, 'io.lazaret.scanner': `trivy ${scan.scannerVersion}` };
        // The event of our own push need not ask the registry what it is.
        const announce = (digest: Digest) =>
          deps.ledger.exclude({ key: { ...key, digest }, kind: 'other', at: deps.clock().toISOString() });
        const content = { artifactType, bytes, annotations, createdAt: scan.finishedAt };
        const referrer = { ...content, supersedes, announce, mayRewriteList };
        const digest = await deps.registry.pushReferrer({ key, mediaType, size }, referrer);
        return { kind, digest, scanId };
      }),
    );
    for (const digest of supersedes) {
      // What an earlier version wrote says not of which scan it is, and may be the same.
      if (!marks.some((each) => each.digest === digest)) await supersede({ ...key, digest }, deps);
    }
    return marks;
  } catch (error) {
    if (!isAppError(error) || error.retryable) throw error;
    await deps.journal({ key, what: 'mark-refused', who: LAZARET, why: error.code, id: `mark-refused-${scan.scanId}` });
    return entry.marks;
  }
}

/** Without the right to delete, admission sees the change only once the old mark is too old for it. */
async function supersede(key: ArtifactKey, deps: MarkDeps): Promise<void> {
  const outcome = await deps.registry.deleteReferrer(key);
  if (outcome === 'refused') {
    await deps.journal({ key, what: 'mark-kept', who: LAZARET, id: `mark-kept-${key.repository}-${key.digest}` });
  } else {
    await deps.ledger.forgetExcluded(key);
  }
}
