import { describe, expect, it } from 'vitest';
import type { History } from '../../local/simulation/history.js';
import { tryHistory } from '../../local/simulation/simulate.js';
import { CHANGES, type EffectName } from '../../local/simulation/trouble.js';
import type { Mutation } from '../../local/simulation/world.js';
import { SWALLOWING, UNBROKEN_WITHOUT_SWEEPS } from './mutations.js';

/** Repositories whose policy takes tags away, without and with a lock. */
const REPOSITORIES = [1, 3] as const;
const KINDS = ['fail-before', 'fail-after', 'throttle'] as const;

/** A bad image is shut away, and released half an hour later; one change of the registry fails. */
function historyOf(repository: number, fault: { on: EffectName; nth: number; kind: (typeof KINDS)[number] }): History {
  const images = [{ content: 'critical', serial: 1 }] as const;
  return {
    seed: 1,
    pushes: [{ at: 0, registry: 0, repository, tag: 0, images, existing: false }],
    faults: [{ ...fault, push: 0, seconds: 20, meanwhile: 'move' }],
    deeds: [{ at: 1800, push: 0, kind: 'release' }],
    ...{ ambushes: [], outages: [], losses: [], poisonings: [], scannerless: 0 },
  };
}

/** Lives each of these histories, without sweeps, and returns what ended wrong, by the change that failed. */
async function failEach(mutation: Mutation) {
  const wrong = new Map<EffectName, string[]>();
  const met = new Map<EffectName, number>();
  for (const repository of REPOSITORIES) {
    for (const on of CHANGES) {
      for (const kind of KINDS) {
        for (let nth = 0, more = true; more; nth++) {
          const { judgement, outcome } = await tryHistory(historyOf(repository, { on, nth, kind }), mutation);
          more = outcome.met.length > 0;
          if (more) met.set(on, (met.get(on) ?? 0) + 1);
          wrong.set(on, [...(wrong.get(on) ?? []), ...judgement.complaints.map(({ code }) => code)]);
        }
      }
    }
  }
  return { wrong, met };
}

describe('a single fault of a change to the registry', () => {
  it('does no harm, whichever it is, although no sweep ever looks', async () => {
    const { wrong, met } = await failEach(UNBROKEN_WITHOUT_SWEEPS);
    for (const change of CHANGES) {
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
