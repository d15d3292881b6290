import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What something took. */
export interface Cost {
  readonly milliseconds: number;
  /** Bytes more in use afterwards, garbage included; below zero where some was collected meanwhile. */
  readonly growth: number;
}

/** The most that one verification may take: two seconds, and 64 MiB. */
export const BOUNDS: Cost = { milliseconds: 2000, growth: 64 * 1024 * 1024 };

/** Runs `work`, and measures it. */
export function measure<T>(work: () => T): Cost & { readonly value: T } {
  const before = inUse();
  const begun = process.hrtime.bigint();
  const value = work();
  const milliseconds = Number(process.hrtime.bigint() - begun) / 1e6;
  return { value, milliseconds, growth: inUse() - before };
}

function inUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Whether a cost is above a bound. */
export function isTooMuch({ milliseconds, growth }: Cost, bounds: Cost = BOUNDS): boolean {
  return milliseconds > bounds.milliseconds || growth > bounds.growth;
}

/**
 * Measures again what seemed to be too much, from a clean heap. Others use this machine too, so the time is that of the processor
 * alone. The smallest of three counts of each; what a quick collection frees was garbage.
 */
export async function confirm(work: () => unknown): Promise<Cost> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  let milliseconds = Infinity;
  let growth = Infinity;
  for (let run = 0; run < 3; run += 1) {
    collect();
    const before = inUse();
    const begun = process.threadCpuUsage();
    await work();
    const { user, system } = process.threadCpuUsage(begun);
    milliseconds = Math.min(milliseconds, (user + system) / 1000);
    collect({ type: 'minor' });
    growth = Math.min(growth, inUse() - before);
  }
  return { milliseconds, growth };
}
