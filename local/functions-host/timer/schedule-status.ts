import type { BlobServiceClient } from '@azure/storage-blob';
import { z } from 'zod';
import { NEVER, toDotNetTime } from './dot-net-time.js';
import type { Schedule } from './schedule.js';

/** What is remembered of a timer. `NEVER` stands for what has not happened. */
export interface ScheduleStatus {
  /** When it ran last. */
  readonly last: Date;
  /** When it has to run next. */
  readonly next: Date;
  /** The time from which `next` was computed. */
  readonly lastUpdated: Date;
}

/** Where it is remembered. */
export interface ScheduleMonitor {
  readonly read: () => Promise<ScheduleStatus | undefined>;
  readonly write: (status: ScheduleStatus) => Promise<void>;
}

/** The form in which the real host keeps it, and shows it to a function. */
export function formatStatus({ last, next, lastUpdated }: ScheduleStatus) {
  return { Last: toDotNetTime(last), Next: toDotNetTime(next), LastUpdated: toDotNetTime(lastUpdated) };
}

const time = z
  .string()
  .transform((text) => new Date(text))
  .refine((date) => !Number.isNaN(date.getTime()));
const statusSchema = z
  .object({ Last: time, Next: time, LastUpdated: time })
  .transform(({ Last, Next, LastUpdated }) => ({ last: Last, next: Next, lastUpdated: LastUpdated }));

const CONTAINER = 'azure-webjobs-hosts';

/**
 * Remembers in the blob in which the real host does: `timers/{host id}/Host.Functions.{function}/status`. Reading throws
 * where the storage fails, and where the blob is not ours.
 * https://github.com/Azure/azure-webjobs-sdk-extensions (StorageScheduleMonitor)
 */
export function createScheduleMonitor(
  blobs: Promise<BlobServiceClient>,
  { hostId, functionName }: { readonly hostId: string; readonly functionName: string },
): ScheduleMonitor {
  const open = async () => {
    const container = (await blobs).getContainerClient(CONTAINER);
    return { container, blob: container.getBlockBlobClient(`timers/${hostId}/Host.Functions.${functionName}/status`) };
  };
  return {
    read: async () => {
      const { blob } = await open();
      try {
        return statusSchema.parse(JSON.parse((await blob.downloadToBuffer()).toString('utf8')));
      } catch (error) {
        if ((error as { readonly statusCode?: number }).statusCode === 404) return undefined;
        throw error;
      }
    },
    write: async (status) => {
      const { container, blob } = await open();
      await container.createIfNotExists();
      const body = Buffer.from(JSON.stringify(formatStatus(status)));
      await blob.upload(body, body.byteLength);
    },
  };
}

/** What {@link checkPastDue} finds. */
export interface Checked {
  readonly status: ScheduleStatus;
  /** Whether an occurrence was missed. */
  readonly isPastDue: boolean;
  /** Whether the status is new, so that it has to be written. */
  readonly changed: boolean;
}

/**
 * Compares what is remembered with the schedule and the time. A schedule that has changed since is taken over, and what it
 * would have missed in the past does not count.
 * https://github.com/Azure/azure-webjobs-sdk-extensions (ScheduleMonitor.CheckPastDueAsync)
 */
export function checkPastDue(now: Date, schedule: Schedule, known: ScheduleStatus | undefined): Checked {
  if (known === undefined) {
    return {
      status: { last: NEVER, next: schedule.nextAfter(now), lastUpdated: now },
      isPastDue: false,
      changed: true,
    };
  }
  const base = [known.last, known.lastUpdated].find((date) => date.getTime() !== NEVER.getTime()) ?? now;
  const expected = schedule.nextAfter(base);
  if (known.next.getTime() === expected.getTime())
    return { status: known, isPastDue: now > known.next, changed: false };
  const missed = now > expected;
  const status = {
    last: NEVER,
    next: missed ? schedule.nextAfter(now) : expected,
    lastUpdated: missed ? now : base,
  };
  return { status, isPastDue: false, changed: true };
}
