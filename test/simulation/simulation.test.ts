import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { histories } from '../../local/simulation/history.js';
import { judge } from '../../local/simulation/judge.js';
import { simulate } from '../../local/simulation/simulate.js';
import { live } from '../../local/simulation/world.js';
import { MUTATIONS, tryMutation } from './mutations.js';

describe('the simulation', () => {
  it('loses nothing, does nothing wrong, and explains every card that is sent twice', async () => {
    const { failure, lost, wrong, pushes, faults, duplicates } = await simulate({
      pushes: 240,
      pushesPerWorld: 10,
      seed: 2026,
    });
    expect(failure).toBeUndefined();
    expect({ lost, wrong, pushes }).toEqual({ lost: 0, wrong: 0, pushes: 240 });
    expect(faults).toBeGreaterThan(50);
    expect(duplicates.every(({ because }) => because !== '')).toBe(true);
  });

  it('meets the brake, and a person who lets go of it', async () => {
    const sampled = fc.sample(histories(20), { seed: 7, numRuns: 4 });
    const outcomes = await Promise.all(sampled.map((history) => live({ ...history, seed: history.seed & ~3 })));
    const held = outcomes.filter(({ cards }) =>
      cards.some(({ alert }) => alert.kind === 'system' && alert.code === 'BRAKE_TRIPPED'),
    );
    expect(held.length).toBeGreaterThan(0);
    for (const outcome of outcomes) expect((await judge(outcome, 'end')).complaints).toEqual([]);
  });

  it('repeats a history exactly', async () => {
    const [history] = fc.sample(histories(12), { seed: 5, numRuns: 1 });
    const trace = async () => {
      const { trace: lines } = await live(history!, { traced: true });
      // Identifiers of events and scans are the only things that are drawn anew.
      return lines.map((line) => line.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…'));
    };
    const first = await trace();
    expect(first.length).toBeGreaterThan(500);
    // Time passes until scans are old, and are done anew.
    expect(first.some((line) => line.includes('registry.delete'))).toBe(true);
    expect(await trace()).toEqual(first);
  });
});

describe('a pipeline that', () => {
  it.each(Object.entries(MUTATIONS))(
    '%s is caught',
    async (_name, mutation) => {
      const { failure, worlds } = await tryMutation(mutation);
      expect(failure, `not caught in ${worlds} worlds`).toBeDefined();
    },
    120_000,
  );
});
