import type { LoginServer } from '../artifact/login-server.js';
import { AppError } from '../error/app-error.js';
import { createBudget } from './budget.js';
import type { Survey } from './entry.js';
import { type Progress, progressOf } from './progress.js';
import { MAX_SEARCH_MILLISECONDS, type ReconcileDeps, listNames } from './reconcile.js';
import { surveyWhole } from './survey-repository.js';
import { searchMilliseconds } from './sweep.js';

/** Manifests by what is known of them: each is in exactly one of the counts below `manifests`. */
export interface CoverageCounts {
  readonly manifests: number;
  readonly pass: number;
  readonly fail: number;
  readonly inconclusive: number;
  /** Known, or just pushed, and not judged yet. */
  readonly pending: number;
  /** Signatures, and what is no image: charts, attestations, our own marks. They get no verdict. */
  readonly signatures: number;
  readonly others: number;
  /** Unknown to us, and locked by somebody else: nobody can pull it. Once it is opened, it is judged. */
  readonly shut: number;
  /** In the registry, and unknown to us: this has to be 0. */
  readonly unaccounted: number;
}

/** Whether a registry deletes untagged manifests by itself, and after how many days. */
export type Retention =
  | { readonly state: 'off' }
  | { readonly state: 'on'; readonly days: number }
  | { readonly state: 'unknown'; readonly code: string };

/** What {@link coverage} needs. */
export interface CoverageDeps extends ReconcileDeps {
  readonly registries: ReadonlyMap<string, LoginServer>;
  readonly readRetention: (resourceId: string) => Promise<Retention>;
}

/** How much of the registries is accounted for. */
export interface Coverage extends CoverageCounts {
  /** Of the above, those that are locked or untagged by us. */
  readonly quarantined: number;
  /** Of which the registry let us do only a part, or nothing. */
  readonly incomplete: number;
  /** What would be done if enforcement were on, or they were not older than this installation, or nobody depended on them. */
  readonly observed: number;
  readonly existing: number;
  readonly reserved: number;
  /** What will be done at its time, and once somebody lets go of the brake. */
  readonly waiting: number;
  readonly braked: number;
  /** Of the judged ones, those whose scan is older than the policy's `maxAge`. */
  readonly aged: number;
  /** When the longest pending one was first seen, and when the oldest scan behind a verdict was done (RFC 3339). */
  readonly oldestPending?: string | undefined;
  readonly oldestVerdict?: string | undefined;
  /** Pushes that no event told of, ever. */
  readonly recovered: number;
  readonly progress: Progress & {
    /** What would be quarantined, or will be, and is not: the counts of what is withheld, but for what is reserved. */
    readonly wouldQuarantine: number;
  };
  readonly repositories: readonly (Partial<CoverageCounts> & {
    readonly registry: LoginServer;
    readonly repository: string;
    /** When these counts were made; absent where the repository has never been looked at. */
    readonly at?: string | undefined;
    readonly error?: string | undefined;
  })[];
  /** Repositories whose counts are older than this answer, since looking again would cost too many calls. */
  readonly stale: number;
  /** Of these, repositories that have never been looked at: what they hold is in no count. */
  readonly unseen: number;
  /** How long it takes to look for news in every repository of a registry; absent before the first time. */
  readonly searches: readonly {
    readonly registry: LoginServer;
    readonly milliseconds: number;
    /** Short enough to find a push whose event never came within fifteen minutes. */
    readonly prompt: boolean;
  }[];
  readonly retention: readonly (Retention & {
    readonly registry: LoginServer;
    /** What it threatens, in words. */
    readonly danger?: string;
  })[];
}

/** Calls of a registry that one answer may cost. */
const MAX_CALLS = 300;

/**
 * Counts every manifest of every configured registry. Looks again as far as {@link MAX_CALLS} go, the repository that has
 * waited longest first, and tells of the others what was found the last time. Changes nothing.
 */
