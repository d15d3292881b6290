import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import type { Budget } from './budget.js';
import type { Excluded, LedgerEntry, RepositoryRow, Survey, TagEntry } from './entry.js';
import { REPLICATION_MILLISECONDS } from './receive.js';
import {
  type ListedManifest,
  type Repair,
  type SurveyContext,
  findRepair,
  isOutOfPolicy,
  isOvertaken,
  isUnfinished,
} from './survey.js';
import { createTally } from './survey-tally.js';

/** A repository of a registry. */
export interface RepositoryKey {
  readonly registry: LoginServer;
  readonly repository: Repository;
}

/** What the two surveys need. */
export interface SurveyDeps {
  readonly budget: Budget;
  readonly registry: {
    listManifests: (
      repository: RepositoryKey,
      options: { readonly newestFirst: boolean; readonly after?: string | undefined },
    ) => Promise<{ readonly items: readonly ListedManifest[]; readonly next: string | undefined }>;
  };
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry } | undefined>;
    readTag: (key: TagKey) => Promise<TagEntry | undefined>;
    readExcluded: (key: ArtifactKey) => Promise<Excluded | undefined>;
    listRepository: (repository: RepositoryKey) => AsyncIterable<RepositoryRow>;
  };
}

/** One thing to be done, with what the registry says of the manifest. */
export interface FoundRepair {
  readonly repair: Repair;
  readonly found: ListedManifest | undefined;
}

/** What a survey came to. */
export interface Surveyed {
  readonly repairs: readonly FoundRepair[];
  /** Something is on its way, and may get lost. */
  readonly unfinished: boolean;
}

/** What is told of the moment. */
export type Moment = Omit<SurveyContext, 'present'>;

/** How many digests of a repository are decided again at once since the policy has changed, or scanned anew. */
const MAX_RECONSIDERED = 500;

/** How long the event of a push may be on its way. */
const EVENT_MILLISECONDS = 5 * 60_000;

/**
 * Compares all of a repository with the ledger. Every manifest is counted once. Memory holds the listing, never the
 * ledger's entries.
 */
export async function surveyWhole(
  place: RepositoryKey,
  moment: Moment,
  deps: SurveyDeps,
): Promise<Surveyed & { readonly summary: NonNullable<Survey['summary']> }> {
  const listing = await listAll(place, deps);
  const unknown = new Set(listing.keys());
  const context: SurveyContext = { ...moment, present: new Set(listing.keys()) };
  const tally = createTally(moment);
  const repairs: FoundRepair[] = [];
  const changed: TagEntry[] = [];
  let unfinished = false;
  let reconsidered = 0;
  for await (const row of deps.ledger.listRepository(place)) {
    if (row.kind === 'tag') {
      if (row.tag.removed !== undefined || row.tag.restored !== undefined) changed.push(row.tag);
      continue;
    }
    const digest = row.kind === 'entry' ? row.entry.key.digest : row.excluded.key.digest;
    const found = listing.get(digest);
    unknown.delete(digest);
    if (row.kind === 'excluded') {
      if (found !== undefined) tally.excluded(row.excluded);
      continue;
    }
    if (found !== undefined) tally.entry(row.entry);
    unfinished ||= isUnfinished(row.entry);
    const kind = found === undefined ? goneRepair(row.entry, moment) : findRepair(found, row.entry, context);
    if (kind === undefined) continue;
    // A new policy asks for every digest at once, and so does time. The next look, which follows soon, goes on.
    const isAnew = kind === 'refresh' || (kind === 'decide' && isOutOfPolicy(row.entry, moment));
    if (isAnew && (reconsidered += 1) > MAX_RECONSIDERED) continue;
    repairs.push({ repair: { kind, digest }, found });
  }
  for (const row of changed) {
    const found = listing.get(row.digest);
    if (found !== undefined && isOvertaken(found, row)) {
      repairs.push({ repair: { kind: 'decide', digest: row.digest }, found });
    }
  }
  for (const digest of unknown) {
    const found = listing.get(digest);
    if (found === undefined) continue;
    if (!found.attributes.readEnabled) {
      tally.shut();
      continue;
    }
    unfinished = true;
    if (isOnItsWay(found, moment)) tally.expected(found);
    else {
      tally.unaccounted();
      repairs.push({ repair: { kind: 'receive', digest: found.digest }, found });
    }
  }
  // What is asked for has to arrive, too.
  return { summary: tally.summary(), repairs, unfinished: unfinished || repairs.length > 0 };
}

/** Compares what has changed in a repository since then with the ledger, newest first. */
export async function surveyNewest(
  place: RepositoryKey,
  { since, moment }: { readonly since: Date; readonly moment: Moment },
  deps: SurveyDeps,
): Promise<Surveyed> {
  const repairs: FoundRepair[] = [];
  let unfinished = false;
  const context: SurveyContext = { ...moment, present: undefined };
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    await deps.budget.spend();
    const { items, next } = await deps.registry.listManifests(place, { newestFirst: true, after });
    for (const found of items.filter(({ updatedAt }) => updatedAt >= since)) {
      const key = { ...place, digest: found.digest };
      const known = await deps.ledger.read(key);
      const kind =
        known !== undefined
          ? (findRepair(found, known.entry, context) ?? (await tagRepair(found, known.entry, deps)))
          : isOnItsWay(found, moment) ||
              !found.attributes.readEnabled ||
              (await deps.ledger.readExcluded(key)) !== undefined
            ? undefined
            : 'receive';
      if (kind !== undefined) repairs.push({ repair: { kind, digest: found.digest }, found });
      unfinished ||= known === undefined ? kind === 'receive' || isOnItsWay(found, moment) : isUnfinished(known.entry);
    }
    const oldest = items.at(-1);
    after = oldest !== undefined && oldest.updatedAt >= since ? next : undefined;
  }
  return { repairs, unfinished: unfinished || repairs.length > 0 };
}

/** Its newest tag may have gone with a change of ours that meant another digest. */
async function tagRepair(
  found: ListedManifest,
  { key, tags }: LedgerEntry,
  { ledger }: SurveyDeps,
): Promise<Repair['kind'] | undefined> {
  const tag = tags.at(-1);
  if (tag === undefined || found.tags.includes(tag)) return undefined;
  const row = await ledger.readTag({ registry: key.registry, repository: key.repository, tag });
  return row !== undefined && isOvertaken(found, row) ? 'decide' : undefined;
}

async function listAll(place: RepositoryKey, { budget, registry }: SurveyDeps) {
  const listing = new Map<string, ListedManifest>();
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    await budget.spend();
    const { items, next } = await registry.listManifests(place, { newestFirst: false, after });
    for (const found of items) listing.set(found.digest, found);
    after = next;
  }
  return listing;
}

function goneRepair({ goneAt, pushedAt }: LedgerEntry, { now }: Moment): Repair['kind'] | undefined {
  const settled = now.getTime() - new Date(pushedAt).getTime() > REPLICATION_MILLISECONDS;
  return goneAt === undefined && settled ? 'gone' : undefined;
}

function isOnItsWay({ updatedAt }: ListedManifest, { now }: Moment): boolean {
  return now.getTime() - updatedAt.getTime() < EVENT_MILLISECONDS;
}
