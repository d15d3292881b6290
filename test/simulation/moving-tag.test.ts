import { describe, expect, it } from 'vitest';
import type { History } from '../../local/simulation/history.js';
import { tryHistory } from '../../local/simulation/simulate.js';
import { EFFECTS, type EffectName } from '../../local/simulation/trouble.js';
import type { Mutation } from '../../local/simulation/world.js';
import { WITHOUT_SECOND_LOOK } from './mutations.js';

/** A tag is taken from a bad image; at one effect the machine stands still, and the tag is pushed anew meanwhile. */
function historyOf(on: EffectName, { kind, nth }: { kind: 'stall-before' | 'stall-after'; nth: number }): History {
  const images = [{ content: 'critical', serial: 1 }] as const;
  return {
    seed: 1,
    pushes: [{ at: 0, registry: 0, repository: 1, tag: 0, images, existing: false }],
    faults: [{ on, push: 0, nth, kind, seconds: 700, meanwhile: 'move' }],
    ...{ deeds: [], ambushes: [], outages: [], losses: [], poisonings: [], scannerless: 0 },
  };
}

/** The moments at which such a history ends wrong. */
async function wrongMoments(mutation?: Mutation) {
  const wrong: string[] = [];
  let moments = 0;
  for (const on of EFFECTS) {
    for (const kind of ['stall-before', 'stall-after'] as const) {
      for (let nth = 0, met = true; met && nth < 12; nth++) {
        const { judgement, outcome } = await tryHistory(historyOf(on, { kind, nth }), mutation);
        met = outcome.met.length > 0;
        moments += met ? 1 : 0;
        wrong.push(...judgement.complaints.map(({ code }) => `${code}: ${kind} ${on} ${nth}`));
      }
    }
  }
  return { wrong, moments };
}

describe('a tag that is pushed anew while the machine that removes it stands still', () => {
  it('stays where it was pushed last, whatever the moment', async () => {
    const { wrong, moments } = await wrongMoments();
    expect(moments).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  }, 120_000);

  it('is lost by a pipeline that skips the second look before it removes', async () => {
    const { wrong } = await wrongMoments(WITHOUT_SECOND_LOOK);
    expect(wrong.some((line) => line.startsWith('TAG_LOST'))).toBe(true);
  }, 120_000);
});
