import type { Leaves } from './leaves.js';

/** A value that is not what it was. */
export interface Difference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Where two documents say something else. */
export function differencesOf(before: Leaves, after: Leaves): readonly Difference[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths]
    .map((path) => ({ path, before: before.get(path), after: after.get(path) }))
    .filter((each) => each.before !== each.after);
}
