import { describe, expect, it } from 'vitest';
import type { History, Push } from '../../local/simulation/history.js';
import type { Content } from '../../local/simulation/images.js';
import { tryHistory } from '../../local/simulation/simulate.js';

const NOTHING: Omit<History, 'pushes'> = {
  ...{ seed: 1, deeds: [], ambushes: [], faults: [], outages: [], losses: [], poisonings: [], scannerless: 0 },
};

/** A push to the first registry: of an index, where there is more than one image. */
const push = (
  at: number,
  { repository, tag, images }: { repository: number; tag: number; images: readonly (readonly [Content, number])[] },
): Push => ({
  ...{ at, registry: 0, repository, tag, existing: false },
  images: images.map(([content, serial]) => ({ content, serial })),
});

/** Histories that the simulation found, by what ended wrong in them. */
const FOUND: Readonly<Record<string, History>> = {
  'a release that looked just before a slow decider removed a tag': {
    ...NOTHING,
    seed: 904153360,
    pushes: [
      push(48, { repository: 1, tag: 0, images: [['end-of-life', 8]] }),
      push(116, { repository: 1, tag: 2, images: [['good', 4]] }),
    ],
    deeds: [{ at: 3, push: 0, kind: 'retag' }],
    faults: [
      { on: 'registry.observe', push: 1, nth: 0, kind: 'die-before', seconds: 20, meanwhile: 'move' },
      { on: 'registry.resolveTag', push: 0, nth: 0, kind: 'die-before', seconds: 20, meanwhile: 'move' },
      { on: 'registry.observe', push: 0, nth: 1, kind: 'die-before', seconds: 20, meanwhile: 'move' },
    ],
    ambushes: [{ on: 'registry.observe', push: 0, nth: 3, kind: 'release' }],
  },
  'a lock at the deadline that came long after the pass': {
    ...NOTHING,
    seed: 23,
    pushes: [
      push(12, { repository: 3, tag: 0, images: [['good', 16]] }),
      push(4, { repository: 3, tag: 2, images: [['good', 19]] }),
      push(115, {
        ...{ repository: 0, tag: 1 },
        images: [
          ['low', 0],
          ['good', 17],
          ['unrecognised', 4],
        ],
      }),
    ],
    faults: [{ on: 'registry.lock', push: 0, nth: 1, kind: 'stall-before', seconds: 1500, meanwhile: 'sign' }],
    outages: [{ service: 'table', at: 17, seconds: 591 }],
    scannerless: 3611,
  },
  'two quarantined images of one tag that pass one after the other, the older first': {
    ...NOTHING,
    seed: 340563071,
    pushes: [
      push(0, { repository: 1, tag: 0, images: [['good', 0]] }),
      push(0, { repository: 1, tag: 0, images: [['good', 20]] }),
      push(3604, {
        ...{ repository: 1, tag: 0 },
        images: [
          ['good', 0],
          ['good', 20],
        ],
      }),
    ],
    scannerless: 3600,
  },
};

describe('a history that once ended wrong', () => {
  it.each(Object.entries(FOUND))('%s, ends well', async (_name, history) => {
    const { judgement, outcome } = await tryHistory(history);
    expect(judgement.complaints).toEqual([]);
    expect(judgement.manifests).toBeGreaterThan(0);
    expect(outcome.met).toHaveLength(history.faults.length);
  });
});
