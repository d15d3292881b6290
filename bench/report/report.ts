import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawGrowth } from './chart.js';
import { type BenchmarkName, RESULTS, type ResultOf, type Series, readResult } from './results.js';

type Tables = { readonly [Name in BenchmarkName]: (result: ResultOf<Name>) => string };

type Point = Series['points'][number];

const yes = (met: boolean) => (met ? 'met' : '**missed**');

/** How time and memory grow, wherever the ledger is. */
const PICTURES = ['memory', 'azurite'].flatMap((ledger) => [
  {
    ...{ ledger, file: `results/growth-time-${ledger}.svg`, title: `Time, ledger in ${ledger}`, unit: 'ms' },
    value: ({ milliseconds }: Point) => milliseconds,
  },
  {
    ...{ ledger, file: `results/growth-memory-${ledger}.svg`, title: `Memory, ledger in ${ledger}`, unit: 'bytes' },
    value: ({ bytes }: Point) => bytes,
  },
]);

/** One table for each benchmark, in Markdown. */
const TABLES: Tables = {
  overhead: ({ tiny, debian }) =>
    table(
      [
        'image',
        'own time, ms',
        'raw `trivy image`, ms',
        'bill of materials, ms',
        'limit (200 ms + 10 % of raw), ms',
        '',
      ],
      Object.entries({ tiny, debian }).map(([name, { own, raw, convert, limit, met }]) => [
        ...[name, own, raw, convert, limit, yes(met)],
      ]),
    ),
  throughput: ({ imagesPerMinute, ratio, wanted, met }) =>
    [
      table(
        ['round', 'ours, images a minute', '`xargs -P2`, images a minute', 'ratio'],
        imagesPerMinute.map((round, i) => [i + 1, round.ours, round.raw, round.ratio]),
      ),
      `Median ratio ${ratio}; wanted ${wanted}: ${yes(met)}.`,
    ].join('\n\n'),
  wall: ({ seconds, median }) => `${seconds.join(', ')} s; median ${median} s.`,
  burst: ({ events, atOnce, rawPerSecond, acceptedPerSecond, ratio, wanted, met, doorPerSecond, doorRatio }) =>
    [
      `${events.toLocaleString('en-US')} events, ${atOnce} under way at once:`,
      table(
        ['who', 'a second', 'of the client alone', ''],
        [
          ['a client that enqueues the same messages', rawPerSecond, 1, ''],
          ['`accept`', acceptedPerSecond, ratio, `wanted ${wanted}: ${yes(met)}`],
          ['the Event Grid door of the local host, over HTTP', doorPerSecond, doorRatio, 'no bound'],
        ],
      ),
    ].join('\n\n'),
  calls: ({ pushes, limit }) => {
    const names = [...new Set(pushes.flatMap(({ push }) => Object.keys(push.operations)))];
    return table(
      ['', ...pushes.map(({ name }) => name)],
      [
        [
          `reads (≤ ${limit.reads})`,
          ...pushes.map(({ reads, bounded, within }) => `${reads} ${bounded ? yes(within) : ''}`),
        ],
        [`lists of referrers (≤ ${limit.referrers})`, ...pushes.map(({ referrers }) => referrers)],
        ['writes', ...pushes.map(({ push }) => push.write)],
        ...names.map((name) => [`– ${name}`, ...pushes.map(({ push }) => push.operations[name] ?? 0)]),
      ],
    );
  },
  growth: ({ series, limit }) =>
    [
      table(
        [
          'work',
          'artifacts in',
          'ledger in',
          'slope of time',
          'slope of memory',
          `≤ ${limit}`,
          '10,000: ms',
          '10,000: MB',
        ],
        series.map(({ work, place, ledger, time, memory, met, points }) => {
          const last = points.at(-1);
          const megabytes = ((last?.bytes ?? Number.NaN) / 1e6).toFixed(1);
          return [work, place, ledger, time.all, memory.all, yes(met), last?.milliseconds ?? '', megabytes];
        }),
      ),
      ...PICTURES.map(({ file, title }) => `![${title}](${file})`),
    ].join('\n\n'),
  signatures: ({ wanted, load, races, splits, hostile }) =>
    [
      `Load of the machine when it began: ${load}.`,
      table(
        ['image', 'beside', 'at once', '', 'ours, a second', 'theirs, a second', 'ratio', `≥ ${wanted}`],
        races.flatMap(({ image, tool, atOnce, theirs, ...ours }) =>
          (['cold', 'warm'] as const).map((warmth) => [
            ...[image, `\`${tool} verify\``, atOnce, warmth, ours[warmth].ours, theirs],
            ...[ours[warmth].ratio, yes(ours[warmth].met)],
          ]),
        ),
      ),
      table(
        ['one verification of', '', 'requests', 'fetch, ms', 'parse, ms', 'crypto, ms'],
        splits.map(({ image, warmth, requests, fetch, parse, crypto }) => [
          ...[image, warmth, requests, fetch, parse, crypto],
        ]),
      ),
      table(
        [
          'processor time of one',
          '',
          'ours, ms',
          'the registry’s for it, ms',
          'theirs, ms',
          'the registry’s for it, ms',
          'ratio',
        ],
        splits.map(({ image, warmth, processor, registry, toolProcessor, toolRegistry, ratio }) => [
          ...[image, warmth, processor, registry, toolProcessor, toolRegistry, ratio],
        ]),
      ),
      table(
        ['strangers’ signatures', 'on one image', 'outcome', 'looked at', 'ms', 'peak, MiB', 'twice as many: peak'],
        hostile.flatMap(({ name, crowds, ratio, met }) =>
          crowds.map(({ referrers, outcome, code, candidates, milliseconds, peak }, i) => [
            ...[name, referrers.toLocaleString('en-US'), `${outcome}, \`${code}\``, candidates, milliseconds, peak],
            i === crowds.length - 1 ? `× ${ratio} ${yes(met)}` : '',
          ]),
        ),
      ),
    ].join('\n\n'),
};

/** Writes the tables of `README.md` and the pictures anew, from the results that are stored in `directory`. */
export async function writeReport(directory: string): Promise<void> {
  const file = join(directory, 'README.md');
  let text = await readFile(file, 'utf8');
  for (const name of Object.keys(RESULTS) as BenchmarkName[]) {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to === -1) throw new Error(`README.md has no place for ${name}`);
    text = `${text.slice(0, from + begin.length)}\n${await tell(directory, name, TABLES)}\n\n${text.slice(to)}`;
  }
  await writeFile(file, text);
  const growth = await readResult(directory, 'growth').catch(absent);
  for (const { file: picture, ledger, ...options } of growth === undefined ? [] : PICTURES) {
    const series = growth?.series.filter((each) => each.ledger === ledger) ?? [];
    await writeFile(join(directory, picture), drawGrowth(series, options));
  }
}

async function tell<Name extends BenchmarkName>(
  directory: string,
  name: Name,
  tables: { readonly [Key in Name]: (result: ResultOf<Key>) => string },
): Promise<string> {
  const result = await readResult(directory, name).catch(absent);
  if (result === undefined) return 'Not measured yet.';
  return `${tables[name](result)}\n\n${result.at.slice(0, 10)}, ${result.cores} cores, Node ${result.node}.`;
}

/** A benchmark that never ran has no result. */
function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}
