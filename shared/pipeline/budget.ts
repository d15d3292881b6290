import type { Clock } from './effects.js';

/** What {@link createBudget} is told. */
export interface BudgetOptions {
  readonly callsPerMinute: number;
  /** Calls in all. */
  readonly calls: number;
  readonly clock: Clock;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** So many calls of a registry, spread over time: a sweep must not throttle the pushes that it is there for. */
export interface Budget {
  /** Waits for its turn, whether or not the budget is spent: what has been begun is ended. */
  readonly spend: () => Promise<void>;
  readonly spent: () => number;
  /** Whether this share of the calls, between 0 and 1, is still to be had. */
  readonly has: (share: number) => boolean;
}

const BURST = 20;

/** Makes a budget that is full. */
export function createBudget({ callsPerMinute, calls, clock, sleep }: BudgetOptions): Budget {
  const pause = 60_000 / callsPerMinute;
  let spent = 0;
  let turn = clock().getTime() - BURST * pause;
  const spend = async () => {
    const now = clock().getTime();
    turn = Math.max(turn + pause, now - BURST * pause);
    spent += 1;
    if (turn > now) await sleep(turn - now);
  };
  return {
    spend,
    spent: () => spent,
    has: (share) => spent < calls * share,
  };
}
