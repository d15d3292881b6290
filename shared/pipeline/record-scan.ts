import type { Digest } from '../artifact/digest.js';
import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { type BlobRef, MESSAGE_VERSION, type ScanOutcome, type Scanned } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { DatabaseEvidence, ScanReport } from '../vulnerability/report.js';
import { countBySeverity } from '../vulnerability/severity.js';
import { scanQueue } from './admit.js';
import type { LedgerEntry } from './entry.js';
import { type Clock, type Journal, LAZARET, type Log, type Send } from './effects.js';
import type { Epochs } from './epoch.js';
import { MAX_RETRY_MILLISECONDS, retryDelaySeconds } from './deliver.js';
import { type OpenScan, isRecorded, openScanOf, withOpenScan } from './scan-state.js';

/** The largest report that is read, in bytes. */
export const MAX_REPORT_BYTES = 64 * 1024 * 1024;

/** What {@link recordScan} needs. */
export interface RecordScanDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly send: Send;
  readonly journal: Journal;
  readonly reports: {
    get: (ref: BlobRef, maxBytes: number) => Promise<Uint8Array>;
    put: (bytes: Uint8Array, contentType: string) => Promise<BlobRef>;
  };
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
    update: (
      key: ArtifactKey,
      change: (entry: LedgerEntry) => LedgerEntry | undefined,
      known?: { readonly entry: LedgerEntry; readonly version: string },
    ) => Promise<LedgerEntry | undefined>;
    newestDatabase: () => Promise<DatabaseEvidence | undefined>;
    recordDatabase: (database: DatabaseEvidence) => Promise<void>;
  };
  readonly epochs: Epochs;
  /** Reads the raw report. Throws an `AppError` where it is malformed or speaks of another image. */
  readonly readReport: (bytes: Uint8Array, digest: Digest) => ScanReport;
  /** Why this database may not be trusted, beside the newest one that was used; undefined when it may. */
  readonly databaseProblem: (
    database: DatabaseEvidence,
    newest: DatabaseEvidence | undefined,
  ) => { readonly code: string; readonly message: string } | undefined;
}

/**
 * Takes what the scan job hands in. Evidence is accepted for an open request only, by its id, and read again here: the
 * job parses untrusted layers and is not believed. Anything else is put down in the journal and dropped.
 */
export async function recordScan(message: Scanned, deps: RecordScanDeps): Promise<void> {
  const { key, scanId, outcome } = message;
  const found = await deps.ledger.read(key);
  const open = found && openScanOf(found.entry);
  if (open?.scanId !== scanId) {
    // The same outcome delivered twice, or evidence that nobody asked for. If the first delivery died after its write,
    // the decision is still owed.
    if (found !== undefined && isRecorded(found.entry, scanId)) await askForDecision(found.entry, deps);
    else await deps.journal({ key, what: 'scan-unasked', who: LAZARET, detail: { scanId }, id: `unasked-${scanId}` });
    return;
  }
  if (outcome.kind === 'retry') {
    await deps.send(scanQueue(open), { v: MESSAGE_VERSION, scanId, key, since: open.requestedAt });
    const enqueuedAt = deps.clock().toISOString();
    await deps.ledger.update(key, (entry) => withOpenScan(entry, scanId, (scan) => ({ ...scan, enqueuedAt })));
    return;
  }
  // What has been scanned keeps its evidence, so a newer scan that comes to nothing just ends.
  const isFirst = found?.entry.scan.state === 'open';
  if (isFirst && outcome.kind === 'failed' && outcome.code === 'QUARANTINED' && isOurs(found.entry)) {
    // Our own lock, set at the deadline, keeps the scan out: that is not the image's failure. A release asks for it again.
    await deps.journal({ key, what: 'scan-locked-out', who: LAZARET, id: `locked-out-${scanId}` });
    return;
  }
  const failure = outcome.kind === 'failed' ? outcome : await accept({ key, open, outcome, known: found }, deps);
  if (failure !== undefined) await fail({ message, open, failure }, deps);
}

