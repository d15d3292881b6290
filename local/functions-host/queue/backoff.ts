const SHORTEST_MILLISECONDS = 100;
const SPREAD = 0.2;

/**
 * The pauses between two looks at a queue, in milliseconds: 100 after a message was found, then 100 and about 100, 200,
 * 400, … more, each ±20 %, up to the longest. `random` gives numbers from 0 up to 1.
 * https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common
 * (RandomizedExponentialBackoffStrategy, QueuePollingIntervals)
 */
export function createBackoff(longestMilliseconds: number, random: () => number) {
  let current = 0;
  let exponent = 0;
  return (found: boolean): number => {
    if (found) {
      current = SHORTEST_MILLISECONDS;
      exponent = 1;
    } else if (current !== longestMilliseconds) {
      const factor = 1 - SPREAD + 2 * SPREAD * random();
      const increment = exponent === 0 ? 0 : factor * 2 ** (exponent - 1) * SHORTEST_MILLISECONDS;
      const next = SHORTEST_MILLISECONDS + increment;
      if (next < longestMilliseconds) {
        current = next;
        exponent += 1;
      } else {
        current = longestMilliseconds;
      }
    }
    return current;
  };
}
