import { z } from 'zod';
import type { LoginServer } from '../artifact/login-server.js';
import { AppError } from '../error/app-error.js';
import type { DatabaseEvidence } from '../vulnerability/report.js';
import { createBudget } from './budget.js';
import type { Journal, Log } from './effects.js';
import { type ConditionDeps, declareWhole, discardedAt, restoreInstallation } from './loss.js';
import { RECORDS, type RecordName, parseRecordName } from './record.js';
import { type RestoreDeps, type Restored, newer, restoreDigest } from './restore.js';

/** What {@link rebuild} needs. */
export interface RebuildDeps extends Omit<RestoreDeps, 'spend' | 'ledger'> {
  readonly log: Log;
  readonly journal: Journal;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly servers: readonly LoginServer[];
  /** What a sweep may ask of a registry. A person waits for this, so it may have ten times as much. */
  readonly callsPerMinute: number;
  readonly ledger: RestoreDeps['ledger'] &
    ConditionDeps['ledger'] & { recordDatabase: (database: DatabaseEvidence) => Promise<void> };
}

/** What one part of a rebuild came to. */
export interface Rebuilt {
  /** Digests that were put back, and of which the registry holds the manifest. */
  readonly restored: number;
  /** Digests that the ledger knew already. */
  readonly kept: number;
  /** Digests that were put back, and that the registry does not hold any more. */
  readonly gone: number;
  /** Digests of registries that the settings do not name. */
  readonly elsewhere: number;
  /** Records that cannot be read, and blobs that are none. */
  readonly unreadable: number;
  /** Rows of tags that quarantine had removed. */
  readonly tags: number;
  /** Names of what cannot be read; the first ones of each part. */
  readonly problems: readonly string[];
  /** What to ask for more with; absent where all is done. */
  readonly next?: string;
}

/** Who rebuilds, why, and from where on. */
export interface RebuildRequest {
  readonly by: string;
  readonly reason?: string | undefined;
  readonly after?: string | undefined;
}

/** How long one part may take, in milliseconds. */
const PART_MILLISECONDS = 20_000;
/** Names of one page, and digests that are restored side by side. */
const PAGE = 1000;
const AT_ONCE = 8;
const CALLS_FACTOR = 10;
const MAX_PROBLEMS = 50;

/** `page`: the service's own token for it. `done`: the last digest of it that is done. */
const positionSchema = z.strictObject({ page: z.string().max(2000).optional(), done: z.string().max(2000).optional() });
type Position = z.infer<typeof positionSchema>;

/**
 * Rebuilds the ledger from the records, as far as twenty seconds go. Once nothing is left the ledger counts as whole, and
 * sweeps go on. No card is sent, and no registry is changed. Throws `REQUEST_MALFORMED` for an `after` that is none.
 */
export async function rebuild({ by, reason, after }: RebuildRequest, deps: RebuildDeps): Promise<Rebuilt> {
  const { clock, journal, ledger, store } = deps;
  const until = clock().getTime() + PART_MILLISECONDS;
  let position: Position | undefined = after === undefined ? {} : parsePosition(after);
  if (after === undefined)
    await journal({ what: 'rebuild-ledger', who: by, ...(reason !== undefined && { why: reason }) });
  await restoreInstallation(deps);
  const work: Work = {
    deps,
    since: await discardedAt(store),
    counts: { ...NOTHING },
    problems: [],
    spend: spender(deps),
  };
  do position = await workOffPage(position, until, work);
  while (position !== undefined && clock().getTime() < until);
  if (work.database !== undefined) await ledger.recordDatabase(work.database);
  if (position === undefined) await declareWhole(deps);
  const what = position === undefined ? 'ledger-rebuilt' : 'ledger-rebuilding';
  await journal({ what, who: by, detail: work.counts });
  const problems = work.problems.slice(0, MAX_PROBLEMS);
  for (const name of problems) deps.log('warn', 'record-unreadable', { name });
  return { ...work.counts, problems, ...(position !== undefined && { next: formatPosition(position) }) };
}

type Counts = Omit<Rebuilt, 'problems' | 'next'>;
const NOTHING: Counts = { restored: 0, kept: 0, gone: 0, elsewhere: 0, unreadable: 0, tags: 0 };

interface Work {
  readonly deps: RebuildDeps;
  /** Records that are not newer than this do not count (RFC 3339). */
  readonly since: string;
  counts: Counts;
  readonly problems: string[];
  database?: DatabaseEvidence;
  readonly spend: (registry: LoginServer) => Promise<void>;
}

function spender({ servers, callsPerMinute, clock, sleep }: RebuildDeps): Work['spend'] {
  const options = { callsPerMinute: callsPerMinute * CALLS_FACTOR, calls: Infinity, clock, sleep };
  const budgets = new Map(servers.map((registry) => [registry, createBudget(options)]));
  return async (registry) => budgets.get(registry)?.spend();
}

