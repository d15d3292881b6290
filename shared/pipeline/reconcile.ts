import type { LoginServer } from '../artifact/login-server.js';
import type { Repository } from '../artifact/repository.js';
import { AppError } from '../error/app-error.js';
import { QUEUES, type QueueName } from '../message/queue-name.js';
import type { EnforcementMode } from '../policy/operation.js';
import type { Policy } from '../policy/policy.js';
import { type BrakeDeps, tellBrake } from './brake.js';
import { type Budget, createBudget } from './budget.js';
import { type CardCapDeps, tellHeld } from './card-cap.js';
import type { Log } from './effects.js';
import type { Survey, SweepRound } from './entry.js';
import type { EpochDeps, Epochs } from './epoch.js';
import { type RefuseIfLostDeps, refuseIfLost } from './loss.js';
import type { NotifyDeps } from './notify.js';
import { type RegistryRun, type Result, type Work, attempt, remember, repair } from './reconcile-work.js';
import type { RepairDeps } from './repair.js';
import { type Known, type ProgressState, knownOf, noted } from './progress.js';
import { LATE_MILLISECONDS, type Repair } from './survey.js';
import { type Moment, type RepositoryKey, type SurveyDeps, surveyWhole } from './survey-repository.js';
import { tellUnaccounted } from './unaccounted.js';
import { keepRound, openRound, sweepOn } from './sweep.js';

/** What {@link reconcile} needs. */
export interface ReconcileDeps extends Omit<RepairDeps, 'installedAt'> {
  readonly epochs: Epochs;
  readonly policy: Pick<Policy, 'digest' | 'trust' | 'deadlineMilliseconds' | 'maxAgeMilliseconds'>;
  readonly store: NotifyDeps['store'] & RefuseIfLostDeps['store'];
  readonly channels: CardCapDeps['channels'];
  readonly reportUrl: CardCapDeps['reportUrl'];
  readonly mode: EnforcementMode;
  readonly log: Log;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly servers: readonly LoginServer[];
  /** Of each registry. */
  readonly callsPerMinute: number;
  /** How many messages a queue holds, those that are leased or delayed included. */
  readonly queueLength: (queue: QueueName) => Promise<number>;
  /** Whether a receiver would find a message now. */
  readonly isWaiting: (queue: QueueName) => Promise<boolean>;
  readonly registry: SurveyDeps['registry'] &
    RepairDeps['registry'] & {
      listRepositories: (
        registry: LoginServer,
        after?: string,
      ) => Promise<{ readonly items: readonly Repository[]; readonly next: string | undefined }>;
      repositoryUpdatedAt: (registry: LoginServer, repository: Repository) => Promise<Date | undefined>;
    };
  readonly ledger: RepairDeps['ledger'] &
    RefuseIfLostDeps['ledger'] &
    SurveyDeps['ledger'] & {
      listSurveys: (registry: LoginServer) => AsyncIterable<Survey>;
      updateSurvey: (repository: RepositoryKey, change: (current: Survey | undefined) => Survey) => Promise<void>;
      knownDigests: BrakeDeps['ledger']['knownDigests'];
      updateBrake: BrakeDeps['ledger']['updateBrake'];
      updateChannel: CardCapDeps['ledger']['updateChannel'];
      updateEpochs: EpochDeps['ledger']['updateEpochs'];
      updateProgress: (
        change: (current: ProgressState | undefined) => ProgressState | undefined,
      ) => Promise<ProgressState | undefined>;
      updateSweep: (
        registry: LoginServer,
        change: (current: SweepRound | undefined) => SweepRound | undefined,
      ) => Promise<SweepRound | undefined>;
    };
}

/** What one run came to. */
export interface Reconciled {
  /** Repositories in the configured registries. */
  readonly repositories: number;
  /** Repositories whose newest manifests were looked at, and those that were looked at as a whole. */
  readonly swept: number;
  readonly walked: number;
  readonly repairs: Readonly<Record<Repair['kind'], number>>;
  /** Repositories that could not be looked at. */
  readonly failed: number;
  /** Calls of the registries. */
  readonly calls: number;
  /** Whether every repository that was due has been looked at; the next run goes on with the others. */
  readonly complete: boolean;
  /** The moment that the next run is told as `since`, so that it goes on with the others alone (RFC 3339). */
  readonly startedAt: string;
}

/** How one run differs from that of the timer. */
export interface ReconcileOptions {
  /** What has been looked at since then is not looked at again. Default: the timer's rounds go on by themselves. */
  readonly since?: Date;
  /** All repositories are due as a whole, whenever they were looked at before. Default for `since`: now. */
  readonly all?: boolean;
  /** How long the run may take by its budget, in milliseconds. Default: the timer's interval. */
  readonly spanMilliseconds?: number;
}

