import fc from 'fast-check';
import { type History, histories } from './history.js';
import { type Complaint, type Judgement, judge } from './judge.js';
import type { Outcome } from './outcome.js';
import { type Mutation, live } from './world.js';

/** How many pushes one world sees. Small enough to shrink, large enough for them to get into each other's way. */
export const PUSHES_PER_WORLD = 20;

/** A history that did not end as it should, as small as it could be made. */
export interface Failure {
  readonly history: History;
  readonly complaints: readonly Complaint[];
}

/** The sum of many worlds. */
export interface Summary {
  readonly pushes: number;
  readonly worlds: number;
  readonly manifests: number;
  readonly effects: number;
  readonly faults: number;
  readonly lost: number;
  readonly wrong: number;
  readonly duplicates: Judgement['duplicates'];
  readonly failure: Failure | undefined;
}

/** What {@link simulate} is told. */
export interface SimulateOptions {
  readonly pushes: number;
  /** 32 bits. */
  readonly seed: number;
  readonly pushesPerWorld?: number;
  readonly mutation?: Mutation;
  /** The longest that a failing history is shrunk, in milliseconds. */
  readonly shrinkMilliseconds?: number;
  readonly onWorld?: (done: number) => void;
}

interface Lived {
  readonly outcome: Outcome;
  readonly judgement: Judgement;
}

/** Lives one history, and judges it when it has calmed down and when a day has gone by. */
export async function tryHistory(history: History, mutation?: Mutation): Promise<Lived> {
  let early: readonly Complaint[] = [];
  const outcome = await live(history, {
    ...(mutation && { mutation }),
    onCalm: async (calm) => {
      early = (await judge(calm, 'calm')).complaints;
    },
  });
  const judgement = await judge(outcome, 'end');
  const late = new Set(judgement.complaints.map(({ code, subject }) => `${code} ${subject}`));
  const healed = early
    .filter(({ code, subject }) => !late.has(`${code} ${subject}`))
    .map((complaint) => ({ ...complaint, detail: `${complaint.detail} (until a deadline)` }));
  return { outcome, judgement: { ...judgement, complaints: [...judgement.complaints, ...healed] } };
}

/** Lives through as many worlds as the pushes fill; stops at the first that ends wrong, and shrinks its history. */
export async function simulate(options: SimulateOptions): Promise<Summary> {
  const { pushes, seed, pushesPerWorld = PUSHES_PER_WORLD } = options;
  const sum = { pushes: 0, worlds: 0, manifests: 0, effects: 0, faults: 0, lost: 0, wrong: 0 };
  const duplicates: Judgement['duplicates'][number][] = [];
  let failure: Failure | undefined;
  while (sum.pushes < pushes && failure === undefined) {
    const here = Math.min(pushesPerWorld, pushes - sum.pushes);
    const {
      outcome,
      judgement,
      failure: found,
    } = await checkWorld(histories(here), worldSeed(seed, sum.worlds), options);
    failure = found;
    sum.pushes += here;
    sum.worlds += 1;
    sum.manifests += judgement.manifests;
    sum.faults += outcome.met.length;
    sum.effects += [...outcome.effects.values()].reduce((total, count) => total + count, 0);
    sum.lost += judgement.complaints.filter(({ kind }) => kind === 'lost').length;
    sum.wrong += judgement.complaints.filter(({ kind }) => kind === 'wrong').length;
    duplicates.push(...judgement.duplicates);
    options.onWorld?.(sum.worlds);
  }
  return { ...sum, duplicates, failure };
}

/** Spreads the worlds of one seed over all 32 bits. */
function worldSeed(seed: number, world: number): number {
  return Math.imul((seed >>> 0) + 1, 0x9e3779b1) + Math.imul(world, 0x85ebca6b);
}

/** Lives one world; where it ends wrong, fast-check looks for a smaller history that ends wrong in the same way. */
async function checkWorld(
  arbitrary: fc.Arbitrary<History>,
  seed: number,
  { mutation, shrinkMilliseconds = 60_000 }: SimulateOptions,
): Promise<Lived & { readonly failure: Failure | undefined }> {
  const begun = performance.now();
  let first: Lived | undefined;
  let crash: Error | undefined;
  let failure: Failure | undefined;
  const property = fc.asyncProperty(arbitrary, async (history) => {
    if (crash !== undefined) return true;
    if (first !== undefined && performance.now() > begun + shrinkMilliseconds) return true;
    let lived: Lived;
    try {
      lived = await tryHistory(history, mutation);
    } catch (error) {
      // A simulation that breaks down shows nothing, and is no history that ends wrong.
      if (first === undefined) crash = error instanceof Error ? error : new Error(String(error));
      return true;
    }
    first ??= lived;
    const known = new Set(first.judgement.complaints.map(({ code }) => code));
    const complaints = lived.judgement.complaints.filter(({ code }) => known.has(code));
    if (complaints.length === 0) return true;
    failure = { history, complaints };
    return false;
  });
  await fc.check(property, { seed, numRuns: 1 });
  if (first === undefined) throw crash ?? new Error('no history was made');
  return { ...first, failure };
}
