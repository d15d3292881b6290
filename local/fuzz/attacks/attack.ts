import type { Seed } from '../seed.js';

/** Something that is made to cost as much as can be. It has to be refused, or bounded, quickly. */
export interface Attack {
  readonly name: string;
  /** Makes it up; what is measured comes back, and says in a word what came of it. */
  readonly prepare: (seeds: readonly Seed[]) => () => string | Promise<string>;
}

/** The first seed whose name begins so. Throws where there is none. */
export function seedNamed(seeds: readonly Seed[], prefix: string): Seed {
  const found = seeds.find(({ name }) => name.startsWith(prefix));
  if (found === undefined) throw new Error(`there is no seed ${prefix}`);
  return found;
}
