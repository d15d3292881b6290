import { type Context, toTime } from './context.js';
import { deletion } from './delete-manifest.js';
import type { RepositoryState } from './state.js';

const DAY_MILLISECONDS = 86_400_000;
const HOUR_MILLISECONDS = 3_600_000;

/**
 * Deletes manifests that have been without a tag for so many days, whenever it is called an hour or more after the last
 * time. Spared is what may not be deleted: https://learn.microsoft.com/azure/container-registry/container-registry-retention-policy
 * Also spared, by inference, are children of an index that stays and referrers of a subject that stays.
 */
export function createRetention(days: number, context: Context): () => Promise<void> {
  let next = 0;
  return async () => {
    const now = context.clock().getTime();
    if (now < next) return;
    next = now + HOUR_MILLISECONDS;
    const before = toTime(new Date(now - days * DAY_MILLISECONDS));
    for (const name of context.repositories.names()) {
      for (const digest of expired(context.repositories.find(name), before)) {
        const happened = await context.repositories.change(name, (state) =>
          state?.manifests.has(digest) === true
            ? deletion(state, { name, digest, now: toTime(context.clock()) }, context)
            : { changes: [] },
        );
        if (context.switches.retentionEvent === 'on') await context.publish(happened);
      }
    }
  };
}

function expired(state: RepositoryState | undefined, before: string): readonly string[] {
  if (state === undefined || !state.attributes.writeEnabled) return [];
  const held = new Set(
    [...state.manifests.values()].flatMap(({ children = [] }) => children.map(({ digest }) => digest)),
  );
  return [...state.manifests].flatMap(([digest, { untaggedTime, subject, attributes }]) => {
    const spared =
      !attributes.deleteEnabled ||
      !attributes.writeEnabled ||
      held.has(digest) ||
      (subject !== undefined && state.manifests.has(subject));
    return untaggedTime !== undefined && untaggedTime < before && !spared ? [digest] : [];
  });
}
