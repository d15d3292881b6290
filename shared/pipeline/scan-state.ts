import { z } from 'zod';
import { blobRefSchema, databaseSchema } from '../message/queue-message.js';
import { isOlder } from './age.js';
import type { LedgerEntry } from './entry.js';

const time = z.iso.datetime({ offset: true });
const counts = z.object({
  critical: z.number(),
  high: z.number(),
  medium: z.number(),
  low: z.number(),
  unknown: z.number(),
});

const open = z.object({
  state: z.literal('open'),
  scanId: z.uuid(),
  requestedAt: time,
  /** When the request was last known to be in the queue; a duplicate event does not enqueue it again. */
  enqueuedAt: time.optional(),
  /** Retryable failures so far. */
  failures: z.number().int().nonnegative(),
  /** A sweep asks for it, so it waits behind every push. */
  sweep: z.boolean().optional(),
});

const done = z.object({
  state: z.literal('done'),
  scanId: z.uuid(),
  requestedAt: time,
  startedAt: time,
  finishedAt: time,
  scannerVersion: z.string(),
  database: databaseSchema,
  counts,
  report: blobRefSchema,
  findings: blobRefSchema,
  sbom: blobRefSchema.optional(),
  scanMilliseconds: z.number(),
  convertMilliseconds: z.number(),
});

const failed = z.object({
  state: z.literal('failed'),
  scanId: z.uuid(),
  requestedAt: time,
  finishedAt: time,
  code: z.string(),
  message: z.string(),
  /** It was tried for a day, and might come through on another one. */
  retryable: z.boolean().optional(),
});

/** zod for how far the scan of a digest has come. */
export const scanSchema = z.discriminatedUnion('state', [z.object({ state: z.literal('none') }), open, done, failed]);

/** zod for a newer scan of a digest that has been scanned. */
export const rescanSchema = z.discriminatedUnion('state', [open, failed]);

export type ScanState = z.infer<typeof scanSchema>;
export type OpenScan = z.infer<typeof open>;
export type DoneScan = z.infer<typeof done>;
type Rescan = z.infer<typeof rescanSchema>;

const DAY_MILLISECONDS = 24 * 3_600_000;

/** The request that is out for a digest: its first scan, or a newer one. */
export function openScanOf({ scan, rescan }: Pick<LedgerEntry, 'scan' | 'rescan'>): OpenScan | undefined {
  if (scan.state === 'open') return scan;
  return rescan?.state === 'open' ? rescan : undefined;
}

/** The entry with that request changed, or ended; undefined where no request with this identifier is out. Pure. */
export function withOpenScan(
  entry: LedgerEntry,
  scanId: string,
  change: (open: OpenScan) => Rescan,
): LedgerEntry | undefined {
  const { scan, rescan } = entry;
  if (scan.state === 'open') return scan.scanId === scanId ? { ...entry, scan: change(scan) } : undefined;
  return rescan?.state === 'open' && rescan.scanId === scanId ? { ...entry, rescan: change(rescan) } : undefined;
}

/** Whether a scan with this identifier was asked for, and is over. */
export function isRecorded({ scan, rescan }: LedgerEntry, scanId: string): boolean {
  return [scan, rescan].some((each) => each !== undefined && 'scanId' in each && each.scanId === scanId);
}

/** A new request. `sweep`: it waits behind every push. */
export function newScan(now: string, scanId: string, { sweep }: { readonly sweep: boolean }): OpenScan {
  return { state: 'open', scanId, requestedAt: now, failures: 0, ...(sweep && { sweep }) };
}

/**
 * Whether a digest should be scanned anew: its scan is older than the policy wants, or failed by what may have passed
 * since. One that failed is tried again a day later. Pure.
 */
export function isStale(
  { scan, rescan }: Pick<LedgerEntry, 'scan' | 'rescan'>,
  { now, maxAgeMilliseconds }: { readonly now: Date; readonly maxAgeMilliseconds: number },
): boolean {
  if (rescan?.state === 'open') return false;
  if (rescan?.state === 'failed' && !isOlder(rescan.finishedAt, now, DAY_MILLISECONDS)) return false;
  if (scan.state === 'done') return isOlder(scan.finishedAt, now, maxAgeMilliseconds);
  return scan.state === 'failed' && scan.retryable === true && isOlder(scan.finishedAt, now, DAY_MILLISECONDS);
}
