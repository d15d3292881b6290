import { type Digest, digestOf } from '../artifact/digest.js';
import { MediaType } from '../artifact/media-type.js';
import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { type ScannedImage, writeSarif } from '../vulnerability/sarif.js';
import { type Platform, reportOf } from './gather.js';
import type { Marked, Marking } from './mark.js';
import { type MarkContent, type MarkDeps, annotationsOf, attach, noteRefusal, supersede } from './mark-referrer.js';
import type { DoneScan } from './scan-state.js';

/** The reports of all platforms together, in bytes, that are read to make one of them. */
const MAX_READ_BYTES = 64 * 1024 * 1024;
/** Another way to make a report out of the same scans is another number. */
const FORM = 2;

/** One image that an index holds, with its scan. */
interface Scanned {
  readonly digest: Digest;
  readonly platform: string;
  readonly scan: DoneScan;
}

/**
 * Hangs the reports of an index's platforms onto it, as one: admission asks for a report on the digest that is deployed. As
 * old as the oldest scan in it. Where one is missing there is none, and none of an earlier time either. Several deciders at
 * once have different scans before them, so what is begun is written down first (`drafts`), and nothing is left behind.
 */
export async function markIndex(marking: Marking, deps: MarkDeps): Promise<Marked> {
  const { entry, version, platforms } = marking;
  const { key, marks, drafts = [] } = entry;
  const scans = scansOf(platforms);
  const inputs = scans && inputsOf(scans);
  if (inputs !== undefined && drafts.length === 0 && marks.length === 1 && marks[0]?.inputs === inputs) {
    return { marks, version };
  }
  const known = new Set([...marks.map(({ digest }) => digest), ...drafts]);
  let current = version;
  const announce = async (digest: Digest) => {
    const isKnown = drafts.at(-1) === digest || marks.some((each) => each.digest === digest);
    known.add(digest);
    if (isKnown) return;
    const begun = [...drafts.filter((each) => each !== digest), digest];
    // The ETag lets one of two deciders through, and whoever comes later knows what this one has begun.
    current = await deps.ledger.replace({ ...entry, drafts: begun }, version);
  };
  let made: Digest | undefined;
  if (scans !== undefined && inputs !== undefined) {
    try {
      const content = await contentOf(key.digest, scans, deps);
      made = await attach(entry, { ...content, supersedes: [...known], announce }, deps);
      await giveWay(key, { digest: made, version: current }, deps);
    } catch (error) {
      await noteRefusal(error, { key, id: `${key.repository}-${key.digest}-${inputs}` }, deps);
    }
  }
  // Without a new one too: a pass of before must not outlive what is known since.
  for (const digest of known) if (digest !== made) await supersede({ ...key, digest }, deps);
  if (made === undefined) return { marks: known.size === 0 ? marks : [], version: current };
  return { marks: [{ kind: 'sarif', digest: made, inputs }], version: current };
}

async function contentOf(index: Digest, scans: readonly Scanned[], deps: MarkDeps): Promise<MarkContent> {
  const total = scans.reduce((sum, { scan }) => sum + scan.findings.bytes, 0);
  if (total > MAX_READ_BYTES) throw new AppError('SARIF_TOO_LARGE', `${total} bytes of reports`);
  const images: ScannedImage[] = [];
  for (const { digest, platform, scan } of scans) {
    images.push({ digest, platform, report: await reportOf(scan, deps) });
  }
  const scanners = [...new Set(scans.map(({ scan }) => scan.scannerVersion))].sort().join(', ');
  return {
    artifactType: MediaType.sarif,
    bytes: writeSarif(index, images),
    annotations: annotationsOf('sarif', scanners),
    createdAt: oldestOf(scans),
  };
}

/** Whoever was slow may have attached what another one had already taken off. Throws `LEDGER_CONFLICT` (retryable). */
async function giveWay(
  key: ArtifactKey,
  { digest, version }: { readonly digest: Digest; readonly version: string },
  deps: MarkDeps,
): Promise<void> {
  const now = await deps.ledger.read(key);
  if (now?.version === version) return;
  const { drafts = [], marks = [] } = now?.entry ?? {};
  const wanted = drafts.at(-1) ?? marks[0]?.digest;
  if (wanted !== digest) await supersede({ ...key, digest }, deps);
  throw new AppError('LEDGER_CONFLICT', 'the index was marked by somebody else', { retryable: true });
}

/** What was found in each image, ordered by digest; undefined where a platform has no report. */
function scansOf(platforms: readonly Platform[]): readonly Scanned[] | undefined {
  const scans: Scanned[] = [];
  for (const [digest, named] of Map.groupBy(platforms, (each) => each.digest)) {
    const [found] = named;
    // An index in an index has no scan of its own.
    if (found?.entry?.scan.state !== 'done') return undefined;
    const names = [...new Set(named.map(({ platform }) => platform))].sort();
    scans.push({ digest, platform: names.join(', '), scan: found.entry.scan });
  }
  if (scans.length === 0) return undefined;
  return scans.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** The same scans are the same inputs. */
function inputsOf(scans: readonly Scanned[]): Digest {
  const each = scans.map(({ digest, platform, scan: { scanId, finishedAt, findings, scannerVersion } }) => [
    ...[digest, platform, scanId, finishedAt, findings.digest, scannerVersion],
  ]);
  return digestOf(JSON.stringify([FORM, each]));
}

/** A new report must not hide an old one. */
function oldestOf(scans: readonly Scanned[]): string {
  const times = scans.map(({ scan }) => scan.finishedAt);
  return times.toSorted((a, b) => Date.parse(a) - Date.parse(b))[0] ?? '';
}
