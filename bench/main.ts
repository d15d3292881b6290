import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../local/environment.js';
import type { Artifact } from '../local/sample/image.js';
import type { Layer } from '../local/sample/layer.js';
import type { Status } from '../shared/pipeline/lookup.js';
import { systemImage, systemLayer, tinyImage } from './images.js';
import { createStage, median } from './stage.js';

const ROUNDS = 7;
const say = (line: string) => process.stderr.write(`${line}\n`);
const round = (value: number) => Math.round(value * 10) / 10;

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
async function overhead(name: string, make: (name: string) => Promise<Artifact>): Promise<object> {
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
      const rawMilliseconds = await stage.raw(image, repository, false);
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
    rounds: own.map(round),
  };
}

/** Wall time from push to applied verdict, as shipped: polls of `host.json`, a scaler that looks every 30 seconds. */
async function wall(): Promise<object> {
  const stage = await createStage({ shipped: true });
  const seconds: number[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      // Between two pushes the last execution has ended, so that each starts cold.
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, 70_000));
      const image = await tinyImage(`wall-${i}`);
      const started = performance.now();
      await stage.push(image, `bench/wall-${i}`);
      await stage.settled(image, `bench/wall-${i}`);
      seconds.push(round((performance.now() - started) / 1000));
      say(`wall ${i}: ${String(seconds.at(-1))} s`);
    }
  } finally {
    await stage.stop();
  }
  return { seconds, median: median(seconds) };
}

/** Images a minute through the whole pipeline, beside `xargs -P2` over Trivy and the same conversions. */
async function throughput(base: Layer): Promise<object> {
  const ratios: number[] = [];
  const rounds: object[] = [];
  for (let i = 0; i < 3; i++) {
    const stage = await createStage({ shipped: false });
    try {
      const tiny = await Promise.all(Array.from({ length: 60 }, (_, n) => tinyImage(`t-${i}-${n}`)));
      const large = await Promise.all(Array.from({ length: 20 }, (_, n) => systemImage(base, `s-${i}-${n}`)));
      const targets = [...tiny, ...large].map((image, n) => ({ image, repository: `bench/app-${n}` }));
      const started = performance.now();
      for (const { image, repository } of targets) await stage.push(image, repository);
      await Promise.all(targets.map(({ image, repository }) => stage.settled(image, repository)));
      const ours = performance.now() - started;
      const raw = await stage.rawAll(targets);
      const perMinute = (milliseconds: number) => round((targets.length * 60_000) / milliseconds);
      ratios.push(raw / ours);
      rounds.push({ ours: perMinute(ours), raw: perMinute(raw), ratio: round((raw / ours) * 100) / 100 });
      say(`throughput ${i}: ${JSON.stringify(rounds.at(-1))}`);
    } finally {
      await stage.stop();
    }
  }
  return { imagesPerMinute: rounds, ratio: Math.round(median(ratios) * 100) / 100, wanted: 0.8 };
}

const [what = 'all', root = ''] = process.argv.slice(2);
if (root === '') {
  say(
    'usage: npm run bench -- all|overhead|throughput|wall ROOT\n\nROOT is a system as debootstrap --variant=minbase makes one.',
  );
  process.exit(4);
}
const base = await systemLayer(root);
const results: Record<string, unknown> = { at: new Date().toISOString(), cores: cpus().length, node: process.version };
if (what === 'all' || what === 'overhead') {
  results['overhead'] = {
    tiny: await overhead('tiny', tinyImage),
    debian: await overhead('debian', (name) => systemImage(base, name)),
  };
}
if (what === 'all' || what === 'throughput') results['throughput'] = await throughput(base);
if (what === 'all' || what === 'wall') results['wall'] = await wall();
const directory = join(packageRoot(), 'bench', 'results');
await mkdir(directory, { recursive: true });
await writeFile(join(directory, `${what}.json`), `${JSON.stringify(results, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
process.exit(0);
