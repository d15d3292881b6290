import type { Random } from '../../simulation/random.js';
import type { Place } from '../document/place.js';

/** What a mutation may use besides the place itself. */
export interface Source {
  readonly random: Random;
  /** Places of this signature and of another one, to take pieces from. */
  readonly donors: readonly Place[];
}

/** One way to change a place: what is written there instead, or undefined where it does not apply. */
export interface Change {
  readonly name: string;
  readonly apply: (place: Place, source: Source) => Buffer | undefined;
}

/** One of a list; undefined of an empty one. */
export function pick<Item>(random: Random, items: readonly Item[]): Item | undefined {
  return items[random.below(items.length)];
}

/** One of a list that has some. */
export function pickFrom<Item>(random: Random, items: readonly [Item, ...Item[]]): Item {
  return items[random.below(items.length)] ?? items[0];
}
