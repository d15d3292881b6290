import { describe, expect, it } from 'vitest';
import type { History } from '../../local/simulation/history.js';
import { tryHistory } from '../../local/simulation/simulate.js';
import { CHANGES, type EffectName, SELDOM } from '../../local/simulation/trouble.js';
import type { Mutation } from '../../local/simulation/world.js';
import { UNBROKEN_WITHOUT_SWEEPS, WITHOUT_SECOND_LOOK } from './mutations.js';

/** What lies around the removal and the restoration of a tag. */
const AROUND: readonly EffectName[] = [...new Set([...SELDOM, ...CHANGES, 'registry.read', 'table.update'] as const)];

/** A moment, and how long the machine stands still there: before the effect, or after it. */
interface Moment {
  readonly on: EffectName;
  readonly nth: number;
  readonly kind: 'stall-before' | 'stall-after';
}

/** A tag is taken from a bad image, and given back if that is released; at one moment it is pushed anew. */
function historyOf({ on, nth, kind }: Moment, released: boolean): History {
  const images = [{ content: 'critical', serial: 1 }] as const;
  return {
    seed: 1,
    pushes: [{ at: 0, registry: 0, repository: 1, tag: 0, images, existing: false }],
    faults: [{ on, push: 0, nth, kind, seconds: 700, meanwhile: 'move' }],
    deeds: released ? [{ at: 1800, push: 0, kind: 'release' }] : [],
    ...{ ambushes: [], outages: [], losses: [], poisonings: [], scannerless: 0 },
  };
}

/** The moments at which such a history ends wrong. */
async function wrongMoments(mutation: Mutation, released: boolean) {
  const wrong: string[] = [];
  const moments = new Map<EffectName, number>();
  for (const on of AROUND) {
    for (const kind of ['stall-before', 'stall-after'] as const) {
      for (let nth = 0, met = true; met; nth++) {
        const { judgement, outcome } = await tryHistory(historyOf({ on, nth, kind }, released), mutation);
        met = outcome.met.length > 0;
        if (met) moments.set(on, (moments.get(on) ?? 0) + 1);
        wrong.push(...judgement.complaints.map(({ code }) => `${code}: ${kind} ${on} ${nth}`));
      }
    }
  }
  return { wrong, moments };
}

describe('a tag that is pushed anew while the machine stands still that removes or restores it', () => {
  // In the history with a release the tag is removed too.
  it('stays where it was pushed last, whatever the moment, and although no sweep ever looks', async () => {
    const { wrong, moments } = await wrongMoments(UNBROKEN_WITHOUT_SWEEPS, true);
    for (const effect of ['registry.untag', 'registry.resolveTag', 'registry.write'] as const) {
      expect(moments.get(effect), effect).toBeGreaterThan(1);
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('is lost by a pipeline that skips the second look before it removes', async () => {
    const { wrong } = await wrongMoments(WITHOUT_SECOND_LOOK, false);
    expect(wrong.some((line) => line.startsWith('TAG_LOST'))).toBe(true);
  }, 120_000);
});
