import { type Place, placesOf } from '../document/place.js';
import { type Source, pick } from './change.js';
import { LEAF_CHANGES } from './leaf.js';
import { LIST_CHANGES } from './list.js';
import { OTHER_SIGNATURE } from './other-signature.js';
import { RAW_CHANGES } from './raw.js';

/** A document after a mutation, and what was done to it, for people. */
export interface Mutated {
  readonly bytes: Buffer;
  readonly told: string;
}

const LEAVES = [...LEAF_CHANGES, ...LEAF_CHANGES, ...RAW_CHANGES, OTHER_SIGNATURE];
const LISTS = [...LIST_CHANGES, ...LIST_CHANGES, ...LEAF_CHANGES, ...RAW_CHANGES, OTHER_SIGNATURE];
const TRIES = 20;

/** Changes one place of a document, taken at random: each encoding in it has the same chance, whatever its size. */
export function mutateAt(places: readonly Place[], source: Source): Mutated {
  const { random } = source;
  const own = pick(random, documentsOf(places)) ?? [];
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const place = pick(random, own);
    const change = place && pick(random, place.parts === undefined ? LEAVES : LISTS);
    const bytes = place && change?.apply(place, source);
    if (place === undefined || change === undefined || bytes === undefined) continue;
    return { bytes: place.put(bytes), told: `${place.path}: ${change.name}` };
  }
  return { bytes: places[0]?.bytes ?? Buffer.alloc(0), told: 'nothing' };
}

/** The same with a document of which nothing is known yet. */
export function mutate(bytes: Buffer, path: string, source: Source): Mutated {
  return mutateAt(placesOf(bytes, path), source);
}

const documents = new WeakMap<readonly Place[], readonly (readonly Place[])[]>();

/** The places by the encoding that they lie in. */
function documentsOf(places: readonly Place[]): readonly (readonly Place[])[] {
  const known = documents.get(places) ?? [...Map.groupBy(places, ({ path }) => documentOf(path)).values()];
  documents.set(places, known);
  return known;
}

/** The innermost encoding that a place lies in. */
function documentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('|') + 1);
}