function isOurs(entry: LedgerEntry): boolean {
  return ['applying', 'quarantined', 'refused'].includes(entry.enforcement.state);
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** Records a report, or says why it cannot be one. */
async function accept(
  {
    key,
    open,
    outcome,
    known,
  }: {
    readonly key: ArtifactKey;
    readonly known: { readonly entry: LedgerEntry; readonly version: string } | undefined;
    readonly open: OpenScan;
    readonly outcome: Extract<ScanOutcome, { kind: 'report' }>;
  },
  deps: RecordScanDeps,
): Promise<Failure | undefined> {
  const { scanId } = open;
  // Side by side: a push waits for both.
  const [newest, raw] = await Promise.all([deps.ledger.newestDatabase(), fetchReport(outcome.report, deps)]);
  const problem = deps.databaseProblem(outcome.database, newest);
  if (problem !== undefined) return { ...problem, retryable: true };
  let report: ScanReport;
  try {
    if (raw instanceof AppError) throw raw;
    report = deps.readReport(raw, key.digest);
  } catch (error) {
    if (!(error instanceof AppError) || error.retryable) throw error;
    return { code: error.code, message: error.message, retryable: false };
  }
  const findings = await deps.reports.put(Buffer.from(JSON.stringify(report)), 'application/json');
  const recorded = await deps.ledger.update(
    key,
    (entry) => {
      if (openScanOf(entry)?.scanId !== scanId) return undefined;
      const { report: stored, sbom, database, startedAt, finishedAt, scanMilliseconds, convertMilliseconds } = outcome;
      return {
        ...entry,
        rescan: undefined,
        scan: {
          ...{
            report: stored,
            ...(sbom && { sbom }),
            database,
            startedAt,
            finishedAt,
            scanMilliseconds,
            convertMilliseconds,
          },
          state: 'done',
          scanId,
          requestedAt: open.requestedAt,
          scannerVersion: report.scannerVersion,
          counts: countBySeverity(report.findings.map(({ severity }) => severity)),
          findings,
        },
      };
    },
    known,
  );
  if (newest?.digest !== outcome.database.digest) await deps.ledger.recordDatabase(outcome.database);
  await deps.epochs('database', outcome.database.digest);
  await deps.epochs('scanner', report.scannerVersion);
  await askForDecision(recorded, deps);
  return undefined;
}

/** A report that is not there is an answer, for its database may be the better reason. */
function fetchReport(ref: BlobRef, { reports }: RecordScanDeps): Promise<Uint8Array | AppError> {
  return reports.get(ref, MAX_REPORT_BYTES).catch((error: unknown) => {
    if (error instanceof AppError) return error;
    throw error;
  });
}

async function fail(
  { message, open, failure }: { readonly message: Scanned; readonly open: OpenScan; readonly failure: Failure },
  deps: RecordScanDeps,
): Promise<void> {
  const { key, scanId } = message;
  const now = deps.clock();
  const age = now.getTime() - new Date(open.requestedAt).getTime();
  deps.log('warn', 'scan-failed', { code: failure.code, retryable: failure.retryable, failures: open.failures });
  if (failure.retryable && age < MAX_RETRY_MILLISECONDS) {
    // The delay sits here and never in `scan`, whose length starts jobs.
    const delaySeconds = retryDelaySeconds(open.failures);
    await deps.send(QUEUES.scanned, { ...message, attempt: 0, outcome: { kind: 'retry' } }, { delaySeconds });
    const failures = open.failures + 1;
    await deps.ledger.update(key, (entry) => withOpenScan(entry, scanId, (scan) => ({ ...scan, failures })));
    return;
  }
  await closeScan({ key, scanId, failure }, deps);
}

/**
 * Ends an open scan without a report. Of a first one the verdict can only be what the policy says of `unscannable`; a newer
 * one takes nothing away.
 */
export async function closeScan(
  {
    key,
    scanId,
    failure,
  }: {
    readonly key: ArtifactKey;
    readonly scanId: string;
    readonly failure: { readonly code: string; readonly message: string; readonly retryable?: boolean };
  },
  deps: Pick<RecordScanDeps, 'clock' | 'ledger' | 'send'>,
): Promise<void> {
  const finishedAt = deps.clock().toISOString();
  const { code, message, retryable = false } = failure;
  const closed = await deps.ledger.update(key, (entry) =>
    withOpenScan(entry, scanId, ({ requestedAt }) => ({
      ...{ state: 'failed', scanId, requestedAt, finishedAt, code, message },
      ...(retryable && { retryable }),
    })),
  );
  await askForDecision(closed, deps);
}

/** While the verification is out, its end asks for the decision. */
async function askForDecision(
  entry: LedgerEntry | undefined,
  deps: Pick<RecordScanDeps, 'clock' | 'send'>,
): Promise<void> {
  if (entry === undefined || entry.signature.state === 'open') return;
  const { key } = entry;
  const since = deps.clock().toISOString();
  await deps.send(QUEUES.decide, { v: MESSAGE_VERSION, key, attempt: 0, since });
}
