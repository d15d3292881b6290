import { type CoverageDeps, coverage } from '../../shared/pipeline/coverage.js';
import { reconcile } from '../../shared/pipeline/reconcile.js';
import { forkAzurite } from '../azurite.js';
import { round, say } from '../machine.js';
import { slopeOf } from './fit.js';
import { RESOLUTION_BYTES, createBarrier, liveBytes } from './heap.js';
import { createWorld } from './world.js';

const COUNTS = [10, 100, 1_000, 10_000] as const;
const LARGEST = 10_000;
const MAX_SLOPE = 1.05;
/**
 * Short work is repeated until it has taken this long, and five times at least. The best time counts: whatever else the
 * machine does can only add to it.
 */
const ENOUGH_MILLISECONDS = 1_000;
const MIN_ROUNDS = 5;
/** Every repository was looked at before, however lately. */
const EVER = new Date(Date.UTC(9999, 0, 1));

const PLACES = { 'one repository': Number.MAX_SAFE_INTEGER, 'ten in each repository': 10 } as const;

/** What is measured; each says that it has seen every artifact. */
const WORK = {
  reconcile: async (deps, count) => {
    const { complete, failed, repairs, walked } = await reconcile(deps, { since: EVER, all: true });
    const repaired = Object.values(repairs).reduce((sum, each) => sum + each, 0);
    if (!complete || failed > 0 || repaired > 0 || walked === 0) throw new Error(`reconcile of ${count} went wrong`);
  },
  coverage: async (deps, count) => {
    const { manifests, unaccounted } = await coverage(deps);
    if (manifests !== count || unaccounted > 0) throw new Error(`coverage counts ${manifests} of ${count}`);
  },
} as const satisfies Record<string, (deps: CoverageDeps, count: number) => Promise<void>>;
type Work = keyof typeof WORK;

interface Measured {
  readonly count: number;
  readonly milliseconds: number;
  readonly bytes: number;
}

async function measure(work: Work, count: number, deps: CoverageDeps): Promise<Measured> {
  await WORK[work](deps, count);
  const times: number[] = [];
  for (let spent = 0; spent < ENOUGH_MILLISECONDS || times.length < MIN_ROUNDS;) {
    const started = performance.now();
    await WORK[work](deps, count);
    const took = performance.now() - started;
    times.push(took);
    spent += took;
  }
  return { count, milliseconds: round(Math.min(...times), 2), bytes: await fullest(work, count, deps) };
}

/**
 * The memory that one run holds at its fullest: a whole repository is listed, the last one, and the ledger comes next. As
 * many runs wait there at once as make ten thousand artifacts, so that the smallest is seen as sharply as the largest.
 */
async function fullest(work: Work, count: number, deps: CoverageDeps): Promise<number> {
  let surveyed = 0;
  await WORK[work](
    watch(deps, () => Promise.resolve(void (surveyed += 1))),
    count,
  );
  const runs = Math.max(1, Math.floor(LARGEST / count));
  const barrier = createBarrier(runs);
  const before = await liveBytes();
  const all = Promise.all(
    Array.from({ length: runs }, () => {
      let seen = 0;
      const atLast = () => (++seen === surveyed ? barrier.pass() : Promise.resolve());
      return WORK[work](watch(deps, atLast), count);
    }),
  );
  await Promise.race([barrier.all, all]);
  const held = (await liveBytes()) - before;
  barrier.open();
  await all;
  return Math.max(RESOLUTION_BYTES, Math.round(held / runs));
}

/** Calls `before` whenever the ledger's rows of a repository are about to be read, and writes nothing down. */
function watch(deps: CoverageDeps, before: () => Promise<void>): CoverageDeps {
  return {
    ...deps,
    ledger: {
      ...deps.ledger,
      // Many runs at once would only fight for the same row.
      updateSurvey: () => Promise.resolve(),
      listRepository: async function* (place) {
        await before();
        yield* deps.ledger.listRepository(place);
      },
    },
  };
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
