import { z } from 'zod';
import { digestSchema } from '../artifact/descriptor.js';
import { keySchema, tagSchema as tag } from '../message/key-schema.js';
import { blobRefSchema } from '../message/queue-message.js';
import { rescanSchema, scanSchema } from './scan-state.js';

const time = z.iso.datetime({ offset: true });
const reason = z.object({ code: z.string(), message: z.string() });
const attributes = z.object({
  readEnabled: z.boolean(),
  writeEnabled: z.boolean(),
  deleteEnabled: z.boolean(),
  listEnabled: z.boolean(),
});
const action = z.enum(['mark', 'untag', 'lock', 'lock-and-untag']);
const applied = z.object({
  kind: z.enum(['untag', 'lock', 'unlock', 'retag']),
  tag: tag.optional(),
  outcome: z.enum(['done', 'refused', 'withheld']),
  at: time,
});

const signature = z.discriminatedUnion('state', [
  z.object({ state: z.literal('open'), requestedAt: time, enqueuedAt: time.optional() }),
  z.object({
    state: z.literal('done'),
    at: time,
    outcome: z.enum(['verified', 'missing', 'untrusted', 'inconclusive', 'not-required']),
    code: z.string(),
    message: z.string(),
    /** What each signature came to by itself; bounded. The evidence holds every check of all of them. */
    signatures: z
      .array(
        z.object({
          kind: z.string(),
          digest: digestSchema,
          outcome: z.enum(['verified', 'refused', 'inconclusive']),
          code: z.string(),
          message: z.string(),
          signer: z.string().optional(),
        }),
      )
      .optional(),
    /** The policy that it was verified under; absent where no verification was made. */
    policy: digestSchema.optional(),
    /** Every check of every candidate, with the envelopes that were seen. */
    evidence: blobRefSchema.optional(),
  }),
]);

/** What changed, so that a digest is to be quarantined that was not before. */
export const CAUSES = ['push', 'enforcement', 'policy', 'key', 'database', 'scanner', 'evidence'] as const;
export type Cause = (typeof CAUSES)[number];

const withheld = z.discriminatedUnion('because', [
  z.object({ because: z.enum(['existing', 'reserved']) }),
  z.object({ because: z.literal('change'), until: time }),
]);

const decision = z.object({
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'pending']),
  reasons: z.array(reason),
  action,
  withheld: withheld.optional(),
  because: z.enum(['push', 'change']),
  policy: digestSchema,
  /** Absent in what an earlier version wrote. */
  trust: digestSchema.optional(),
  rule: z.number().int().nonnegative(),
  waitUntil: time.optional(),
  crossing: z.array(z.string()),
  /** What the verdict rests on, so that the next one can tell what has changed. */
  basis: z.object({ database: z.string(), scanner: z.string() }).optional(),
  /** No evaluation: deciding was given up, and is tried again by a later sweep. */
  gaveUp: z.boolean().optional(),
});

const enforcement = z.object({
  /**
   * `applying`: the record is written and changes have begun. `refused`: the registry did not let us do all of it.
   * `withheld`: nothing was done, and `withheld` says why. `released`: undone, by a person or by a pass.
   * `contested`: somebody else took the lock off again and again, and it is left off until a person decides.
   */
  state: z.enum(['none', 'withheld', 'applying', 'quarantined', 'contested', 'refused', 'released']),
  action: action.optional(),
  at: time.optional(),
  /** Why nothing was done: by the decision, since enforcement is off, or since the brake is on. */
  withheld: z.union([withheld, z.object({ because: z.enum(['observe', 'brake']) })]).optional(),
  /** When the lock was last put on, and when it was put on again since somebody else had taken it off; of the last day. */
  lockedAt: time.optional(),
  relockedAt: z.array(time).optional(),
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
  scan: scanSchema,
  /** A newer scan of what has been scanned: it is out, or has failed. What `scan` says counts until it is done. */
  rescan: rescanSchema.optional(),
  signature,
  decision: decision.optional(),
  decidedAt: time.optional(),
  /** When the operations of `decision` had all been applied, withheld or refused. */
  settledAt: time.optional(),
  /** How often our lock was lifted for a scan that had never come. */
  reopened: z.number().int().nonnegative().optional(),
  /** It was in the registry before this installation: judged and told, and not quarantined. */
  existing: z.boolean().optional(),
  /** When it first passed. */
  passedAt: time.optional(),
  /**
   * Since when a digest that has passed fails, and what had changed then. A verdict that could not be reached neither starts
   * this nor ends it.
   */
  failing: z.object({ since: time, cause: z.enum(CAUSES) }).optional(),
  enforcement,
  /** Those of the last scan, once it is decided on. `inputs`: of which scans that of an index is made. */
  marks: z.array(
    z.object({
      kind: z.enum(['sbom', 'sarif']),
      digest: digestSchema,
      scanId: z.uuid().optional(),
      inputs: digestSchema.optional(),
    }),
  ),
  /** Marks of an index that may be there beside those; the last one is wanted, and takes the place of all others. */
  drafts: z.array(digestSchema).optional(),
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
  /** `until`: the end of a release that is for a time. */
  release: z.object({ by: z.string(), reason: z.string(), at: time, until: time.optional() }).optional(),
  /** When the registry no longer knew the digest. */
  goneAt: time.optional(),
});

