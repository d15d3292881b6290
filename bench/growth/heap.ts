import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Less cannot be told from what the runtime gives and takes by itself. */
export const RESOLUTION_BYTES = 1024;
const STABLE_ROUNDS = 4;
const MAX_ROUNDS = 60;

/** Bytes that are in use once everything that can be is collected. Some of it goes only after several rounds. */
export async function liveBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0, stable = 0; round < MAX_ROUNDS && stable < STABLE_ROUNDS; round++) {
    collect();
    await wait(5);
    const { heapUsed, external } = process.memoryUsage();
    stable = heapUsed + external < least - RESOLUTION_BYTES ? 0 : stable + 1;
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

/** A door that opens once so many have come to it. */
export function createBarrier(expected: number) {
  const { promise: all, resolve: complete } = Promise.withResolvers<undefined>();
  const { promise: opened, resolve: open } = Promise.withResolvers<undefined>();
  let arrived = 0;
  return {
    /** Resolves when everybody is here. */
    all,
    open: () => {
      open(undefined);
    },
    pass: (): Promise<undefined> => {
      arrived += 1;
      if (arrived === expected) complete(undefined);
      return opened;
    },
  };
}
