import { z } from 'zod';
import type { ArtifactKey, Place, TagKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { databaseSchema } from '../message/queue-message.js';
import {
  type Excluded,
  type LedgerEntry,
  type RepositoryRow,
  type Survey,
  type SweepRound,
  type TagEntry,
  entrySchema,
  excludedSchema,
  surveySchema,
  sweepRoundSchema,
  tagEntrySchema,
} from '../pipeline/entry.js';
import { type ChannelState, channelSchema } from '../pipeline/card-cap.js';
import { type BrakeState, brakeSchema } from '../pipeline/brake.js';
import { type EpochState, epochsSchema } from '../pipeline/epoch.js';
import { type LedgerCondition, conditionSchema } from '../pipeline/loss.js';
import { type ProgressState, progressSchema } from '../pipeline/progress.js';
import type { DatabaseEvidence } from '../vulnerability/report.js';
import type { Table } from './table.js';
import { createRows } from './rows.js';
import { excludedRowKey, partitionKey, surveyPartition, sweepRowKey, tagRowKey } from './table-key.js';

/** All that is known of every digest and tag. Guarded by ETags: a write that would undo another's fails. */
export interface Ledger {
  readonly ensure: () => Promise<void>;
  readonly read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
  /** The new entry's version; undefined where an entry stands already, which is left as it is. */
  readonly create: (entry: LedgerEntry) => Promise<string | undefined>;
  /** Throws `LEDGER_CONFLICT` (retryable) where the entry has moved on from `version`. */
  readonly replace: (entry: LedgerEntry, version: string) => Promise<string>;
  /**
   * Reads, changes and replaces until no one interferes. `change` returns undefined, or what it was given, for no change.
   * Resolves with the entry as it stands, or undefined where there is none. An entry that was `known` a moment ago is
   * not read again unless it has moved.
   */
  readonly update: (
    key: ArtifactKey,
    change: (entry: LedgerEntry) => LedgerEntry | undefined,
    known?: { readonly entry: LedgerEntry; readonly version: string },
  ) => Promise<LedgerEntry | undefined>;
  readonly readTag: (key: TagKey) => Promise<TagEntry | undefined>;
  readonly updateTag: (
    key: TagKey,
    change: (current: TagEntry | undefined) => TagEntry | undefined,
  ) => Promise<TagEntry | undefined>;
  /** Remembers that a manifest gets no verdict, and why. */
  readonly exclude: (excluded: Excluded) => Promise<void>;
  /** The manifest is not there any more. */
  readonly forgetExcluded: (key: ArtifactKey) => Promise<void>;
  readonly readExcluded: (key: ArtifactKey) => Promise<Excluded | undefined>;
  /** Everything that is known of one repository. */
  readonly listRepository: (repository: Place) => AsyncIterable<RepositoryRow>;
  readonly listSurveys: (registry: ArtifactKey['registry']) => AsyncIterable<Survey>;
  readonly updateSurvey: (repository: Place, change: (current: Survey | undefined) => Survey) => Promise<void>;
  /** Resolves with the registry's round as it stands then. */
  readonly updateSweep: (
    registry: ArtifactKey['registry'],
    change: (current: SweepRound | undefined) => SweepRound | undefined,
  ) => Promise<SweepRound | undefined>;
  /** Resolves with the brake's state as it stands then. */
  readonly updateBrake: (
    change: (current: BrakeState | undefined) => BrakeState | undefined,
  ) => Promise<BrakeState | undefined>;
  /** Resolves with what is remembered of a channel of cards, as it stands then. */
  readonly updateChannel: (
    channel: string,
    change: (current: ChannelState | undefined) => ChannelState | undefined,
  ) => Promise<ChannelState | undefined>;
  /** How many digests there are to judge, by the last look at each repository; 0 before the first. */
  readonly knownDigests: () => Promise<number>;
  /** Resolves with what has been in force, as it stands then. */
  readonly updateEpochs: (
    change: (current: EpochState | undefined) => EpochState | undefined,
  ) => Promise<EpochState | undefined>;
  /** Resolves with how far the registries are judged, as it stands then. */
  readonly updateProgress: (
    change: (current: ProgressState | undefined) => ProgressState | undefined,
  ) => Promise<ProgressState | undefined>;
  /** When this installation began: the earliest time that it was ever told, which is `now` where it was told none. */
  readonly installedAt: (now: Date) => Promise<Date>;
  /** Resolves with whether the ledger is whole, as it stands then. */
  readonly updateCondition: (
    change: (current: LedgerCondition | undefined) => LedgerCondition | undefined,
  ) => Promise<LedgerCondition | undefined>;
  readonly newestDatabase: () => Promise<DatabaseEvidence | undefined>;
  readonly recordDatabase: (database: DatabaseEvidence) => Promise<void>;
}

const STATE = { partitionKey: 'state', rowKey: 'database' } as const;
const INSTALLATION = { partitionKey: 'state', rowKey: 'installation' } as const;
const CONDITION = { partitionKey: 'state', rowKey: 'condition' } as const;
const BRAKE = { partitionKey: 'state', rowKey: 'brake' } as const;
const KNOWN = { partitionKey: 'state', rowKey: 'known' } as const;
const installationSchema = z.object({ at: z.iso.datetime() });

/** Builds the ledger over one table. Throws `LEDGER_UNAVAILABLE`, `LEDGER_CORRUPT`, `LEDGER_TOO_LARGE`. */
export function createLedger(table: Table): Ledger {
  const rows = createRows(table);
  const locate = (key: ArtifactKey) => ({ partitionKey: partitionKey(key), rowKey: key.digest });
  const locateTag = (key: TagKey) => ({ partitionKey: partitionKey(key), rowKey: tagRowKey(key.tag) });
  const locateExcluded = (key: ArtifactKey) => ({
    partitionKey: partitionKey(key),
    rowKey: excludedRowKey(key.digest),
  });
  const columns = ({ decision, enforcement, pushedAt }: LedgerEntry) => ({
    verdict: decision?.verdict ?? 'pending',
    enforcement: enforcement.state,
    pushedAt,
  });
  return {
    ensure: async () => {
      await table.createTable();
    },
    read: async (key) => {
      const row = await rows.get(locate(key), entrySchema);
      return row && { entry: row.value, version: row.etag };
    },
    create: (entry) => rows.create(locate(entry.key), entry, columns(entry)),
    replace: async (entry, version) => {
      const next = await rows.replace(locate(entry.key), entry, { etag: version, columns: columns(entry) });
      if (next === undefined) throw new AppError('LEDGER_CONFLICT', 'the entry has moved on', { retryable: true });
      return next;
    },
    update: (key, change, known) =>
      rows.loop(locate(key), entrySchema, {
        change: (current) => (current === undefined ? undefined : change(current)),
        columns,
        ...(known && { known: { value: known.entry, etag: known.version } }),
      }),
    readTag: async (key) => (await rows.get(locateTag(key), tagEntrySchema))?.value,
    updateTag: (key, change) => rows.loop(locateTag(key), tagEntrySchema, { change, columns: () => ({}) }),
    exclude: async (excluded) => {
      await rows.loop(locateExcluded(excluded.key), excludedSchema, {
        change: (current) => (current?.kind === excluded.kind ? undefined : excluded),
        columns: () => ({}),
      });
    },
    forgetExcluded: (key) => rows.remove(locateExcluded(key)),
    readExcluded: async (key) => (await rows.get(locateExcluded(key), excludedSchema))?.value,
    listRepository: (repository) => rows.list(partitionKey(repository), rowSchema),
    listSurveys: (registry) => rows.list(surveyPartition(registry), () => surveySchema),
    updateSurvey: async (repository, change) => {
      const place = { partitionKey: surveyPartition(repository.registry), rowKey: partitionKey(repository) };
      await rows.loop(place, surveySchema, { change, columns: () => ({}) });
    },
    updateSweep: (registry, change) =>
      rows.loop({ partitionKey: 'state', rowKey: sweepRowKey(registry) }, sweepRoundSchema, {
        change,
        columns: () => ({}),
      }),
    updateBrake: (change) => rows.loop(BRAKE, brakeSchema, { change, columns: () => ({}) }),
    updateChannel: (channel, change) =>
      rows.loop({ partitionKey: 'state', rowKey: `channel-${channel}` }, channelSchema, {
        change,
        columns: () => ({}),
      }),
    knownDigests: async () => (await rows.get(KNOWN, progressSchema))?.value.digests ?? 0,
    updateEpochs: (change) =>
      rows.loop({ partitionKey: 'state', rowKey: 'epochs' }, epochsSchema, { change, columns: () => ({}) }),
    updateProgress: (change) => rows.loop(KNOWN, progressSchema, { change, columns: () => ({}) }),
    installedAt: async (now) => {
      const first = { at: now.toISOString() };
      const known = await rows.loop(INSTALLATION, installationSchema, {
        change: (current) => (current !== undefined && new Date(current.at) <= now ? current : first),
        columns: () => ({}),
      });
      return new Date(known?.at ?? first.at);
    },
    updateCondition: (change) => rows.loop(CONDITION, conditionSchema, { change, columns: () => ({}) }),
    newestDatabase: async () => (await rows.get(STATE, databaseSchema))?.value,
    recordDatabase: async (database) => {
      await rows.loop(STATE, databaseSchema, {
        change: (newest) =>
          newest !== undefined && new Date(newest.updatedAt) >= new Date(database.updatedAt) ? undefined : database,
        columns: () => ({}),
      });
    },
  };
}

const entryRow = entrySchema.transform((entry): RepositoryRow => ({ kind: 'entry', entry }));
const tagRow = tagEntrySchema.transform((tag): RepositoryRow => ({ kind: 'tag', tag }));
const excludedRow = excludedSchema.transform((excluded): RepositoryRow => ({ kind: 'excluded', excluded }));

function rowSchema(rowKey: string): z.ZodType<RepositoryRow> {
  if (rowKey.startsWith(tagRowKey(''))) return tagRow;
  return rowKey.startsWith(excludedRowKey('')) ? excludedRow : entryRow;
}
