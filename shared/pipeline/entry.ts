import { z } from 'zod';
import { digestSchema } from '../artifact/descriptor.js';
import { type Tag, isTag } from '../artifact/tag.js';
import { keySchema } from '../message/key-schema.js';
import { blobRefSchema, databaseSchema } from '../message/queue-message.js';

const time = z.iso.datetime({ offset: true });
const tag = z.custom<Tag>((value) => typeof value === 'string' && isTag(value), 'not a tag');
const reason = z.object({ code: z.string(), message: z.string() });
const attributes = z.object({
  readEnabled: z.boolean(),
  writeEnabled: z.boolean(),
  deleteEnabled: z.boolean(),
  listEnabled: z.boolean(),
});
const counts = z.object({
  critical: z.number(),
  high: z.number(),
  medium: z.number(),
  low: z.number(),
  unknown: z.number(),
});
const action = z.enum(['mark', 'untag', 'lock', 'lock-and-untag']);
const applied = z.object({
  kind: z.enum(['untag', 'lock', 'unlock', 'retag']),
  tag: tag.optional(),
  outcome: z.enum(['done', 'refused', 'withheld']),
  at: time,
});

const scan = z.discriminatedUnion('state', [
  z.object({ state: z.literal('none') }),
  z.object({
    state: z.literal('open'),
    scanId: z.uuid(),
    requestedAt: time,
    /** When the request was last known to be in the queue; a duplicate event does not enqueue it again. */
    enqueuedAt: time.optional(),
    /** Retryable failures so far. */
    failures: z.number().int().nonnegative(),
  }),
  z.object({
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
    sbom: blobRefSchema,
    sarif: blobRefSchema,
    scanMilliseconds: z.number(),
    convertMilliseconds: z.number(),
  }),
  z.object({
    state: z.literal('failed'),
    scanId: z.uuid(),
    requestedAt: time,
    finishedAt: time,
    code: z.string(),
    message: z.string(),
  }),
]);

const signature = z.discriminatedUnion('state', [
  z.object({ state: z.literal('open'), requestedAt: time, enqueuedAt: time.optional() }),
  z.object({
    state: z.literal('done'),
    at: time,
    outcome: z.enum(['verified', 'missing', 'untrusted', 'inconclusive', 'not-required']),
    code: z.string(),
    message: z.string(),
    /** Every check of every candidate, with the envelopes that were seen. */
    evidence: blobRefSchema.optional(),
  }),
]);

const decision = z.object({
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'pending']),
  reasons: z.array(reason),
  action,
  because: z.enum(['push', 'change']),
  policy: digestSchema,
  rule: z.number().int().nonnegative(),
  waitUntil: time.optional(),
  crossing: z.array(z.string()),
});

const enforcement = z.object({
  /**
   * `applying`: the record is written and changes have begun. `refused`: the registry did not let us do all of it.
   * `withheld`: enforcement is off. `released`: undone, by a person or by a pass.
   */
  state: z.enum(['none', 'withheld', 'applying', 'quarantined', 'refused', 'released']),
  action: action.optional(),
  at: time.optional(),
  /** What stood before the first change. */
  record: z.object({ attributes, tags: z.array(tag), blob: blobRefSchema.optional() }).optional(),
  operations: z.array(applied),
});

/** zod for a {@link LedgerEntry}, as it is stored. */
export const entrySchema = z.object({
  key: keySchema,
  kind: z.enum(['image', 'index']),
  mediaType: z.string(),
  /** Bytes of the manifest. */
  size: z.number().int().nonnegative(),
  platform: z.string().optional(),
  firstSeenAt: time,
  pushedAt: time,
  pushedBy: z.string().optional(),
  /** Tags it was pushed under, newest last; bounded. */
  tags: z.array(tag),
  /** Indexes that hold it; bounded. */
  parents: z.array(digestSchema),
  children: z.array(z.object({ digest: digestSchema, platform: z.string() })),
  scan,
  signature,
  decision: decision.optional(),
  decidedAt: time.optional(),
  /** When the operations of `decision` had all been applied, withheld or refused. */
  settledAt: time.optional(),
  /** When it first passed. */
  passedAt: time.optional(),
  enforcement,
  marks: z.array(z.object({ kind: z.enum(['sbom', 'sarif']), digest: digestSchema })),
  /** What the last card said. */
  alerted: z
    .object({
      verdict: z.enum(['pass', 'fail', 'inconclusive']),
      crossing: z.array(z.string()),
      state: z.string(),
      /** When it was decided to tell it: what makes the next news another one. */
      at: time.optional(),
    })
    .optional(),
  /** What the last decision has recorded and is not known to have told yet: a stored alert, the indexes that hold it. */
  owed: z
    .object({
      alertId: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
      parents: z.boolean(),
    })
    .optional(),
  release: z.object({ by: z.string(), reason: z.string(), at: time }).optional(),
  /** When the registry no longer knew the digest. */
  goneAt: time.optional(),
});

/** All that Lazaret knows of one digest in one repository. */
export type LedgerEntry = z.infer<typeof entrySchema>;
export type ScanState = LedgerEntry['scan'];
export type Enforcement = LedgerEntry['enforcement'];

/** The most tags and parents that an entry remembers; the oldest are forgotten first. */
export const MAX_REMEMBERED = 50;

/** Appends a value that is not there yet, moves one that is to the end, and forgets the oldest. */
export function remember<T>(values: readonly T[], value: T): T[] {
  return [...values.filter((existing) => existing !== value), value].slice(-MAX_REMEMBERED);
}

/** Where a tag of a repository was last seen to point, and whether quarantine took it away. */
export const tagEntrySchema = z.object({
  registry: keySchema.shape.registry,
  repository: keySchema.shape.repository,
  tag,
  digest: digestSchema,
  /** When it was pushed to `digest` (RFC 3339). */
  pushedAt: time,
  /** Our last removal of this tag, from which digest, and when it began and was over. */
  removed: z.object({ digest: digestSchema, at: time, until: time.optional() }).optional(),
});

/** One tag of one repository in the ledger. */
export type TagEntry = z.infer<typeof tagEntrySchema>;