/** All that Lazaret knows of one digest in one repository. */
export type LedgerEntry = z.infer<typeof entrySchema>;
export type Enforcement = LedgerEntry['enforcement'];

/** The most tags and parents that an entry remembers; the oldest are forgotten first. */
export const MAX_REMEMBERED = 50;

/** Appends a value that is not there yet, moves one that is to the end, and forgets the oldest. */
export function remember<T>(values: readonly T[], value: T): T[] {
  return [...values.filter((existing) => existing !== value), value].slice(-MAX_REMEMBERED);
}

/** For which digest a tag of a repository was last pushed, and what we have done with it since. */
export const tagEntrySchema = z.object({
  registry: keySchema.shape.registry,
  repository: keySchema.shape.repository,
  tag,
  digest: digestSchema,
  /** When it was pushed to `digest` (RFC 3339). */
  pushedAt: time,
  /** Our last removal of this tag, from which digest, and when it began and was over. */
  removed: z.object({ digest: digestSchema, at: time, until: time.optional() }).optional(),
  /** Our restorations of this tag, one for a digest, the last one last: to which digest, when it began and was over. */
  restored: z.array(z.object({ digest: digestSchema, at: time, until: time.optional() })).optional(),
});

/** One tag of one repository in the ledger. */
export type TagEntry = z.infer<typeof tagEntrySchema>;

/** A manifest that gets no verdict, so that it is accounted for and not looked at with every sweep. */
export const excludedSchema = z.object({
  key: keySchema,
  /** `signature`, `other` (a chart, an attestation, a mark of ours). */
  kind: z.enum(['signature', 'other']),
  at: time,
});

export type Excluded = z.infer<typeof excludedSchema>;

/** What is known of one repository: a row of its partition. */
export type RepositoryRow =
  | { readonly kind: 'entry'; readonly entry: LedgerEntry }
  | { readonly kind: 'tag'; readonly tag: TagEntry }
  | { readonly kind: 'excluded'; readonly excluded: Excluded };

const count = z.number().int().nonnegative();

/** What the last look at a whole repository came to. */
export const surveySchema = z.object({
  registry: keySchema.shape.registry,
  repository: keySchema.shape.repository,
  /** When its newest manifests were last compared with the ledger. */
  sweptAt: time.optional(),
  /** When all of them were. */
  walkedAt: time.optional(),
  /** The policy that was in force then. */
  policy: digestSchema.optional(),
  /** What that look found; absent before the first one. */
  summary: z
    .object({
      manifests: count,
      pass: count,
      fail: count,
      inconclusive: count,
      /** Absent in what an earlier version wrote. */
      aged: count.default(0),
      pending: count,
      quarantined: count,
      /** The registry let us do only a part of it, or nothing. */
      incomplete: count.default(0),
      /** Would be, if enforcement were on. */
      observed: count.default(0),
      /** Would be, if they were not older than this installation. */
      existing: count.default(0),
      /** Will be at their time: they have passed before. */
      waiting: count.default(0),
      /** Would be, if nothing depended on their repositories. */
      reserved: count.default(0),
      /** Would be, if the brake were off. */
      braked: count.default(0),
      signatures: count,
      others: count,
      shut: count,
      unaccounted: count,
      oldestPending: time.optional(),
      oldestVerdict: time.optional(),
      /** When time alone will change what is to be done about one of them. */
      nextDueAt: time.optional(),
    })
    .optional(),
  /** When something in it was last quarantined: what is locked is looked at more often. */
  guardedAt: time.optional(),
  /** Something in it is on its way, so all of it is looked at again soon. */
  unfinished: z.boolean().optional(),
  /** Since when every look at all of it has found something that is unaccounted for. */
  unaccountedSince: time.optional(),
  /** Pushes that no event told of, ever. */
  recovered: count,
  /** Why the last look failed. */
  error: z.string().optional(),
});

export type Survey = z.infer<typeof surveySchema>;

/** One search for news through all repositories of a registry, which may take several runs. */
export const sweepRoundSchema = z.object({
  beganAt: time,
  /** Repositories before this name have been looked at; absent where the round is over. */
  next: z.string().max(256).optional(),
  /** How long the last round that is over took, in milliseconds. */
  took: count.optional(),
});

export type SweepRound = z.infer<typeof sweepRoundSchema>;
