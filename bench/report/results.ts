import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const measured = z.object({ at: z.string(), cores: z.number(), node: z.string() });
const overhead = z.object({
  own: z.number(),
  raw: z.number(),
  convert: z.number(),
  limit: z.number(),
  met: z.boolean(),
});
const pace = z.object({ ours: z.number(), ratio: z.number(), met: z.boolean() });
const counts = z.object({ read: z.number(), referrers: z.number(), write: z.number(), token: z.number() });
const operations = z.record(z.string(), z.number());
const slopes = z.object({ all: z.number(), lastDecade: z.number() });

/** What each benchmark stores, as far as the report tells it. */
export const RESULTS = {
  overhead: measured.extend({ tiny: overhead, debian: overhead }),
  throughput: measured.extend({
    imagesPerMinute: z.array(z.object({ ours: z.number(), raw: z.number(), ratio: z.number() })),
    ...{ ratio: z.number(), wanted: z.number(), met: z.boolean() },
  }),
  wall: measured.extend({ seconds: z.array(z.number()), median: z.number() }),
  burst: measured.extend({
    ...{ events: z.number(), atOnce: z.number(), rawPerSecond: z.number(), acceptedPerSecond: z.number() },
    ...{ ratio: z.number(), wanted: z.number(), met: z.boolean(), doorPerSecond: z.number(), doorRatio: z.number() },
  }),
  calls: measured.extend({
    limit: z.object({ reads: z.number(), referrers: z.number() }),
    met: z.boolean(),
    pushes: z.array(
      z.object({
        ...{ name: z.string(), reads: z.number(), referrers: z.number(), bounded: z.boolean(), within: z.boolean() },
        push: counts.extend({ operations }),
      }),
    ),
  }),
  growth: measured.extend({
    limit: z.number(),
    series: z.array(
      z.object({
        ...{ work: z.string(), place: z.string(), ledger: z.string(), time: slopes, memory: slopes, met: z.boolean() },
        points: z.array(z.object({ count: z.number(), milliseconds: z.number(), bytes: z.number() })),
      }),
    ),
  }),
  signatures: measured.extend({
    ...{ wanted: z.number(), load: z.number() },
    races: z.array(
      z.object({
        ...{ image: z.string(), tool: z.string(), atOnce: z.number() },
        ...{ theirs: z.number(), cold: pace, warm: pace },
      }),
    ),
    splits: z.array(
      z.object({
        warmth: z.enum(['cold', 'warm']),
        ...{ image: z.string(), requests: z.number(), fetch: z.number(), parse: z.number(), crypto: z.number() },
        ...{ processor: z.number(), registry: z.number() },
        ...{ toolProcessor: z.number(), toolRegistry: z.number(), ratio: z.number() },
      }),
    ),
    hostile: z.array(
      z.object({
        ...{ name: z.string(), ratio: z.number(), met: z.boolean() },
        crowds: z.array(
          z.object({
            ...{ referrers: z.number(), outcome: z.string(), code: z.string(), candidates: z.number() },
            ...{ milliseconds: z.number(), peak: z.number() },
          }),
        ),
      }),
    ),
  }),
} as const;

/** The name of a benchmark. */
export type BenchmarkName = keyof typeof RESULTS;
/** What the benchmark of that name stores. */
export type ResultOf<Name extends BenchmarkName> = z.infer<(typeof RESULTS)[Name]>;
/** One line of growth: a piece of work, where its artifacts are, and where the ledger is. */
export type Series = ResultOf<'growth'>['series'][number];

/** The stored result of a benchmark. Rejects where there is none, or it has another shape. */
export async function readResult<Name extends BenchmarkName>(directory: string, name: Name): Promise<ResultOf<Name>> {
  const text = await readFile(join(directory, 'results', `${name}.json`), 'utf8');
  return RESULTS[name].parse(JSON.parse(text)) as ResultOf<Name>;
}
