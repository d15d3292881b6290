import type { Work } from './reconcile-work.js';
import type { RepositoryKey } from './survey-repository.js';

/** How long something may be in a registry and unknown to us until the platform is told; a first sweep takes hours. */
const UNACCOUNTED_MILLISECONDS = 6 * 3_600_000;

/** Since when something in a repository has been unknown at every look; undefined where nothing is now. */
export function tellUnaccounted(
  { registry, repository }: RepositoryKey,
  manifests: number,
  { surveys, moment, deps }: Work,
): string | undefined {
  if (manifests === 0) return undefined;
  const since = surveys.get(repository)?.unaccountedSince ?? moment.now.toISOString();
  const milliseconds = moment.now.getTime() - new Date(since).getTime();
  if (milliseconds >= UNACCOUNTED_MILLISECONDS) {
    deps.log('error', 'unaccounted', { registry, repository, manifests, seconds: Math.round(milliseconds / 1000) });
  }
  return since;
}
