import type { LoginServer } from '../artifact/login-server.js';
import type { Repository } from '../artifact/repository.js';
import { AppError } from '../error/app-error.js';
import { QUEUES, type QueueName } from '../message/queue-name.js';
import type { Policy } from '../policy/policy.js';
import { type Budget, createBudget } from './budget.js';
import type { Survey } from './entry.js';
import type { Log } from './effects.js';
import { type RepairDeps, carryOutRepair } from './repair.js';
import type { Repair } from './survey.js';
import {
  type FoundRepair,
  type Moment,
  type RepositoryKey,
  type SurveyDeps,
  surveyNewest,
  surveyWhole,
} from './survey-repository.js';

/** What {@link reconcile} needs. */
export interface ReconcileDeps extends Omit<RepairDeps, 'installedAt'> {
  readonly policy: Pick<Policy, 'deadlineMilliseconds' | 'maxAgeMilliseconds'>;
  readonly log: Log;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly servers: readonly LoginServer[];
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
    SurveyDeps['ledger'] & {
      listSurveys: (registry: LoginServer) => AsyncIterable<Survey>;
      /** When this installation began: `now`, if it is asked for the first time. */
      installedAt: (now: Date) => Promise<Date>;
      updateSurvey: (repository: RepositoryKey, change: (current: Survey | undefined) => Survey) => Promise<void>;
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
}

/** How one run differs from that of the timer. */
export interface ReconcileOptions {
  /** Whole repositories that were last looked at before this moment are due. */
  readonly walkedBefore?: Date;
  /** How long the run may take by its budget, in milliseconds. Default: the timer's interval. */
  readonly spanMilliseconds?: number;
}

/** How often the timer runs, in milliseconds. A push whose event never came is found within three of these. */
export const INTERVAL_MILLISECONDS = 5 * 60_000;
/** How often all of a repository is looked at, in milliseconds. */
const WALK_MILLISECONDS = 24 * 3_600_000;
/** How often where something is locked, by us or by others: no source says that the time of a last update tells of an unlock. */
const GUARD_MILLISECONDS = 3_600_000;
/** What the search for news may take of the budget, so that whole repositories get their turn in a large registry. */
const SWEEP_SHARE = 0.5;
/** A registry's clock and replicas may be so far behind. */
const OVERLAP_MILLISECONDS = 10 * 60_000;

/**
 * Compares registries with the ledger, and asks for whatever is missing. First the repositories that have changed, newest
 * manifests only; then, while the budget lasts, whole repositories, the one that has waited longest first. Safe to
 * repeat, to run twice at once, and to be killed anywhere.
 */
export async function reconcile(deps: ReconcileDeps, options: ReconcileOptions = {}): Promise<Reconciled> {
  const { clock, sleep, callsPerMinute } = deps;
  const { walkedBefore, spanMilliseconds = INTERVAL_MILLISECONDS } = options;
  const calls = Math.ceil((callsPerMinute * spanMilliseconds) / 60_000);
  const budget = createBudget({ callsPerMinute, calls, clock, sleep });
  const run: Run = { budget, result: emptyResult(), walkedBefore, deps };
  for (const registry of deps.servers) await reconcileRegistry(registry, run);
  const { swept, walked, failed, complete } = run.result;
  deps.log('info', 'reconciled', { swept, walked, failed, complete, calls: run.budget.spent() });
  return { ...run.result, calls: run.budget.spent() };
}

type Result = { -readonly [Name in keyof Omit<Reconciled, 'calls'>]: Reconciled[Name] };

interface Run {
  readonly budget: Budget;
  readonly result: Result;
  readonly walkedBefore: Date | undefined;
  readonly deps: ReconcileDeps;
}

/** One registry in one run. */
interface Work {
  readonly registry: LoginServer;
  readonly run: Run;
  readonly moment: Moment;
  readonly surveys: ReadonlyMap<Repository, Survey>;
  /** What an earlier run has found is still on its way: it would only be asked for twice. */
  readonly skipReceive: boolean;
  readonly installedAt: Date;
}

async function reconcileRegistry(registry: LoginServer, run: Run): Promise<void> {
  const { deps, result } = run;
  const now = deps.clock();
  const surveys = new Map<Repository, Survey>();
  for await (const survey of deps.ledger.listSurveys(registry)) surveys.set(survey.repository, survey);
  const names = await listNames(registry, run);
  if (names === undefined) {
    result.failed += 1;
    result.complete = false;
    return;
  }
  result.repositories += names.length;
  const length = async (...queues: readonly QueueName[]) =>
    (await Promise.all(queues.map(deps.queueLength))).reduce((sum, each) => sum + each, 0);
  const { deadlineMilliseconds, maxAgeMilliseconds } = deps.policy;
  const idle = {
    // A scan that failed waits on `scanned`, delayed, for its next try: it says nothing of an outcome that is to come.
    scan: (await length(QUEUES.scan, QUEUES.scanSweep)) === 0 && !(await deps.isWaiting(QUEUES.scanned)),
    verify: (await length(QUEUES.verify, QUEUES.verifySweep)) === 0,
  };
  const skipReceive = (await length(QUEUES.sweep)) > 0;
  const installedAt = await deps.ledger.installedAt(now);
  const moment: Moment = { now, deadlineMilliseconds, maxAgeMilliseconds, idle };
  const work: Work = { registry, run, moment, surveys, skipReceive, installedAt };
  await sweepChanged(rotated(names, now, run), work);
  // Repositories that the registry has forgotten are looked at too: what the ledger holds of them is gone.
  await walkDue([...new Set([...names, ...surveys.keys()])], work);
}

async function sweepChanged(names: readonly Repository[], work: Work): Promise<void> {
  const { registry, run, moment, surveys } = work;
  const { deps, budget, result } = run;
  for (const repository of names) {
    const sweptAt = surveys.get(repository)?.sweptAt;
    // What has never been walked is walked below.
    if (sweptAt === undefined) continue;
    if (!budget.has(SWEEP_SHARE)) {
      result.complete = false;
      return;
    }
    await budget.overdraw();
    await attempt({ registry, repository }, run, async (place) => {
      const updatedAt = await deps.registry.repositoryUpdatedAt(registry, repository);
      const since = new Date(new Date(sweptAt).getTime() - OVERLAP_MILLISECONDS);
      if (updatedAt === undefined || updatedAt < since) return;
      const { repairs, unfinished } = await surveyNewest(place, { since, moment }, { ...deps, budget });
      result.swept += 1;
      const recovered = await repair(place, repairs, work);
      const at = moment.now.toISOString();
      await remember(place, run, (survey) => ({
        ...survey,
        sweptAt: at,
        recovered: survey.recovered + recovered,
        unfinished: unfinished || survey.unfinished === true,
      }));
    });
  }
}

async function walkDue(names: readonly Repository[], work: Work): Promise<void> {
  const { registry, run, moment, surveys } = work;
  const { deps, budget, result } = run;
  const walkedAt = (repository: Repository) => new Date(surveys.get(repository)?.walkedAt ?? 0).getTime();
  const dueAt = (repository: Repository) => walkedAt(repository) + pauseOf(surveys.get(repository));
  const early = run.walkedBefore?.getTime() ?? 0;
  const due = names.filter((name) => moment.now.getTime() >= dueAt(name) || walkedAt(name) < early);
  for (const repository of due.toSorted((a, b) => dueAt(a) - dueAt(b))) {
    if (!budget.has(1)) {
      result.complete = false;
      return;
    }
    await attempt({ registry, repository }, run, async (place) => {
      const { summary, repairs, unfinished } = await surveyWhole(place, moment, { ...deps, budget });
      result.walked += 1;
      const recovered = (surveys.get(repository)?.recovered ?? 0) + (await repair(place, repairs, work));
      const at = moment.now.toISOString();
      await remember(place, run, () => ({ ...place, sweptAt: at, walkedAt: at, summary, recovered, unfinished }));
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
      await budget.overdraw();
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

/** Where the budget is too small for all of them, each run begins somewhere else. */
function rotated(names: readonly Repository[], now: Date, { deps }: Run): readonly Repository[] {
  if (names.length === 0) return names;
  const turn = Math.floor(now.getTime() / INTERVAL_MILLISECONDS) * deps.callsPerMinute;
  const start = turn % names.length;
  return [...names.slice(start), ...names.slice(0, start)];
}

function pauseOf(survey: Survey | undefined): number {
  if (survey?.unfinished === true) return 0;
  const { quarantined = 0, shut = 0 } = survey?.summary ?? {};
  return quarantined + shut > 0 ? GUARD_MILLISECONDS : WALK_MILLISECONDS;
}

/** One repository that cannot be looked at does not keep the others waiting. */
async function attempt(place: RepositoryKey, run: Run, work: (place: RepositoryKey) => Promise<void>): Promise<void> {
  try {
    await work(place);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    run.deps.log('error', 'repository-failed', { ...place, code: error.code });
    run.result.failed += 1;
    run.result.complete = false;
    await remember(place, run, (survey) => ({ ...survey, error: error.code }));
  }
}

async function repair(
  place: RepositoryKey,
  repairs: readonly FoundRepair[],
  { run, skipReceive, installedAt }: Work,
): Promise<number> {
  let recovered = 0;
  for (const found of repairs) {
    const { kind } = found.repair;
    if (kind === 'receive' && skipReceive) continue;
    await carryOutRepair(place, found, { ...run.deps, installedAt });
    run.result.repairs = { ...run.result.repairs, [kind]: run.result.repairs[kind] + 1 };
    if (kind === 'receive') recovered += 1;
  }
  return recovered;
}

async function remember(place: RepositoryKey, { deps }: Run, change: (survey: Survey) => Survey): Promise<void> {
  await deps.ledger.updateSurvey(place, (current) => change(current ?? { ...place, recovered: 0 }));
}

function emptyResult(): Result {
  return {
    repositories: 0,
    swept: 0,
    walked: 0,
    repairs: { receive: 0, scan: 0, rescan: 0, reopen: 0, verify: 0, decide: 0, marks: 0, gone: 0 },
    failed: 0,
    complete: true,
  };
}
