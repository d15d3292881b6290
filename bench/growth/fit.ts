/** One measurement of a quantity that grows. */
export interface Point {
  readonly count: number;
  readonly value: number;
}

/**
 * How a quantity grows with a count: the exponent of the power law that fits best, which is the slope of the straight
 * line through the logarithms by least squares. 1 is linear.
 */
export function slopeOf(points: readonly Point[]): number {
  const logs = points.map(({ count, value }) => ({ x: Math.log10(count), y: Math.log10(value) }));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(logs.map((point) => point.x));
  const y = mean(logs.map((point) => point.y));
  const above = logs.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  const below = logs.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  return above / below;
}
