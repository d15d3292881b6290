import crypto, { X509Certificate } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { median, round, say } from '../machine.js';
import type { SignedImage } from './image.js';
import { type Warmth, collector, judge } from './ours.js';
import { processorTime } from './processor.js';

/** What one verification costs, in milliseconds: the middle of many. */
export interface Split {
  readonly image: string;
  readonly warmth: Warmth;
  /** Requests to the registry. */
  readonly requests: number;
  readonly fetch: number;
  readonly parse: number;
  readonly crypto: number;
  /** Processor time of this process, fetching included, and of the registry for it. */
  readonly processor: number;
  readonly registry: number;
  /** The same of the official tool, and of the registry for it. */
  readonly toolProcessor: number;
  readonly toolRegistry: number;
  /** The tool's by ours, the registry left out: what it would come to with a registry that costs nothing. */
  readonly ratio: number;
}

const TIMES = 500;
const TOOL_TIMES = 40;
const WARM_UP = 300;

/**
 * Counts the time in `node:crypto` while `work` runs: signatures that are checked, those of certificates included, and
 * hashes. The functions are replaced in this process and put back; `syncBuiltinESMExports` carries that into the bindings
 * that modules have imported by name. A clock that is read twice a call adds less than a microsecond to each.
 */
export async function withCryptoClock<T>(work: (spent: () => number) => Promise<T>): Promise<T> {
  let total = 0;
  const timed = <Self, Args extends unknown[], Result>(original: (this: Self, ...args: Args) => Result) =>
    function (this: Self, ...args: Args): Result {
      const started = performance.now();
      try {
        return original.apply(this, args);
      } finally {
        total += performance.now() - started;
      }
    };
  const places = [
    [crypto, 'verify'],
    [X509Certificate.prototype, 'verify'],
    [crypto.Hash.prototype, 'update'],
    [crypto.Hash.prototype, 'digest'],
  ] as unknown as readonly (readonly [Record<string, (...args: unknown[]) => unknown>, string])[];
  const originals = places.map(([holder, name]) => {
    const original = holder[name];
    if (original === undefined) throw new Error(`node:crypto has no ${name}`);
    holder[name] = timed(original);
    return original;
  });
  syncBuiltinESMExports();
  try {
    return await work(() => total);
  } finally {
    places.forEach(([holder, name], at) => {
      const original = originals[at];
      if (original !== undefined) holder[name] = original;
    });
    syncBuiltinESMExports();
  }
}

/** Where the time of one verification goes, one after the other. */
export async function split(image: SignedImage, warmth: Warmth, registryPid: number): Promise<Split> {
  let requests = 0;
  const collect = collector(image, warmth, () => void (requests += 1));
  const once = async () => judge(await collect(), image.requirement);
  for (let i = 0; i < WARM_UP; i++) await once();
  const plain = await processorOf(once, { times: TIMES, registryPid });
  const tool = await processorOf(image.askTool, { times: TOOL_TIMES, registryPid });
  requests = 0;
  const samples = await withCryptoClock(async (spent) => {
    const taken: { readonly fetch: number; readonly parse: number; readonly crypto: number }[] = [];
    for (let i = 0; i < TIMES; i++) {
      const started = performance.now();
      const evidence = await collect();
      const [fetched, hashed] = [performance.now(), spent()];
      const { outcome } = await judge(evidence, image.requirement);
      const own = spent() - hashed;
      if (outcome !== 'verified') throw new Error(outcome);
      taken.push({ fetch: fetched - started, parse: performance.now() - fetched - own, crypto: own });
    }
    return taken;
  });
  const middle = (of: 'fetch' | 'parse' | 'crypto') => round(median(samples.map((each) => each[of])), 3);
  const result = {
    image: image.name,
    warmth,
    requests: round(requests / TIMES),
    fetch: middle('fetch'),
    parse: middle('parse'),
    crypto: middle('crypto'),
    processor: round(plain.own, 2),
    registry: round(plain.registry, 2),
    toolProcessor: round(tool.children, 1),
    toolRegistry: round(tool.registry, 2),
    ratio: round(tool.children / plain.own),
  };
  say(JSON.stringify(result));
  return result;
}

/** Processor time of one piece of work, in milliseconds: of this process, of its children, and of the registry. */
async function processorOf(
  work: () => Promise<unknown>,
  { times, registryPid }: { readonly times: number; readonly registryPid: number },
): Promise<{ readonly own: number; readonly children: number; readonly registry: number }> {
  const before = await Promise.all([processorTime('self'), processorTime(registryPid)]);
  for (let i = 0; i < times; i++) await work();
  const after = await Promise.all([processorTime('self'), processorTime(registryPid)]);
  return {
    own: (after[0].own - before[0].own) / times,
    children: (after[0].children - before[0].children) / times,
    registry: (after[1].own - before[1].own) / times,
  };
}
