import type { LoginServer } from '../artifact/login-server.js';
import type { Repository } from '../artifact/repository.js';
import { AppError } from '../error/app-error.js';
import type { Budget } from './budget.js';
import type { Survey } from './entry.js';
import type { Reconciled, ReconcileDeps } from './reconcile.js';
import { carryOutRepair } from './repair.js';
import type { FoundRepair, Moment, RepositoryKey } from './survey-repository.js';

/** What a run has come to so far. */
export type Result = { -readonly [Name in keyof Omit<Reconciled, 'calls' | 'startedAt'>]: Reconciled[Name] };

/** One registry in one run. */
export interface RegistryRun {
  readonly registry: LoginServer;
  readonly budget: Budget;
  readonly result: Result;
  readonly deps: ReconcileDeps;
}

/** What is known of it before anything is looked at. */
export interface Work extends RegistryRun {
  readonly moment: Moment;
  readonly surveys: ReadonlyMap<Repository, Survey>;
  /** What an earlier run has found is still on its way: it would only be asked for twice. */
  readonly skipReceive: boolean;
  readonly installedAt: Date;
}

/** Looks at one repository; one that cannot be looked at does not keep the others waiting. */
export async function attempt(
  repository: Repository,
  run: RegistryRun,
  work: (place: RepositoryKey) => Promise<void>,
): Promise<void> {
  const place: RepositoryKey = { registry: run.registry, repository };
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

/** Asks for what is missing in a repository; resolves with how many pushes no event had told of. */
export async function repair(
  place: RepositoryKey,
  repairs: readonly FoundRepair[],
  { deps, result, skipReceive, installedAt }: Work,
): Promise<number> {
  let recovered = 0;
  for (const found of repairs) {
    const { kind } = found.repair;
    if (kind === 'receive' && skipReceive) continue;
    await carryOutRepair(place, found, { ...deps, installedAt });
    result.repairs = { ...result.repairs, [kind]: result.repairs[kind] + 1 };
    if (kind === 'receive') recovered += 1;
  }
  return recovered;
}

/** Writes down what a look at a repository has found. */
export async function remember(
  place: RepositoryKey,
  { deps }: RegistryRun,
  change: (survey: Survey) => Survey,
): Promise<void> {
  await deps.ledger.updateSurvey(place, (current) => change(current ?? { ...place, recovered: 0 }));
}
