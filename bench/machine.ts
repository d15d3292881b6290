import { cpus } from 'node:os';

/** Tells how far a benchmark has come: results go to stdout. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** What every result says of where it was measured. */
export function machine(): object {
  return { at: new Date().toISOString(), cores: cpus().length, node: process.version };
}

/** To so many digits after the point. */
export function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
