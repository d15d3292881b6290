/** The earliest time of .NET, which stands for never. */
export const NEVER = new Date('0001-01-01T00:00:00Z');

/** A UTC time as .NET writes it: no zeros at the end of the fraction, and the zone as an offset. */
export function toDotNetTime(date: Date): string {
  return date
    .toISOString()
    .replace(/\.?0*Z$/, '')
    .concat('+00:00');
}