/** How often the timer runs, in milliseconds. A push whose event never came is found within three of these. */
export const INTERVAL_MILLISECONDS = 5 * 60_000;
/** How long a search for news may take for that: it finds a push that is at least one interval old. */
export const MAX_SEARCH_MILLISECONDS = 2 * INTERVAL_MILLISECONDS;
/** How often all of a repository is looked at, in milliseconds. */
const WALK_MILLISECONDS = 24 * 3_600_000;
/** How often where something is locked, by us or by others: no source says that the time of a last update tells of an unlock. */
const GUARD_MILLISECONDS = 3_600_000;
/** What the search for news may take of the budget before whole repositories have had their turn. */
const SWEEP_SHARE = 0.5;

/**
 * Compares registries with the ledger, and asks for whatever is missing. First the repositories that have changed, newest
 * manifests only; then, while the budget lasts, whole repositories, the one that has waited longest first; then again what
 * has changed. Each registry has a budget of its own. Safe to repeat, to run twice at once, and to be killed anywhere.
 * Throws `LEDGER_LOST`.
 */
export async function reconcile(deps: ReconcileDeps, options: ReconcileOptions = {}): Promise<Reconciled> {
  const { clock, sleep, callsPerMinute, servers } = deps;
  const { spanMilliseconds = INTERVAL_MILLISECONDS, all = false } = options;
  const now = clock();
  const since = options.since ?? (all ? now : undefined);
  const calls = Math.ceil((callsPerMinute * spanMilliseconds) / 60_000);
  const runs = servers.map((registry): RegistryRun => {
    const budget = createBudget({ callsPerMinute, calls, clock, sleep });
    return { registry, budget, result: emptyResult(), deps };
  });
  await refuseIfLost(deps);
  await deps.epochs('policy', deps.policy.digest);
  await deps.epochs('trust', deps.policy.trust);
  await tellBrake(deps);
  await tellHeld(deps);
  const braked = (await deps.ledger.updateBrake((current) => current))?.tripped !== undefined;
  const ended = await Promise.allSettled(runs.map((run) => reconcileRegistry(run, { since, all, braked })));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  const known = ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const digests = known.reduce((sum, each) => sum + each.digests, 0);
  const judged = known.reduce((sum, each) => sum + each.judged, 0);
  await deps.ledger.updateProgress((current) => noted(current, { digests, judged, now }));
  const result = {
    ...runs.map(total).reduce(added, { ...emptyResult(), calls: 0 }),
    startedAt: (since ?? now).toISOString(),
  };
  const { swept, walked, failed, complete, calls: spent } = result;
  deps.log('info', 'reconciled', { swept, walked, failed, complete, calls: spent });
  return result;
}

/** What a run came to, whenever it began. */
export type Total = Omit<Reconciled, 'startedAt'>;

const total = ({ result, budget }: RegistryRun): Total => ({ ...result, calls: budget.spent() });

/** Several runs, or the same run over several registries, as one. Pure. */
export function added(a: Total, b: Total): Total {
  const kinds = Object.keys(a.repairs) as Repair['kind'][];
  return {
    repositories: a.repositories + b.repositories,
    swept: a.swept + b.swept,
    walked: a.walked + b.walked,
    repairs: { ...a.repairs, ...Object.fromEntries(kinds.map((kind) => [kind, a.repairs[kind] + b.repairs[kind]])) },
    failed: a.failed + b.failed,
    calls: a.calls + b.calls,
    complete: a.complete && b.complete,
  };
}

interface Due {
  readonly since: Date | undefined;
  readonly all: boolean;
  /** Whether the brake is on. */
  readonly braked: boolean;
}