export async function coverage(deps: CoverageDeps): Promise<Coverage> {
  const { clock, callsPerMinute, mode } = deps;
  const { digest: policy, deadlineMilliseconds, maxAgeMilliseconds } = deps.policy;
  // A person waits, so the calls are not spread over time; there are few.
  const budget = createBudget({ callsPerMinute, calls: MAX_CALLS, clock, sleep: () => Promise.resolve() });
  const surveys: Survey[] = [];
  let stale = 0;
  for (const registry of deps.servers) {
    const known = new Map<string, Survey>();
    for await (const survey of deps.ledger.listSurveys(registry)) known.set(survey.repository, survey);
    const names = await listNames(registry, { budget, deps });
    // Half a figure would say that all is well.
    if (names === undefined)
      throw new AppError('REGISTRY_UNAVAILABLE', 'a registry does not list its repositories', { retryable: true });
    const walkedAt = (name: string) => new Date(known.get(name)?.walkedAt ?? 0).getTime();
    for (const repository of names.toSorted((a, b) => walkedAt(a) - walkedAt(b))) {
      const place = { registry, repository };
      const before: Survey = known.get(repository) ?? { ...place, recovered: 0 };
      if (!budget.has(1)) {
        stale += 1;
        surveys.push(before);
        continue;
      }
      const now = clock();
      const moment = {
        now,
        ...{ mode, braked: true },
        policy,
        deadlineMilliseconds,
        maxAgeMilliseconds,
        idle: { scan: false, verify: false },
      };
      const { summary } = await surveyWhole(place, moment, { ...deps, budget });
      surveys.push({ ...before, summary, walkedAt: now.toISOString() });
    }
  }
  const unseen = surveys.filter(({ summary }) => summary === undefined).length;
  const counts = total(surveys);
  const progress = await progressOfAll(counts, deps);
  return { ...counts, progress, stale, unseen, searches: await searchesOf(deps), retention: await retentionOf(deps) };
}

async function progressOfAll(
  counts: ReturnType<typeof total>,
  { ledger, clock }: CoverageDeps,
): Promise<Coverage['progress']> {
  const { pass, fail, inconclusive, pending, unaccounted, observed, existing, waiting, braked } = counts;
  const state = await ledger.updateProgress((current) => current);
  const seen = { judged: pass + fail + inconclusive, remaining: pending + unaccounted, now: clock() };
  return { ...progressOf(state, seen), wouldQuarantine: observed + existing + waiting + braked };
}

async function searchesOf(deps: CoverageDeps): Promise<Coverage['searches']> {
  const all = deps.servers.map(async (registry) => ({
    registry,
    milliseconds: await searchMilliseconds(registry, deps),
  }));
  return (await Promise.all(all)).flatMap(({ registry, milliseconds }) =>
    milliseconds === undefined ? [] : [{ registry, milliseconds, prompt: milliseconds <= MAX_SEARCH_MILLISECONDS }],
  );
}

/** Marks and signatures have no tags, and neither has what was untagged: to a retention policy all of them are rubbish. */
async function retentionOf({ registries, readRetention }: CoverageDeps): Promise<Coverage['retention']> {
  const all = [...registries].map(async ([resourceId, registry]) => {
    const found = await readRetention(resourceId);
    if (found.state !== 'on') return { registry, ...found };
    const danger = `Untagged manifests are deleted after ${found.days} days: marks, signatures, and images that were untagged without a lock.`;
    return { registry, ...found, danger };
  });
  return Promise.all(all);
}

type Counted = keyof {
  [
    Name in keyof NonNullable<Survey['summary']> as NonNullable<Survey['summary']>[Name] extends number ? Name : never
  ]: number;
};

function total(surveys: readonly Survey[]): Omit<Coverage, 'progress' | 'stale' | 'unseen' | 'searches' | 'retention'> {
  const summaries = surveys.flatMap(({ summary }) => (summary === undefined ? [] : [summary]));
  const sum = (name: Counted) => summaries.reduce((total, each) => total + each[name], 0);
  const oldest = (times: readonly (string | undefined)[]) => times.filter((at) => at !== undefined).sort()[0];
  return {
    manifests: sum('manifests'),
    pass: sum('pass'),
    fail: sum('fail'),
    inconclusive: sum('inconclusive'),
    pending: sum('pending'),
    signatures: sum('signatures'),
    others: sum('others'),
    shut: sum('shut'),
    unaccounted: sum('unaccounted'),
    quarantined: sum('quarantined'),
    incomplete: sum('incomplete'),
    observed: sum('observed'),
    existing: sum('existing'),
    reserved: sum('reserved'),
    waiting: sum('waiting'),
    braked: sum('braked'),
    aged: sum('aged'),
    oldestPending: oldest(summaries.map(({ oldestPending }) => oldestPending)),
    oldestVerdict: oldest(summaries.map(({ oldestVerdict }) => oldestVerdict)),
    recovered: surveys.reduce((all, { recovered }) => all + recovered, 0),
    repositories: surveys.map(({ registry, repository, walkedAt, error, summary }) => ({
      registry,
      repository,
      ...summary,
      at: walkedAt,
      error,
    })),
  };
}
