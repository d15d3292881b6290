import { writeEvidence } from '../../shared/signature/stored-evidence.js';
import { createRandom } from '../simulation/random.js';
import { type Findings, createFindings } from './finding.js';
import { BOUNDS, type Cost, confirm, isTooMuch, measure } from './measure.js';
import { makeMutant } from './mutant.js';
import { pick } from './mutate/change.js';
import { mutate } from './mutate/mutate.js';
import { type Given, type Work, anAuthority, parseSomething } from './parse-something.js';
import { type Seed, createPlaceBook, relativesOf } from './seed.js';
import { type Trial, tryMutant } from './try-mutant.js';
import type { Verifier } from './verifier.js';

/** What is fuzzed, with what, and for how long. */
export interface FuzzOptions {
  readonly seeds: readonly Seed[];
  readonly verify: Verifier;
  /** Of the random numbers: the same one means the same mutations, each of which depends on its number alone. */
  readonly seed: number;
  /** The first iteration, from 0. */
  readonly from: number;
  /** Called before each iteration with how many there were; false ends it. */
  readonly goesOn: (done: number) => boolean;
  readonly findings?: Findings;
  /** What one verification may take; default: {@link BOUNDS}. */
  readonly bounds?: Cost;
}

/** A verification that took long. */
export interface Slow {
  readonly milliseconds: number;
  readonly told: string;
  readonly iteration: number;
}

/** What came of it. */
export interface Summary {
  readonly iterations: number;
  readonly outcomes: Readonly<Record<Trial['outcome'] | 'parsed', number>>;
  /** How often each free place explained that something verified. */
  readonly free: ReadonlyMap<string, number>;
  readonly slowest: readonly Slow[];
  readonly findings: ReturnType<Findings['all']>;
}

const KEPT_SLOW = 5;
/** Of the iterations, as many feed a single reader. */
const PARSES = 0.15;
const STORED = 0.08;

/** A number for each iteration, so that every one can be repeated by itself. */
function seedOf(seed: number, iteration: number): number {
  return (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(iteration + 1, 0xc2b2ae35)) >>> 0;
}

/** Mutates and verifies until it is told to end. Throws only where the fuzzer itself breaks down. */
export async function fuzz({
  seeds,
  verify,
  seed,
  from,
  goesOn,
  findings = createFindings(),
  bounds = BOUNDS,
}: FuzzOptions): Promise<Summary> {
  const placesOf = createPlaceBook();
  const issuer = anAuthority(seeds);
  const relatives = relativesOf(seeds);
  const outcomes = { refused: 0, unreadable: 0, verified: 0, crash: 0, passed: 0, parsed: 0 };
  const free = new Map<string, number>();
  let slowest: readonly Slow[] = [];
  let done = 0;
  for (; goesOn(done); done += 1) {
    const iteration = from + done;
    const random = createRandom(seedOf(seed, iteration));
    const own = pick(random, seeds);
    const related = own && random.chance(0.6) ? pick(random, relatives.get(own) ?? []) : undefined;
    const other = related ?? pick(random, seeds);
    if (own === undefined || other === undefined) throw new Error('there are no seeds');
    const { work, told } = random.chance(PARSES)
      ? parseSomething({ random, seed: own, placesOf, issuer })
      : verifySomething({ random, seed: own, other, placesOf, verify });
    const { value: trial, milliseconds, growth } = measure(work);
    const whole = `${own.name}: ${told}`;
    outcomes[trial.outcome] += 1;
    for (const name of trial.free) free.set(name, (free.get(name) ?? 0) + 1);
    if (trial.outcome === 'crash' || trial.outcome === 'passed') {
      findings.add({ kind: trial.outcome, cause: trial.cause, told: whole, detail: trial.detail, iteration });
    }
    if (isTooMuch({ milliseconds, growth }, bounds)) {
      const cost = await confirm(work);
      const detail = `${cost.milliseconds.toFixed(0)} ms, ${(cost.growth / 2 ** 20).toFixed(0)} MiB`;
      if (isTooMuch(cost, bounds))
        findings.add({ kind: 'cost', cause: told.replaceAll(/\d+/g, 'N'), told: whole, detail, iteration });
    }
    if (milliseconds > (slowest.at(-1)?.milliseconds ?? 0) || slowest.length < KEPT_SLOW) {
      slowest = [...slowest, { milliseconds, told: whole, iteration }]
        .sort((a, b) => b.milliseconds - a.milliseconds)
        .slice(0, KEPT_SLOW);
    }
  }
  return { iterations: done, outcomes, free, slowest, findings: findings.all() };
}

function verifySomething(given: Given & { readonly other: Seed; readonly verify: Verifier }): Work {
  const { random, seed, other, verify } = given;
  const mutant = makeMutant(given);
  const isStored = random.chance(STORED);
  const told = [...mutant.told, ...(isStored ? ['stored, and changed there'] : [])];
  // Decided here, so that the work can be done again with the same outcome.
  const storedSeed = random.below(2 ** 32);
  const store = (evidence: Parameters<typeof writeEvidence>[0]) => {
    const empty = { outcome: 'missing', code: 'SIGNATURE_MISSING', message: '', parts: [], signatures: [] } as const;
    const bytes = Buffer.from(writeEvidence(evidence, empty));
    return mutate(bytes, 'stored', { random: createRandom(storedSeed), donors: [] }).bytes;
  };
  const context = { seed, other, verify, store: isStored ? store : undefined };
  return { told: told.join('; '), work: () => tryMutant(mutant, context) };
}
