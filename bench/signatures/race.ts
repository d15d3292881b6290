import { median, round, say } from '../machine.js';
import type { SignedImage, Verdict } from './image.js';
import { type Warmth, collector, judge } from './ours.js';

/** Ours in one round, in verifications a second, and how many times theirs that is. */
export interface Pace {
  readonly ours: number;
  readonly ratio: number;
}

/** One round. */
export interface RaceRound {
  readonly theirs: number;
  readonly cold: Pace;
  readonly warm: Pace;
}

/** What a race came to. */
export interface Race {
  readonly image: string;
  readonly tool: string;
  /** How many are under way at once, on either side. */
  readonly atOnce: number;
  readonly theirs: number;
  readonly cold: Pace & { readonly met: boolean };
  readonly warm: Pace & { readonly met: boolean };
  readonly rounds: readonly RaceRound[];
}

/** The ratio that is wanted. */
export const WANTED = 20;
const ROUNDS = 5;
const ROUND_MILLISECONDS = 1_500;
/** Until the runtime has compiled what it is going to compile. */
const WARM_UP = 300;

/** How many times a second `verify` comes to what is expected. Throws as soon as it does not. */
export async function perSecond(
  verify: () => Promise<Verdict>,
  {
    expected,
    atOnce,
    milliseconds,
  }: { readonly expected: Verdict; readonly atOnce: number; readonly milliseconds: number },
): Promise<number> {
  const started = performance.now();
  let done = 0;
  const lane = async () => {
    do {
      const verdict = await verify();
      if (verdict !== expected) throw new Error(`${verdict} instead of ${expected}`);
      done += 1;
    } while (performance.now() - started < milliseconds);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (done / (performance.now() - started)) * 1000;
}

/** One verification in this process. */
export function asker(image: SignedImage, warmth: Warmth): () => Promise<Verdict> {
  const collect = collector(image, warmth);
  return async () => {
    const { outcome } = await judge(await collect(), image.requirement);
    if (outcome === 'inconclusive') throw new Error('we cannot tell');
    return outcome === 'verified' ? 'pass' : 'fail';
  };
}

/** All sides in turns, the one that begins changing from round to round. */
export async function race(image: SignedImage, atOnce: number): Promise<Race> {
  const { expected, name, tool, askTool } = image;
  const sides = { cold: asker(image, 'cold'), warm: asker(image, 'warm'), theirs: askTool };
  for (let i = 0; i < WARM_UP; i++) await sides.cold();
  for (let i = 0; i < WARM_UP; i++) await sides.warm();
  await askTool();
  const order = ['theirs', 'cold', 'warm'] as const;
  const rounds: RaceRound[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const came = { theirs: 0, cold: 0, warm: 0 };
    for (const side of [...order.slice(i % order.length), ...order.slice(0, i % order.length)]) {
      came[side] = await perSecond(sides[side], { expected, atOnce, milliseconds: ROUND_MILLISECONDS });
    }
    const paceOf = (ours: number) => ({ ours: round(ours), ratio: round(ours / came.theirs) });
    rounds.push({ theirs: round(came.theirs), cold: paceOf(came.cold), warm: paceOf(came.warm) });
  }
  const middle = (warmth: Warmth) => {
    const ratio = median(rounds.map((each) => each[warmth].ratio));
    return { ours: median(rounds.map((each) => each[warmth].ours)), ratio, met: ratio >= WANTED };
  };
  const result = { theirs: median(rounds.map(({ theirs }) => theirs)), cold: middle('cold'), warm: middle('warm') };
  say(`${name}, ${atOnce} at once: ${JSON.stringify(result)}`);
  return { image: name, tool, atOnce, ...result, rounds };
}
