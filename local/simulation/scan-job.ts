import { AppError } from '../../shared/error/app-error.js';
import { type DrainDeps, drain } from '../../shared/pipeline/drain.js';
import type { Clock, Log, Send } from '../../shared/pipeline/effects.js';
import { type ScanDeps, scan } from '../../shared/pipeline/scan.js';
import { createReceiver, receiveFirst } from '../../shared/queue/receiver.js';
import type { RegistryClient } from '../../shared/registry/registry-client.js';
import type { DatabaseEvidence } from '../../shared/vulnerability/report.js';
import type { Queue } from '../../shared/queue/queue-service.js';
import { contentOf, reportOn } from './images.js';
import type { Process } from './process.js';
import { type Luck, contextOfThis, subjectOf, within } from './context.js';

/** What {@link runScanJob} needs, all of it bound to the job's process. */
export interface ScanJobOptions {
  readonly process: Process;
  readonly luck: Luck;
  readonly clock: Clock;
  readonly log: Log;
  readonly send: Send;
  /** Pushes first, then sweeps. */
  readonly queues: readonly Omit<Queue, 'sendMessage'>[];
  readonly registry: RegistryClient;
  readonly reports: ScanDeps['reports'];
  /** Which vulnerability database is the current one. */
  readonly database: () => DatabaseEvidence & { readonly serial: number };
  /** Told how often a message that the job takes has been delivered. */
  readonly onTaken: (deliveries: number) => void;
  /** Changes what the job stands on: how a test breaks it. */
  readonly mutate: (deps: DrainDeps) => DrainDeps;
}

/** The lease of a message, and what follows from it; `jobs/scan` computes the same from its settings. */
const LEASE_SECONDS = 300;

/** Runs one execution of the scan job: the production `drain` and `scan` around a scanner that only reads the manifest. */
export async function runScanJob(options: ScanJobOptions): Promise<void> {
  const { process, clock, log, registry, reports } = options;
  const receive = receiveFirst(options.queues.map((queue) => createReceiver(queue, LEASE_SECONDS)));
  const inContext = <T>(what: string, about: object, work: () => T): T => {
    const { place, label } = subjectOf(about);
    return within({ place, label, random: options.luck(`job ${what} ${label}`) }, work);
  };
  const deps: DrainDeps = {
    clock,
    log,
    send: (queue, message, delay) => inContext('scanned', message, () => options.send(queue, message, delay)),
    receive: async (max) => {
      const leases = await receive(max);
      for (const { deliveries } of leases) options.onTaken(deliveries);
      return leases;
    },
    scan: (request, signal) =>
      inContext('scan', request, () =>
        scan(request, signal, {
          clock,
          log,
          registry,
          reports,
          maxImageBytes: 1024 * 1024,
          scanImage: (key) => scanImage(key, options),
        }),
      ),
    sleep: process.sleep,
    concurrency: 2,
    lingerMilliseconds: 60_000,
    pollMilliseconds: 5000,
    renewMilliseconds: (LEASE_SECONDS * 1000) / 3,
    stop: new AbortController().signal,
  };
  await drain(options.mutate(deps));
}

/** A pure function of the image and of the database, that takes a while and pulls when it is done. */
async function scanImage(
  key: Parameters<ScanDeps['scanImage']>[0],
  { process, registry, database }: ScanJobOptions,
): ReturnType<ScanDeps['scanImage']> {
  const { serial, ...evidence } = database();
  const random = contextOfThis()?.random;
  const long = random?.chance(0.05) === true;
  const milliseconds = 1000 + (random?.below(long ? 400_000 : 30_000) ?? 0);
  await process.effect('scanner.scan', () => Promise.resolve(), milliseconds);
  const { bytes } = await registry.fetchManifest(key.registry, key.repository, key.digest);
  const content = contentOf(bytes);
  if (content === undefined || content === 'broken') throw new AppError('LAYER_UNREADABLE', 'simulated');
  return {
    report: Buffer.from(JSON.stringify(reportOn(key.digest, content, serial))),
    sbom: Buffer.from(JSON.stringify({ bomFormat: 'CycloneDX', of: key.digest })),
    database: evidence,
    scanMilliseconds: milliseconds,
    convertMilliseconds: 0,
  };
}

/** The database that a scan would get at `now`, of those published at these times (milliseconds) after the first; a newer one has another number. */
export function currentDatabase(
  published: readonly number[],
  { now, first }: { readonly now: number; readonly first: number },
): DatabaseEvidence & { readonly serial: number } {
  const out = published.filter((at) => at <= now);
  const serial = out.length + 1;
  const updatedAt = new Date(out.at(-1) ?? first).toISOString();
  return { serial, digest: `database ${serial}`, updatedAt, entries: 100 };
}
