import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are in use once everything that can be is collected. Some of it goes only with the second round. */
export async function liveBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await wait(1);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
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
