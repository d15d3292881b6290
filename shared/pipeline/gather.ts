import type { ArtifactKey } from '../artifact/reference.js';
import type { BlobRef } from '../message/queue-message.js';
import type { Evidence, ScanEvidence, SignatureEvidence } from '../policy/evidence.js';
import type { ScanReport } from '../vulnerability/report.js';
import type { LedgerEntry } from './entry.js';
import { MAX_REPORT_BYTES } from './record-scan.js';
import type { DoneScan } from './scan-state.js';

/** What {@link gather} needs. */
export interface GatherDeps {
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
  };
  /** Whether it is never enforced beyond marks. */
  readonly isReserved: (key: ArtifactKey) => boolean;
  readonly reports: { get: (ref: BlobRef, maxBytes: number) => Promise<Uint8Array> };
}

/** Everything that a decision needs, fetched before anything is decided. */
export interface Gathered {
  readonly evidence: Evidence;
  /** The scan's report, for the card and for people. */
  readonly report: ScanReport | undefined;
  /** The indexes that hold the digest. */
  readonly parents: readonly LedgerEntry[];
  /** What it holds, if it is an index. */
  readonly platforms: readonly Platform[];
}

/** What an index lists, and what the ledger knows of it. */
export interface Platform {
  readonly digest: ArtifactKey['digest'];
  readonly platform: string;
  readonly entry: LedgerEntry | undefined;
}

/** Collects the evidence on one digest: its report, the indexes that hold it, the platforms that it holds. */
export async function gather(entry: LedgerEntry, deps: GatherDeps): Promise<Gathered> {
  const report = await readReport(entry, deps);
  const related = (digest: ArtifactKey['digest']) => deps.ledger.read({ ...entry.key, digest });
  const [parents, children] = await Promise.all([
    Promise.all(entry.parents.map(related)),
    Promise.all(entry.children.map(async (child) => ({ ...child, found: await related(child.digest) }))),
  ]);
  const coveredByIndex = parents.some(
    (parent) => parent?.entry.signature.state === 'done' && parent.entry.signature.outcome === 'verified',
  );
  const evidence = toEvidence(entry, {
    report,
    signature: signatureEvidence(entry),
    coveredByIndex,
    children: children.map(({ digest, platform, found }) => ({
      digest,
      platform,
      verdict: found?.entry.decision?.verdict ?? 'pending',
    })),
    reserved: deps.isReserved(entry.key),
  });
  return {
    evidence,
    report,
    parents: parents.flatMap((parent) => (parent ? [parent.entry] : [])),
    platforms: children.map(({ found, ...child }) => ({ ...child, entry: found?.entry })),
  };
}

/** What {@link toEvidence} is told besides the entry. */
export interface EvidenceParts extends Pick<Evidence, 'signature' | 'coveredByIndex' | 'children' | 'reserved'> {
  readonly report: ScanReport | undefined;
}

/** The evidence on one digest: what its entry holds, and what was fetched for it. Pure. */
export function toEvidence(entry: LedgerEntry, { report, ...parts }: EvidenceParts): Evidence {
  return {
    ...parts,
    key: entry.key,
    kind: entry.kind,
    // A digest that was opened for a scan has all the time for it that it had at first.
    firstSeenAt: new Date(
      entry.reopened !== undefined && entry.scan.state === 'open' ? entry.scan.requestedAt : entry.firstSeenAt,
    ),
    ...(entry.kind === 'image' && { scan: scanEvidence(entry, report) }),
    hasPassed: entry.passedAt !== undefined,
    ...(entry.failing !== undefined && { failingSince: new Date(entry.failing.since) }),
    existing: entry.existing === true,
  };
}

/** The stored, normalised report of a scan that is done. */
export async function readReport(
  { scan }: Pick<LedgerEntry, 'scan'>,
  deps: Pick<GatherDeps, 'reports'>,
): Promise<ScanReport | undefined> {
  return scan.state === 'done' ? reportOf(scan, deps) : undefined;
}

/** What a scan has found, as it was stored. */
export async function reportOf({ findings }: DoneScan, { reports }: Pick<GatherDeps, 'reports'>): Promise<ScanReport> {
  // Written by recordScan alone and verified by its digest, so it is what it was.
  const bytes = await reports.get(findings, MAX_REPORT_BYTES);
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as ScanReport;
}

function scanEvidence({ scan }: LedgerEntry, report: ScanReport | undefined): ScanEvidence {
  if (scan.state === 'done' && report !== undefined) return { state: 'done', report };
  if (scan.state === 'failed') return { state: 'failed', code: scan.code, message: scan.message };
  return { state: 'pending' };
}

/** What the last verification has come to. */
export function signatureEvidence({ signature }: Pick<LedgerEntry, 'signature'>): SignatureEvidence {
  if (signature.state === 'open') return { state: 'pending' };
  const { outcome, code, message } = signature;
  return { state: 'done', outcome, code, message };
}
