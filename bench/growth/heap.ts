import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are in use once everything that can be is collected. */
export function liveBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Looks at the live bytes each time that so many items have gone by, and keeps the most that it saw. */
export function createPeak(everyItems: number) {
  const before = liveBytes();
  let items = 0;
  let most = 0;
  const look = () => {
    most = Math.max(most, liveBytes() - before);
  };
  return {
    passed: (count: number) => {
      const earlier = Math.floor(items / everyItems);
      items += count;
      if (Math.floor(items / everyItems) > earlier) look();
    },
    look,
    bytes: () => most,
  };
}
