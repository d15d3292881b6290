import { describe, expect, it } from 'vitest';
import { simulate } from '../../local/simulation/simulate.js';
import { SWEEP_MUTATIONS, tryMutation } from './mutations.js';

/** Worlds per seed; each sees twelve pushes. */
const WORLDS = 100;
const PUSHES = 12;

describe('the simulation', () => {
  it.each([1, 0xdead_beef, 0xffff_ffff])('loses nothing and does nothing wrong with seed %i', async (seed) => {
    const { failure, lost, wrong, worlds } = await simulate({
      pushes: WORLDS * PUSHES,
      pushesPerWorld: PUSHES,
      seed,
    });
    expect(failure, JSON.stringify(failure, undefined, 1)).toBeUndefined();
    expect({ lost, wrong, worlds }).toEqual({ lost: 0, wrong: 0, worlds: WORLDS });
  });
});

describe('a sweep that', () => {
  it.each(Object.entries(SWEEP_MUTATIONS))(
    '%s is caught',
    async (_name, mutation) => {
      const { failure, worlds } = await tryMutation(mutation);
      expect(failure, `not caught in ${worlds} worlds`).toBeDefined();
    },
    120_000,
  );
});
