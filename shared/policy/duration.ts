const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h)/g;
const MAX_MILLISECONDS = 366 * 24 * 3_600_000;

/**
 * Milliseconds of a duration in Go's style (`15m`, `1h30m`, `72h`), as Kubernetes writes them; undefined for anything
 * else, for a negative one, and for more than 366 days. https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > 32 || !DURATION.test(text)) return undefined;
  let milliseconds = 0;
  for (const [, amount, unit] of text.matchAll(PART))
    milliseconds += Number(amount) * (UNITS[unit ?? ''] ?? Number.NaN);
  return milliseconds <= MAX_MILLISECONDS ? milliseconds : undefined;
}