/** Resolves with how many digests there are to judge, and how many are, by the looks before this one. */
async function reconcileRegistry(run: RegistryRun, due: Due): Promise<Known> {
  const { registry, deps, result } = run;
  const now = deps.clock();
  const surveys = new Map<Repository, Survey>();
  for await (const survey of deps.ledger.listSurveys(registry)) surveys.set(survey.repository, survey);
  const known = knownOf([...surveys.values()]);
  const names = await listNames(registry, run);
  if (names === undefined) {
    result.failed += 1;
    result.complete = false;
    return known;
  }
  result.repositories += names.length;
  const length = async (...queues: readonly QueueName[]) =>
    (await Promise.all(queues.map(deps.queueLength))).reduce((sum, each) => sum + each, 0);
  const { digest: policy, deadlineMilliseconds, maxAgeMilliseconds } = deps.policy;
  const idle = {
    // A scan that failed waits on `scanned`, delayed, for its next try: it says nothing of an outcome that is to come.
    scan: (await length(QUEUES.scan, QUEUES.scanSweep)) === 0 && !(await deps.isWaiting(QUEUES.scanned)),
    verify: (await length(QUEUES.verify, QUEUES.verifySweep)) === 0,
  };
  const skipReceive = (await length(QUEUES.sweep)) > 0;
  const installedAt = await deps.ledger.installedAt(now);
  const moment: Moment = {
    now,
    deadlineMilliseconds,
    maxAgeMilliseconds,
    mode: deps.mode,
    braked: due.braked,
    policy,
    idle,
  };
  const work: Work = { ...run, moment, surveys, skipReceive, installedAt };
  // Who looks at the whole of every repository finds all news.
  let round: SweepRound = due.all ? { beganAt: '' } : await openRound(registry, { now, since: due.since }, deps);
  round = await sweepOn(round, { names, share: SWEEP_SHARE }, work);
  // Repositories that the registry has forgotten are looked at too: what the ledger holds of them is gone.
  await walkDue([...new Set([...names, ...surveys.keys()])], due, work);
  round = await sweepOn(round, { names, share: 1 }, work);
  if (round.next !== undefined) result.complete = false;
  if (!due.all) await keepRound(registry, round, deps);
  return known;
}

async function walkDue(names: readonly Repository[], { since, all, braked }: Due, work: Work): Promise<void> {
  const { moment, surveys, deps, budget, result } = work;
  const walkedAt = (repository: Repository) => new Date(surveys.get(repository)?.walkedAt ?? 0).getTime();
  const dueAt = (repository: Repository) => nextWalkAt(surveys.get(repository), { ...deps, braked });
  const isDue = (name: Repository) =>
    (all || moment.now.getTime() >= dueAt(name)) && (since === undefined || walkedAt(name) < since.getTime());
  for (const repository of names.filter(isDue).toSorted((a, b) => dueAt(a) - dueAt(b))) {
    if (!budget.has(1)) {
      result.complete = false;
      return;
    }
    await attempt(repository, work, async (place) => {
      const { summary, repairs, unfinished } = await surveyWhole(place, moment, { ...deps, budget });
      result.walked += 1;
      const recovered = (surveys.get(repository)?.recovered ?? 0) + (await repair(place, repairs, work));
      const at = moment.now.toISOString();
      const { digest: policy } = deps.policy;
      const unaccountedSince = tellUnaccounted(place, summary.unaccounted, work);
      const looked = { sweptAt: at, walkedAt: at, policy, summary, recovered, unfinished, unaccountedSince };
      // What was quarantined meanwhile is in no summary.
      await remember(place, work, ({ guardedAt }) => ({ ...place, ...looked, ...(guardedAt && { guardedAt }) }));
    });
  }
}

/** All repositories of a registry; undefined where it does not tell them. */
export async function listNames(
  registry: LoginServer,
  { budget, deps }: { readonly budget: Budget; readonly deps: ReconcileDeps },
): Promise<readonly Repository[] | undefined> {
  const names: Repository[] = [];
  try {
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      await budget.spend();
      const { items, next } = await deps.registry.listRepositories(registry, after);
      names.push(...items);
      after = next;
    }
    return names;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    deps.log('error', 'catalogue-failed', { registry, code: error.code });
    return undefined;
  }
}

/** When a repository is to be looked at as a whole again, in milliseconds since 1970. */
function nextWalkAt(
  survey: Survey | undefined,
  { mode, policy, braked }: Pick<ReconcileDeps, 'mode' | 'policy'> & { readonly braked: boolean },
): number {
  const {
    quarantined = 0,
    incomplete = 0,
    shut = 0,
    observed = 0,
    braked: held = 0,
    nextDueAt,
  } = survey?.summary ?? {};
  if (survey?.walkedAt === undefined) return 0;
  const walkedAt = new Date(survey.walkedAt).getTime();
  const isAnother = survey.policy !== policy.digest || (observed > 0 && mode === 'enforce') || (held > 0 && !braked);
  if (survey.unfinished === true || isAnother) return walkedAt;
  const guarded = quarantined + incomplete + shut > 0 || new Date(survey.guardedAt ?? 0).getTime() >= walkedAt;
  const pause = guarded ? GUARD_MILLISECONDS : WALK_MILLISECONDS;
  // A message comes at that time; this is for the one that got lost.
  const due = nextDueAt === undefined ? Infinity : new Date(nextDueAt).getTime() + LATE_MILLISECONDS;
  return Math.min(walkedAt + pause, Math.max(due, walkedAt));
}

function emptyResult(): Result {
  return {
    repositories: 0,
    swept: 0,
    walked: 0,
    repairs: { receive: 0, scan: 0, rescan: 0, refresh: 0, reopen: 0, verify: 0, decide: 0, marks: 0, gone: 0 },
    failed: 0,
    complete: true,
  };
}
