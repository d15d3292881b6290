import type { Digest } from '../artifact/digest.js';
import type { TagEntry } from './entry.js';

/** How far the registry's clock and ours may differ. */
const SKEW_MILLISECONDS = 60_000;
/** How long a change may have taken whose end nobody wrote down. */
const UNKNOWN_END_MILLISECONDS = 600_000;

type TagChange = NonNullable<TagEntry['removed']>;

/**
 * Whether a change of ours to a tag, which is by name, has hit the last push of it, for `digest`: we took it away from an
 * older digest while it was pushed, or gave it back to an older one then or later.
 */
export function isOvertakenRow({ digest: owner, pushedAt, removed, restored }: TagEntry, digest: Digest): boolean {
  if (owner !== digest) return false;
  const byRemoval = removed !== undefined && removed.digest !== digest && isDuring(removed, pushedAt);
  const last = restored?.at(-1);
  const byRestoration = last !== undefined && last.digest !== digest && isBeforeEnd(last, pushedAt);
  return byRemoval || byRestoration;
}

/** Whether the event of a push is that of our own restoration of the tag, which makes nobody its owner. */
export function isOwnPush(
  row: TagEntry | undefined,
  { digest, at }: { readonly digest: Digest; readonly at: string },
): boolean {
  return row?.restored?.some((restored) => restored.digest === digest && isDuring(restored, at)) === true;
}

function isDuring(change: TagChange, at: string): boolean {
  return new Date(at).getTime() >= new Date(change.at).getTime() - SKEW_MILLISECONDS && isBeforeEnd(change, at);
}

function isBeforeEnd({ at: begun, until }: TagChange, at: string): boolean {
  const over = until === undefined ? new Date(begun).getTime() + UNKNOWN_END_MILLISECONDS : new Date(until).getTime();
  return new Date(at).getTime() <= over + SKEW_MILLISECONDS;
}
