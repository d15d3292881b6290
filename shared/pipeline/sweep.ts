import type { LoginServer } from '../artifact/login-server.js';
import type { Repository } from '../artifact/repository.js';
import type { SweepRound } from './entry.js';
import type { ReconcileDeps } from './reconcile.js';
import { type Work, attempt, remember, repair } from './reconcile-work.js';
import { surveyNewest } from './survey-repository.js';

/** A registry's clock and replicas may be so far behind. */
const OVERLAP_MILLISECONDS = 10 * 60_000;

/**
 * The round of the search for news that goes on: a new one where the last is over or, where somebody asks at `since`, where
 * it began before that.
 */
export async function openRound(
  registry: LoginServer,
  { now, since }: { readonly now: Date; readonly since: Date | undefined },
  { ledger }: Pick<ReconcileDeps, 'ledger'>,
): Promise<SweepRound> {
  const begin = (last?: SweepRound): SweepRound => ({
    ...{ beganAt: now.toISOString(), next: '' },
    ...(last?.took !== undefined && { took: last.took }),
  });
  const isOver = ({ beganAt, next }: SweepRound) =>
    since === undefined ? next === undefined : new Date(beganAt) < since;
  const round = await ledger.updateSweep(registry, (current) =>
    current === undefined || isOver(current) ? begin(current) : current,
  );
  return round ?? begin();
}

/**
 * Looks for news in the repositories from `next` on, by name, as long as this share of the budget lasts; resolves with the
 * round as it stands then. Repositories that were never looked at as a whole are left out: all of them is news.
 */
export async function sweepOn(
  round: SweepRound,
  { names, share }: { readonly names: readonly Repository[]; readonly share: number },
  work: Work,
): Promise<SweepRound> {
  const { moment, surveys, deps, budget, result } = work;
  const { next } = round;
  if (next === undefined) return round;
  for (const repository of names.filter((name) => name >= next).toSorted()) {
    const sweptAt = surveys.get(repository)?.sweptAt;
    if (sweptAt === undefined) continue;
    if (!budget.has(share)) return { ...round, next: repository };
    await budget.spend();
    await attempt(repository, work, async (place) => {
      const updatedAt = await deps.registry.repositoryUpdatedAt(place.registry, repository);
      const since = new Date(new Date(sweptAt).getTime() - OVERLAP_MILLISECONDS);
      if (updatedAt === undefined || updatedAt < since) return;
      const { repairs, unfinished } = await surveyNewest(place, { since, moment }, { ...deps, budget });
      result.swept += 1;
      const recovered = await repair(place, repairs, work);
      const at = moment.now.toISOString();
      await remember(place, work, (survey) => ({
        ...survey,
        sweptAt: at,
        recovered: survey.recovered + recovered,
        unfinished: unfinished || survey.unfinished === true,
      }));
    });
  }
  const { beganAt } = round;
  return { beganAt, took: deps.clock().getTime() - new Date(beganAt).getTime() };
}

/** How long a search for news takes: the last that is over, or the one under way where that is longer already. */
export async function searchMilliseconds(
  registry: LoginServer,
  { ledger, clock }: Pick<ReconcileDeps, 'ledger' | 'clock'>,
): Promise<number | undefined> {
  const round = await ledger.updateSweep(registry, (current) => current);
  if (round === undefined) return undefined;
  const { beganAt, next, took = 0 } = round;
  return next === undefined ? took : Math.max(took, clock().getTime() - new Date(beganAt).getTime());
}

/** Writes down how far the round has come. Another run may have come further, or have begun a new one. */
export async function keepRound(
  registry: LoginServer,
  round: SweepRound,
  { ledger }: Pick<ReconcileDeps, 'ledger'>,
): Promise<void> {
  await ledger.updateSweep(registry, (current) => {
    const isOther = current?.beganAt !== round.beganAt || current.next === undefined;
    const isBehind = round.next !== undefined && current?.next !== undefined && round.next <= current.next;
    return isOther || isBehind ? current : round;
  });
}
