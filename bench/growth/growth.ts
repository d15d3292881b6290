import { coverage } from '../../shared/pipeline/coverage.js';
import { type ReconcileDeps, reconcile } from '../../shared/pipeline/reconcile.js';
import { forkAzurite } from '../azurite.js';
import { median, round, say } from '../machine.js';
import { slopeOf } from './fit.js';
import { createPeak } from './heap.js';
import { createWorld } from './world.js';

const COUNTS = [10, 100, 1_000, 10_000] as const;
const MAX_SLOPE = 1.05;
/** Short work is repeated until it has taken this long, and three times at least. */
const ENOUGH_MILLISECONDS = 1_000;
const MIN_ROUNDS = 3;
/** Memory is looked at so often on the way through all artifacts. */
const LOOKS = 20;
/** Below this, in bytes, what is seen is noise of the runtime. */
const NOISE_BYTES = 16 * 1024;

const PLACES = { 'one repository': Number.MAX_SAFE_INTEGER, 'ten in each repository': 10 } as const;

/** What is measured; each says that it has seen every artifact. */
const WORK = {
  reconcile: async (deps, count) => {
    const { complete, failed, repairs, walked } = await reconcile(deps, { all: true });
    const repaired = Object.values(repairs).reduce((sum, each) => sum + each, 0);
    if (!complete || failed > 0 || repaired > 0 || walked === 0) throw new Error(`reconcile of ${count} went wrong`);
  },
  coverage: async (deps, count) => {
    const { manifests, unaccounted } = await coverage(deps);
    if (manifests !== count || unaccounted > 0) throw new Error(`coverage counts ${manifests} of ${count}`);
  },
} as const satisfies Record<string, (deps: ReconcileDeps, count: number) => Promise<void>>;
type Work = keyof typeof WORK;

interface Measured {
  readonly count: number;
  readonly milliseconds: number;
  readonly bytes: number;
}

async function measure(work: Work, count: number, deps: ReconcileDeps): Promise<Measured> {
  await WORK[work](deps, count);
  const times: number[] = [];
  for (let spent = 0; spent < ENOUGH_MILLISECONDS || times.length < MIN_ROUNDS; ) {
    const started = performance.now();
    await WORK[work](deps, count);
    const took = performance.now() - started;
    times.push(took);
    spent += took;
  }
  return { count, milliseconds: round(median(times), 2), bytes: await peakOf(work, count, deps) };
}

/** The most memory that is in use on the way, above what was in use before; measured in a run of its own. */
async function peakOf(work: Work, count: number, deps: ReconcileDeps): Promise<number> {
  const peak = createPeak(Math.max(1, Math.floor((count * 2) / LOOKS)));
  const watched: ReconcileDeps = {
    ...deps,
    registry: {
      ...deps.registry,
      listManifests: async (...asked) => {
        const page = await deps.registry.listManifests(...asked);
        peak.passed(page.items.length);
        return page;
      },
    },
    ledger: {
      ...deps.ledger,
      listRepository: async function* (place) {
        for await (const row of deps.ledger.listRepository(place)) {
          peak.passed(1);
          yield row;
        }
      },
    },
  };
  await WORK[work](watched, count);
  return Math.max(peak.bytes(), NOISE_BYTES);
}

/** How time and memory grow with the number of artifacts. */
export async function growth(): Promise<object> {
  const azurite = await forkAzurite();
  const series: object[] = [];
  try {
    for (const [ledger, connectionString] of [
      ['memory', undefined],
      ['azurite', azurite.connectionString],
    ] as const) {
      // Whatever the runtime compiles on the way is compiled before the smallest is measured.
      const warm = await createWorld({ count: 1_000, perRepository: 100, connectionString });
      for (const work of Object.values(WORK)) await work(warm, 1_000);
      for (const [place, perRepository] of Object.entries(PLACES)) {
        const points: Record<Work, Measured[]> = { reconcile: [], coverage: [] };
        for (const count of COUNTS) {
          const deps = await createWorld({ count, perRepository, connectionString });
          for (const work of ['reconcile', 'coverage'] as const) {
            const measured = await measure(work, count, deps);
            points[work].push(measured);
            say(`${work}, ${place}, ledger in ${ledger}: ${JSON.stringify(measured)}`);
          }
        }
        for (const work of ['reconcile', 'coverage'] as const) {
          series.push({ work, place, ledger, ...summarise(points[work]), points: points[work] });
        }
      }
    }
  } finally {
    await azurite.stop();
  }
  return { limit: MAX_SLOPE, series };
}

function summarise(points: readonly Measured[]) {
  const slopes = (value: (point: Measured) => number) => {
    const all = points.map((point) => ({ count: point.count, value: value(point) }));
    return { all: round(slopeOf(all), 3), lastDecade: round(slopeOf(all.slice(-2)), 3) };
  };
  const time = slopes(({ milliseconds }) => milliseconds);
  const memory = slopes(({ bytes }) => bytes);
  return { time, memory, met: time.all <= MAX_SLOPE && memory.all <= MAX_SLOPE };
}