/** Works off one page of names, or the rest of it, while there is time; resolves with where to go on. */
async function workOffPage(position: Position, until: number, work: Work): Promise<Position | undefined> {
  const { clock, store } = work.deps;
  const { names, next } = await store.listNamed('quarantine', { prefix: RECORDS, after: position.page, max: PAGE });
  // By its place, and not by its name, so that the order of the listing is the service's own affair.
  const left = names.slice(endOf(position.done, names));
  const digests = groupByDigest(left, work);
  const last = digests.at(-1);
  // Its records may go on on the next page, and the last one is the one that counts.
  if (next !== undefined && last !== undefined) digests.splice(-1, 1, await completed(last, work));
  for (let i = 0; i < digests.length; i += AT_ONCE) {
    if (i > 0 && clock().getTime() >= until) {
      const done = digests[i - 1]?.prefix;
      tellForeign(left.slice(0, endOf(done, left)), work);
      return { ...position, done };
    }
    const part = digests.slice(i, i + AT_ONCE);
    // An index tells its platforms of itself, so they come first.
    for (const kind of ['image', 'index'] as const) {
      await Promise.all(part.filter((each) => each.kind === kind).map((digest) => workOffDigest(digest, work)));
    }
  }
  tellForeign(left, work);
  return next === undefined ? undefined : { page: next, done: last?.prefix ?? position.done };
}

/** Where the names of a digest are over. */
function endOf(prefix: string | undefined, names: readonly string[]): number {
  return prefix === undefined ? 0 : names.findLastIndex((name) => name.startsWith(prefix)) + 1;
}

function tellForeign(names: readonly string[], work: Work): void {
  const foreign = names.filter((name) => parseRecordName(name) === undefined);
  work.problems.push(...foreign);
  work.counts = added(work.counts, { unreadable: foreign.length });
}

interface DigestRecords {
  readonly prefix: string;
  readonly kind: RecordName['kind'];
  readonly names: readonly RecordName[];
}

function groupByDigest(names: readonly string[], { since }: Work): DigestRecords[] {
  const digests = new Map<string, RecordName[]>();
  for (const name of names) {
    const named = parseRecordName(name);
    if (named !== undefined && named.at > since) {
      digests.set(named.prefix, [...(digests.get(named.prefix) ?? []), named]);
    }
  }
  return [...digests].map(([prefix, each]) => ({ prefix, kind: each[0]?.kind ?? 'image', names: each }));
}

async function workOffDigest({ names }: DigestRecords, work: Work): Promise<void> {
  const { deps } = work;
  const [first] = names;
  if (first === undefined) return;
  const { key } = first;
  if (!deps.servers.includes(key.registry)) {
    work.counts = added(work.counts, { elsewhere: 1 });
    return;
  }
  const restored = await restoreOrTell(key, names, work);
  if (restored === undefined) return;
  const { outcome, tags, unreadable } = restored;
  work.problems.push(...unreadable);
  const counts = { tags, unreadable: unreadable.length };
  work.counts = added(work.counts, outcome === 'unreadable' ? counts : { ...counts, [outcome]: 1 });
  const database = newer(work.database, restored.database);
  if (database !== undefined) work.database = database;
}

async function completed(digest: DigestRecords, { deps, since }: Work): Promise<DigestRecords> {
  const names: RecordName[] = [];
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await deps.store.listNamed('quarantine', { prefix: digest.prefix, after, max: PAGE });
    names.push(...page.names.flatMap((name) => parseRecordName(name) ?? []));
    after = page.next;
  }
  return { ...digest, names: names.filter(({ at }) => at > since) };
}

/** What can never be put back is told, and does not keep the others waiting. */
async function restoreOrTell(
  key: RecordName['key'],
  names: readonly RecordName[],
  work: Work,
): Promise<Restored | undefined> {
  const spend = () => work.spend(key.registry);
  try {
    return await restoreDigest(key, names, { ...work.deps, spend });
  } catch (error) {
    if (!(error instanceof AppError) || error.retryable) throw error;
    work.problems.push(`${names.at(-1)?.name ?? ''}: ${error.code}`);
    work.counts = added(work.counts, { unreadable: 1 });
    return undefined;
  }
}

function added(counts: Counts, more: Partial<Counts>): Counts {
  const names = Object.keys(counts) as (keyof Counts)[];
  return { ...counts, ...Object.fromEntries(names.map((name) => [name, counts[name] + (more[name] ?? 0)])) };
}

function formatPosition(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function parsePosition(text: string): Position {
  try {
    return positionSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new AppError('REQUEST_MALFORMED', 'after is the next of an earlier answer', { cause });
  }
}
