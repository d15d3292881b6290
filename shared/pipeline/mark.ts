import { MediaType } from '../artifact/media-type.js';
import { AppError } from '../error/app-error.js';
import type { ScanReport } from '../vulnerability/report.js';
import { writeSarif } from '../vulnerability/sarif.js';
import type { LedgerEntry } from './entry.js';
import type { Platform } from './gather.js';
import { markIndex } from './mark-index.js';
import { type MarkDeps, annotationsOf, attach, noteRefusal, supersede } from './mark-referrer.js';
import { MAX_REPORT_BYTES } from './record-scan.js';
import type { DoneScan } from './scan-state.js';

type Mark = LedgerEntry['marks'][number];

const KINDS = [
  { kind: 'sbom', artifactType: MediaType.cyclonedx },
  { kind: 'sarif', artifactType: MediaType.sarif },
] as const;

/** What is to be marked, as it stands in the ledger. */
export interface Marking {
  readonly entry: LedgerEntry;
  readonly version: string;
  /** What was found in it, if it is an image. */
  readonly report: ScanReport | undefined;
  /** What an index holds. */
  readonly platforms: readonly Platform[];
}

/** The marks that are there now, and the version of the ledger's entry since. */
export type Marked = Pick<LedgerEntry, 'marks'> & { readonly version: string };

/**
 * Hangs what is known of a digest onto it, as OCI referrers. What tells of an earlier scan is deleted: admission would go by
 * either. A registry that refuses them does not keep the decision waiting.
 */
export async function mark(marking: Marking, deps: MarkDeps): Promise<Marked> {
  const { entry, version } = marking;
  return entry.kind === 'index' ? markIndex(marking, deps) : { marks: await markImage(marking, deps), version };
}

/** Bill of materials and report of its scan. Their bytes depend on the scan alone, so a repeat makes the same referrers. */
async function markImage({ entry, report }: Marking, deps: MarkDeps): Promise<LedgerEntry['marks']> {
  const { scan, key, marks: before } = entry;
  if (scan.state !== 'done' || report === undefined) return before;
  const { scanId } = scan;
  const supersedes = before.filter((each) => each.scanId !== scanId).map(({ digest }) => digest);
  const markWith = async ({ kind, artifactType }: (typeof KINDS)[number]): Promise<Mark | undefined> => {
    const there = before.find((each) => each.kind === kind && each.scanId === scanId);
    if (there !== undefined) return there;
    try {
      const bytes =
        kind === 'sarif' ? writeSarif(key.digest, [{ digest: key.digest, report }]) : await sbomOf(scan, deps);
      const annotations = annotationsOf(kind, scan.scannerVersion);
      const content = { artifactType, bytes, annotations, createdAt: scan.finishedAt };
      return { kind, digest: await attach(entry, { ...content, supersedes }, deps), scanId };
    } catch (error) {
      await noteRefusal(error, { key, id: `${scanId}-${kind}` }, deps);
      return undefined;
    }
  };
  const marks = (await Promise.all(KINDS.map(markWith))).filter((each) => each !== undefined);
  // Without a new one too: a pass of before must not outlive what is known since.
  for (const digest of supersedes) {
    // What an earlier version wrote says not of which scan it is, and may be the same.
    if (!marks.some((each) => each.digest === digest)) await supersede({ ...key, digest }, deps);
  }
  const isUnchanged = marks.length === before.length && marks.every((each) => before.includes(each));
  return isUnchanged ? before : marks;
}

async function sbomOf({ sbom }: DoneScan, { reports }: MarkDeps): Promise<Uint8Array> {
  if (sbom === undefined) throw new AppError('SBOM_MISSING', 'the scanner could not make a bill of materials');
  return reports.get(sbom, MAX_REPORT_BYTES);
}
