import { describe, expect, it } from 'vitest';
import type { History } from '../../local/simulation/history.js';
import { tryHistory } from '../../local/simulation/simulate.js';
import { CHANGES, type EffectName } from '../../local/simulation/trouble.js';
import type { Mutation } from '../../local/simulation/world.js';
import { SWALLOWING, UNBROKEN_WITHOUT_SWEEPS } from './mutations.js';

/** Repositories whose policy takes tags away, locks, or does both. */
const REPOSITORIES = [1, 2, 3] as const;
const KINDS = ['fail-before', 'fail-after'] as const;

interface Failing {
  readonly repository: number;
  readonly released: boolean;
  readonly on: EffectName;
  readonly kind: (typeof KINDS)[number];
}

/** A bad image is shut away, and perhaps released half an hour later; the nth change of one kind fails. */
function historyOf({ repository, released, on, kind }: Failing, nth: number): History {
  const images = [{ content: 'critical', serial: 1 }] as const;
  return {
    seed: 1,
    pushes: [{ at: 0, registry: 0, repository, tag: 0, images, existing: false }],
    faults: [{ on, nth, kind, push: 0, seconds: 20, meanwhile: 'move' }],
    deeds: released ? [{ at: 1800, push: 0, kind: 'release' }] : [],
    ...{ ambushes: [], outages: [], losses: [], poisonings: [], scannerless: 0 },
  };
}

const FAILING: readonly Failing[] = REPOSITORIES.flatMap((repository) =>
  CHANGES.flatMap((on) => {
    // What is undone again shows nothing of what was done, and what is not done cannot fail.
    const released = on === 'registry.unlock';
    return KINDS.map((kind) => ({ repository, released, on, kind }));
  }),
);

/** Lives each of these histories, without sweeps, and returns what ended wrong, by the change that failed. */
async function failEach(mutation: Mutation) {
  const wrong = new Map<EffectName, string[]>(CHANGES.map((on) => [on, []]));
  const met = new Map<EffectName, number>(CHANGES.map((on) => [on, 0]));
  for (const failing of FAILING) {
    for (let nth = 0, more = true; more; nth++) {
      const { judgement, outcome } = await tryHistory(historyOf(failing, nth), mutation);
      more = outcome.met.length > 0;
      if (more) met.set(failing.on, (met.get(failing.on) ?? 0) + 1);
      wrong.get(failing.on)?.push(...judgement.complaints.map(({ code }) => code));
    }
  }
  return { wrong, met };
}

describe('a single fault of a change to the registry', () => {
  it('does no harm, whichever it is, although no sweep ever looks', async () => {
    const { wrong, met } = await failEach(UNBROKEN_WITHOUT_SWEEPS);
    // Old marks are deleted for scans alone that a sweep has asked for.
    for (const change of CHANGES.filter((name) => name !== 'registry.delete')) {
      expect(met.get(change), change).toBeGreaterThan(0);
      expect(wrong.get(change), change).toEqual([]);
    }
  });

  it('is seen where it is swallowed', async () => {
    const { wrong } = await failEach(SWALLOWING);
    expect(wrong.get('registry.write')).toContain('MARKS');
    expect(wrong.get('registry.untag')).toContain('NOT_UNTAGGED');
    expect(wrong.get('registry.unlock')).toContain('LOCKED');
    // The second look, at what a client would get, sees that a lock is not there.
    expect(wrong.get('registry.lock')).toEqual([]);
  });
});
