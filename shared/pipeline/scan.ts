import type { ArtifactKey } from '../artifact/reference.js';
import { MediaType } from '../artifact/media-type.js';
import { AppError } from '../error/app-error.js';
import {
  type BlobRef,
  MESSAGE_VERSION,
  type ScanOutcome,
  type ScanRequest,
  type Scanned,
} from '../message/queue-message.js';
import type { DatabaseEvidence } from '../vulnerability/report.js';
import type { Clock, Log } from './effects.js';
import { type InspectDeps, inspectImage } from './inspect-image.js';

/** What Trivy made of one image. */
export interface ScanProducts {
  readonly report: Uint8Array;
  /** CycloneDX; not there where none could be made. */
  readonly sbom?: Uint8Array;
  readonly database: DatabaseEvidence;
  readonly scanMilliseconds: number;
  readonly convertMilliseconds: number;
}

/** What {@link scan} needs. */
export interface ScanDeps extends InspectDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly scanImage: (key: ArtifactKey, signal: AbortSignal) => Promise<ScanProducts>;
  readonly reports: { put: (bytes: Uint8Array, contentType: string) => Promise<BlobRef> };
}

/** Scans one image and stores what came out. A fault becomes an outcome with its code; it is never a pass. */
export async function scan(request: ScanRequest, signal: AbortSignal, deps: ScanDeps): Promise<Scanned> {
  const { key, scanId } = request;
  const startedAt = deps.clock().toISOString();
  let outcome: ScanOutcome;
  try {
    await inspectImage(key, deps);
    const products = await deps.scanImage(key, signal);
    const [report, sbom] = await Promise.all([
      deps.reports.put(products.report, 'application/json'),
      products.sbom && deps.reports.put(products.sbom, MediaType.cyclonedx),
    ]);
    const { database, scanMilliseconds, convertMilliseconds } = products;
    const finishedAt = deps.clock().toISOString();
    outcome = {
      kind: 'report',
      report,
      ...(sbom !== undefined && { sbom }),
      database,
      startedAt,
      finishedAt,
      scanMilliseconds,
      convertMilliseconds,
    };
  } catch (error) {
    outcome = failed(error, deps);
  }
  return { v: MESSAGE_VERSION, scanId, key, outcome, attempt: 0, since: deps.clock().toISOString() };
}

/** The outcome of a scan that ended with a fault, or was given up before it began. */
export function failed(error: unknown, deps: Pick<ScanDeps, 'clock' | 'log'>): ScanOutcome {
  const known = error instanceof AppError;
  const code = known ? error.code : 'SCAN_FAILED';
  // What is not one of ours is a fault of the machine or of this code, and whoever reads the log needs its words.
  const detail = known || !(error instanceof Error) ? undefined : error.message.slice(0, 300);
  deps.log('warn', 'scan-failed', { code, detail });
  const message = known ? error.message.slice(0, 2000) : 'The scan ended unexpectedly.';
  return {
    kind: 'failed',
    code,
    message,
    retryable: known ? error.retryable : true,
    finishedAt: deps.clock().toISOString(),
  };
}
