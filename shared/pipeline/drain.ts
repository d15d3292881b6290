import { AppError, isAppError } from '../error/app-error.js';
import {
  type ScanRequest,
  type Scanned,
  MESSAGE_VERSION,
  parseMessage,
  scanRequestSchema,
} from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { Clock, Log, Send } from './effects.js';
import { failed } from './scan.js';

/** After so many deliveries that all ended without an outcome, the image is given up. */
export const MAX_DELIVERIES = 5;

/** A leased message of the `scan` queue. */
export interface Lease {
  readonly body: unknown;
  readonly text: string;
  readonly deliveries: number;
  readonly renew: () => Promise<void>;
  readonly release: (delaySeconds: number) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** What {@link drain} needs. */
export interface DrainDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly send: Send;
  readonly receive: (max: number) => Promise<readonly Lease[]>;
  readonly scan: (request: ScanRequest, signal: AbortSignal) => Promise<Scanned>;
  /** Resolves after so long, or when `signal` aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** How many images are scanned at once. */
  readonly concurrency: number;
  /** How long an execution waits for more work before it ends, in milliseconds. */
  readonly lingerMilliseconds: number;
  readonly pollMilliseconds: number;
  /** How often a lease is extended while a scan runs, in milliseconds. */
  readonly renewMilliseconds: number;
  /** Ends the execution: what is being scanned is given back. */
  readonly stop: AbortSignal;
}

/**
 * Empties the `scan` queue and returns how many messages it took. The lease of a message is all the state there is: it
 * is removed once its outcome is on `scanned`, and comes back by itself when this process dies.
 */
export async function drain(deps: DrainDeps): Promise<number> {
  const running = new Set<Promise<void>>();
  let taken = 0;
  let idleSince = deps.clock().getTime();
  while (!deps.stop.aborted) {
    const leases = running.size < deps.concurrency ? await deps.receive(1) : [];
    const lease = leases[0];
    if (lease !== undefined) {
      taken += 1;
      // What has brought a process down before is not scanned beside another image.
      const alone = lease.deliveries > 1;
      if (alone && !(await waitForOthers(lease, running, deps))) continue;
      const work = process(lease, deps).finally(() => running.delete(work));
      running.add(work);
      if (alone) await work;
      idleSince = deps.clock().getTime();
      continue;
    }
    if (running.size > 0) {
      await Promise.race([
        ...running,
        ...(running.size < deps.concurrency ? [deps.sleep(deps.pollMilliseconds, deps.stop)] : []),
      ]);
      idleSince = deps.clock().getTime();
      continue;
    }
    if (deps.clock().getTime() - idleSince >= (taken === 0 ? 0 : deps.lingerMilliseconds)) break;
    await deps.sleep(deps.pollMilliseconds, deps.stop);
  }
  await Promise.all(running);
  return taken;
}

/** False where the lease was lost meanwhile: somebody else has the message. */
async function waitForOthers(lease: Lease, running: ReadonlySet<Promise<void>>, deps: DrainDeps): Promise<boolean> {
  try {
    await holdWhile(lease, Promise.all(running), deps);
    return true;
  } catch (error) {
    deps.log('warn', 'lease-lost', { code: error instanceof AppError ? error.code : 'UNEXPECTED' });
    return false;
  }
}

async function process(lease: Lease, deps: DrainDeps): Promise<void> {
  try {
    const request = parseMessage(scanRequestSchema, lease.body);
    if (lease.deliveries > MAX_DELIVERIES) {
      await handOver(
        request,
        new AppError('GAVE_UP', `The scan ended without an outcome ${MAX_DELIVERIES} times.`),
        deps,
      );
    } else {
      const abort = new AbortController();
      const outcome = deps.scan(request, AbortSignal.any([abort.signal, deps.stop]));
      const scanned = await holdWhile(lease, outcome, deps).catch((error: unknown) => {
        abort.abort();
        throw error;
      });
      // Stopped from outside: the message goes back as it was, and no failure is counted against the image.
      if (deps.stop.aborted) {
        await lease.release(0);
        return;
      }
      await deps.send(QUEUES.scanned, scanned);
    }
    await lease.remove();
  } catch (error) {
    await leave(lease, error, deps);
  }
}

async function handOver({ key, scanId }: ScanRequest, error: AppError, deps: DrainDeps): Promise<void> {
  const since = deps.clock().toISOString();
  await deps.send(QUEUES.scanned, { v: MESSAGE_VERSION, scanId, key, outcome: failed(error, deps), attempt: 0, since });
}

/** The message stays in the queue; what is no message at all is kept by the function that reads `scanned`. */
async function leave(lease: Lease, error: unknown, deps: DrainDeps): Promise<void> {
  const code = error instanceof AppError ? error.code : 'UNEXPECTED';
  deps.log('error', 'scan-not-handed-over', { code, deliveries: lease.deliveries });
  if (isAppError(error, 'LEASE_LOST')) return;
  try {
    if (isAppError(error, 'MESSAGE_MALFORMED')) {
      // recordScan refuses it: recorded, and told to the team.
      await deps.send(QUEUES.scanned, { v: MESSAGE_VERSION, refusedScanRequest: lease.text.slice(0, 8000) });
      await lease.remove();
    } else {
      await lease.release(30);
    }
  } catch {
    // Storage is away. The lease ends by itself, and the message is seen again.
    deps.log('error', 'lease-left', { code });
  }
}

/** Waits for `work` and keeps the lease meanwhile. Rejects when the lease is lost. */
async function holdWhile<T>(lease: Lease, work: Promise<T>, deps: DrainDeps): Promise<T> {
  const done = new AbortController();
  const renewing = (async (): Promise<never> => {
    for (;;) {
      await deps.sleep(deps.renewMilliseconds, done.signal);
      if (done.signal.aborted) return await new Promise<never>(() => undefined);
      try {
        await lease.renew();
      } catch (error) {
        if (isAppError(error, 'LEASE_LOST')) throw error;
        // An outage shorter than the lease does no harm.
        deps.log('warn', 'lease-not-renewed', { code: error instanceof AppError ? error.code : 'UNEXPECTED' });
      }
    }
  })();
  try {
    return await Promise.race([work, renewing]);
  } finally {
    done.abort();
  }
}
