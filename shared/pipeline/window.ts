const HOUR = 3_600_000;
const STEP = 300_000;

/** What of a count by steps of five minutes falls into the last hour. Pure. */
export function ofLastHour<T extends { readonly at: string }>(steps: readonly T[], now: Date): T[] {
  return steps.filter(({ at }) => now.getTime() - new Date(at).getTime() < HOUR);
}

/** How many the steps count. */
export function totalOf(steps: readonly { readonly count: number }[]): number {
  return steps.reduce((sum, { count }) => sum + count, 0);
}

/** The beginning of the step that `now` falls into (RFC 3339). */
export function stepOf(now: Date): string {
  return new Date(Math.floor(now.getTime() / STEP) * STEP).toISOString();
}
