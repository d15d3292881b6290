import { describe, expect, it } from 'vitest';
import { createBudget } from '../../shared/pipeline/budget.js';
import { createClock } from '../support/clock.js';

function budgetOf(callsPerMinute: number, calls: number) {
  const clock = createClock();
  const begun = clock.now().getTime();
  const sleep = (milliseconds: number) => {
    clock.advance(milliseconds);
    return Promise.resolve();
  };
  const budget = createBudget({ callsPerMinute, calls, clock: clock.now, sleep });
  return { budget, passed: () => clock.now().getTime() - begun };
}

describe('a budget of calls', () => {
  it('lets a burst through, then spreads the calls over time', async () => {
    const { budget, passed } = budgetOf(60, 1000);
    for (let i = 0; i < 20; i++) await budget.spend();
    expect(passed()).toBe(0);
    for (let i = 0; i < 60; i++) await budget.spend();
    expect(passed()).toBe(60_000);
  });
  it('ends, and lets end what has been begun', async () => {
    const { budget } = budgetOf(600, 2);
    await budget.spend();
    expect(budget.has(1)).toBe(true);
    await budget.spend();
    expect(budget.has(1)).toBe(false);
    await budget.spend();
    expect(budget.spent()).toBe(3);
  });
  it('tells whether a share of it is left', async () => {
    const { budget } = budgetOf(600, 4);
    await budget.spend();
    expect([budget.has(0.25), budget.has(0.5)]).toEqual([false, true]);
  });
});
