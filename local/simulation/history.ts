import fc from 'fast-check';
import { type Content, CONTENTS } from './images.js';
import { REGISTRIES, REPOSITORIES, TAGS } from './setting.js';
import {
  CHANGES,
  DEEDS,
  type DeedKind,
  EFFECTS,
  type EffectName,
  FAULT_KINDS,
  type Fault,
  LOSABLE,
  type Loss,
  type Moment,
  OF_SWEEPS,
  type Outage,
  POISONABLE,
  type Poisoning,
  SELDOM,
  SERVICES,
} from './trouble.js';

/** Where something is pushed, by position in the lists of {@link REGISTRIES} and {@link REPOSITORIES}. */
export interface Where {
  readonly registry: number;
  readonly repository: number;
}

/** An image by what is in it; another `serial` is another digest. */
export interface Recipe {
  readonly content: Content;
  readonly serial: number;
}

/** A push: of an image, or of an index where there is more than one recipe. */
export interface Push extends Where {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly images: readonly Recipe[];
  readonly tag: number;
  /** It was in the registry before the app was installed. */
  readonly existing: boolean;
}

/** What somebody does with one of the pushed artifacts: later, or before. */
export interface Deed {
  readonly at: number;
  /** Position in the list of pushes. */
  readonly push: number;
  readonly kind: DeedKind;
}

/** Something that is done at the worst moment: just before an effect of ours takes place. */
export interface Ambush extends Moment {
  readonly kind: DeedKind;
}

/** Everything that happens in one simulated world, as data: the same history is the same run. */
export interface History {
  readonly seed: number;
  /** Null where shrinking has taken a push out, so that the others keep their positions. */
  readonly pushes: readonly (Push | null)[];
  readonly deeds: readonly Deed[];
  readonly ambushes: readonly Ambush[];
  readonly faults: readonly Fault[];
  readonly outages: readonly Outage[];
  readonly losses: readonly Loss[];
  readonly poisonings: readonly Poisoning[];
  /** Seconds without a scanner, from the beginning. Where there are any, a decision waits for an hour only. */
  readonly scannerless: number;
}

/** What a history is without anything that `reconcile` alone can repair. */
export function withoutLoss(history: History): History {
  return {
    ...history,
    pushes: history.pushes.map((push) => push && { ...push, existing: false }),
    deeds: history.deeds.filter(({ kind }) => !MENDED.includes(kind)),
    ambushes: history.ambushes.filter(({ kind }) => !MENDED.includes(kind)),
    faults: history.faults.map((fault) => (MENDED.includes(fault.meanwhile) ? { ...fault, meanwhile: 'move' } : fault)),
    ...{ losses: [], poisonings: [], scannerless: 0 },
  };
}

/** Deeds that nobody tells us of, or that change what we have done. */
const MENDED: readonly DeedKind[] = ['unlock', 'unmark'];

/** The longest time from the first to the last deed, in seconds. */
export const SPAN = 7200;

/** Effects before which people do things: there lies what we have just looked at, and are about to change. */
const AMBUSHED: readonly EffectName[] = [
  'registry.observe',
  'registry.resolveTag',
  'registry.untag',
  'registry.lock',
  'registry.unlock',
  'registry.read',
  'registry.write',
  'table.update',
  'blob.upload',
  'scanner.scan',
];

/** Histories of exactly so many pushes, with more or less of everything else. */
export function histories(pushes: number): fc.Arbitrary<History> {
  // Half of what happens happens at once, for that is where things collide.
  const time = fc.oneof(fc.nat(SPAN), fc.nat(120));
  const recipe = fc.record({
    content: fc.oneof({ weight: 3, arbitrary: fc.constant<Content>('good') }, fc.constantFrom(...CONTENTS)),
    serial: fc.nat(Math.max(2, pushes)),
  });
  const push = fc.record({
    at: time,
    registry: fc.nat(REGISTRIES.length - 1),
    repository: fc.nat(REPOSITORIES.length - 1),
    tag: fc.nat(TAGS.length - 1),
    existing: fc.nat(9).map((n) => n === 9),
    images: fc.oneof(
      { weight: 3, arbitrary: fc.tuple(recipe) },
      { weight: 1, arbitrary: fc.array(recipe, { minLength: 2, maxLength: 3 }) },
    ),
  });
  const deed = fc.record({ at: time, push: fc.nat(pushes - 1), kind: fc.constantFrom(...DEEDS) });
  const nth = fc.oneof(fc.nat(2), fc.nat(12), fc.nat(4 * pushes));
  const faultAt = (moment: {
    readonly on: fc.Arbitrary<EffectName>;
    readonly push: fc.Arbitrary<number>;
    readonly nth: fc.Arbitrary<number>;
  }) =>
    fc.record({
      ...moment,
      kind: fc.constantFrom(...FAULT_KINDS),
      seconds: fc.constantFrom(20, 90, 700, 1500),
      meanwhile: fc.oneof(fc.constant<DeedKind>('move'), fc.constantFrom(...DEEDS)),
    });
  const somewhere = fc.nat(pushes - 1);
  const anything = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...EFFECTS) }, fc.constantFrom(...CHANGES));
  const fault = fc.oneof(
    { weight: 5, arbitrary: faultAt({ on: anything, push: fc.integer({ min: -1, max: pushes - 1 }), nth }) },
    { weight: 4, arbitrary: faultAt({ on: fc.constantFrom(...SELDOM), push: somewhere, nth: fc.nat(3) }) },
    // Sweeps concern no one repository.
    { weight: 1, arbitrary: faultAt({ on: fc.constantFrom(...OF_SWEEPS), push: fc.constant(-1), nth: fc.nat(400) }) },
  );
  const ambush = fc.record({
    on: fc.constantFrom(...AMBUSHED),
    push: fc.nat(pushes - 1),
    nth: fc.nat(5),
    kind: fc.constantFrom(...DEEDS),
  });
  const outage = fc.record({
    service: fc.constantFrom(...SERVICES),
    at: time,
    seconds: fc.integer({ min: 5, max: 1200 }),
  });
  const loss = fc.record({
    what: fc.oneof(fc.constantFrom('push' as const, 'delete' as const), fc.constantFrom(...LOSABLE)),
    push: fc.nat(pushes - 1),
    nth: fc.oneof(fc.nat(1), fc.nat(8)),
  });
  const poisoning = fc.record({
    queue: fc.constantFrom(...POISONABLE),
    push: fc.nat(pushes - 1),
    nth: fc.nat(3),
    step: fc.nat(8),
  });
  // In this order it is shrunk. Another seed is another story, so it stays.
  return fc.record({
    faults: fc.array(fault, { maxLength: 3 * pushes, size: 'max' }),
    outages: fc.array(outage, { maxLength: 2 }),
    losses: fc.array(loss, { maxLength: pushes, size: 'max' }),
    poisonings: fc.array(poisoning, { maxLength: 2 }),
    scannerless: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 3600, max: 3 * 3600 })),
    ambushes: fc.array(ambush, { maxLength: pushes, size: 'max' }),
    deeds: fc.array(deed, { maxLength: 2 * pushes, size: 'max' }),
    // As good as never left out when it is generated, but first of all when it is shrunk.
    pushes: fc.array(fc.option(push, { nil: null, freq: 2 ** 30 }), { minLength: pushes, maxLength: pushes }),
    seed: fc.noShrink(fc.nat(0xffff_ffff)),
  });
}
