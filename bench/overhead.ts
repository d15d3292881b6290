import type { Artifact } from '../local/sample/image.js';
import type { Status } from '../shared/pipeline/lookup.js';
import { median, round, say } from './machine.js';
import { createStage } from './stage.js';

const ROUNDS = 7;

/** Milliseconds that the functions' own log tells, from line `from` on. */
function functionMilliseconds(lines: readonly string[], from: number): number {
  return lines.slice(from).reduce((sum, line) => {
    const match =
      /Executed 'Functions\.(receive|receiveQueued|verify|recordScan|decide)' \(Succeeded.*Duration=(\d+)ms/.exec(line);
    return sum + Number(match?.[2] ?? 0);
  }, 0);
}

function jobMilliseconds({ times, durations }: Status): number {
  const total = new Date(times['scanFinished'] ?? '').getTime() - new Date(times['scanStarted'] ?? '').getTime();
  return total - (durations['scan'] ?? 0) - (durations['convert'] ?? 0);
}

/** Our own time for one push, beside a raw scan of the same image in the same run. */
export async function overhead(name: string, make: (name: string) => Promise<Artifact>): Promise<object> {
  const stage = await createStage({ shipped: false });
  const own: number[] = [];
  const raw: number[] = [];
  const convert: number[] = [];
  try {
    for (let i = 0; i <= ROUNDS; i++) {
      const image = await make(`${name}-${i}`);
      const repository = `bench/${name}-${i}`;
      const from = stage.lines.length;
      await stage.push(image, repository);
      const status = await stage.settled(image, repository);
      // The marks' own events come a moment later, and are part of what a push costs.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const milliseconds = functionMilliseconds(stage.lines, from) + jobMilliseconds(status);
      const rawMilliseconds = await stage.raw(image, repository);
      if (i === 0) continue; // The first one warms everything up.
      own.push(milliseconds);
      raw.push(rawMilliseconds);
      convert.push(status.durations['convert'] ?? 0);
      say(`${name} ${i}: own ${round(milliseconds)} ms, raw ${round(rawMilliseconds)} ms`);
    }
  } finally {
    await stage.stop();
  }
  const limit = 200 + 0.1 * median(raw);
  return {
    own: round(median(own)),
    raw: round(median(raw)),
    convert: round(median(convert)),
    limit: round(limit),
    met: median(own) <= limit,
    rounds: own.map((each) => round(each)),
  };
}
