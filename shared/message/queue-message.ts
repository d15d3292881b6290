import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { digestSchema } from '../artifact/descriptor.js';
import { keySchema, tagSchema } from './key-schema.js';

/** The version that this code writes and reads; another one waits for the deployment that knows it. */
export const MESSAGE_VERSION = 1;
/** The largest message that is sent, in bytes of JSON: 64 KiB of Storage, less base64 and envelope. */
export const MAX_MESSAGE_BYTES = 48 * 1024;

const time = z.iso.datetime({ offset: true });

/**
 * How often, and since when, a message has been tried. The names differ from those that the Functions host merges from
 * a JSON body over its own metadata (`id`, `dequeueCount`, `popReceipt`, …), which must never be top-level members.
 */
const attempts = { attempt: z.number().int().min(0).max(1000).default(0), since: time };

/** Names a stored blob by the hash of its bytes. */
export const blobRefSchema = z.object({ digest: digestSchema, bytes: z.number().int().nonnegative() });

/** A stored blob: reports, bills of materials, envelopes. Create-only, named by its digest. */
export type BlobRef = z.infer<typeof blobRefSchema>;

const version = { v: z.literal(MESSAGE_VERSION) };

/** A registry event that waits for another try, on `registry-events`. */
export const retriedEventSchema = z.object({ ...version, ...attempts, event: z.unknown() });
export type RetriedEvent = z.infer<typeof retriedEventSchema>;

/** Work for the scan job, on `scan`. */
export const scanRequestSchema = z.object({ ...version, scanId: z.uuid(), key: keySchema, since: time });
export type ScanRequest = z.infer<typeof scanRequestSchema>;

/** Work for `verify`. `again`: a signature arrived after an earlier verification. */
export const verifyRequestSchema = z.object({
  ...version,
  ...attempts,
  key: keySchema,
  again: z.boolean().default(false),
});
export type VerifyRequest = z.infer<typeof verifyRequestSchema>;

/** The vulnerability database of a scan. */
export const databaseSchema = z.object({
  digest: z.string().max(100),
  updatedAt: time,
  entries: z.number().int().nonnegative(),
});

/** What a scan ended with: evidence in blobs, a failure, or nothing yet (`retry`: ask for it again now). */
export const scanOutcomeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('report'),
    report: blobRefSchema,
    sbom: blobRefSchema.optional(),
    database: databaseSchema,
    startedAt: time,
    finishedAt: time,
    /** Milliseconds of the raw scan and of its conversion into a bill of materials, for the benchmark and for people. */
    scanMilliseconds: z.number().nonnegative(),
    convertMilliseconds: z.number().nonnegative(),
  }),
  z.object({
    kind: z.literal('failed'),
    code: z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/),
    message: z.string().max(2000),
    retryable: z.boolean(),
    finishedAt: time,
  }),
  z.object({ kind: z.literal('retry') }),
]);
export type ScanOutcome = z.infer<typeof scanOutcomeSchema>;

/** From the scan job to `recordScan`, on `scanned`: the only queue that the job may write. */
export const scannedSchema = z.object({
  ...version,
  ...attempts,
  scanId: z.uuid(),
  key: keySchema,
  outcome: scanOutcomeSchema,
});
export type Scanned = z.infer<typeof scannedSchema>;

/** A manifest that a sweep found in a registry, on `sweep`. */
export const sweepRequestSchema = z.object({
  ...version,
  ...attempts,
  key: keySchema,
  tags: z.array(tagSchema).max(50),
  /** When the registry last saw it change. */
  at: time,
  /** It is older than this installation. */
  existing: z.boolean().default(false),
});
export type SweepRequest = z.infer<typeof sweepRequestSchema>;

/**
 * Only a key: whoever can write this queue can cause a decision, but not what it says. `deadline`: the end of the wait for
 * evidence, which matters only where something is still missing.
 */
export const decideRequestSchema = z.object({
  ...version,
  ...attempts,
  key: keySchema,
  deadline: z.boolean().default(false),
});
export type DecideRequest = z.infer<typeof decideRequestSchema>;

/** Names a stored alert by its identifier, which is the same for the same news. */
export const alertRequestSchema = z.object({ ...version, ...attempts, alertId: z.string().regex(/^[0-9a-f]{64}$/) });
export type AlertRequest = z.infer<typeof alertRequestSchema>;

const versionProbe = z.object({ v: z.number() });

/**
 * Parses a queue message. Throws `MESSAGE_NEWER` (retryable: job and app deploy apart, so it waits) for another
 * version, and `MESSAGE_MALFORMED` (permanent) for anything else that is wrong.
 */
export function parseMessage<T>(schema: z.ZodType<T>, message: unknown): T {
  const probe = versionProbe.safeParse(message);
  if (probe.success && probe.data.v !== MESSAGE_VERSION) {
    throw new AppError('MESSAGE_NEWER', `a message of version ${probe.data.v}; this code reads ${MESSAGE_VERSION}`, {
      retryable: true,
    });
  }
  const result = schema.safeParse(message);
  if (!result.success) {
    throw new AppError('MESSAGE_MALFORMED', `a malformed message: ${z.prettifyError(result.error).slice(0, 500)}`);
  }
  return result.data;
}
