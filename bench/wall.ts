import { tinyImage } from './images.js';
import { median, round, say } from './machine.js';
import { createStage } from './stage.js';

/** Wall time from push to applied verdict, as shipped: polls of `host.json`, a scaler that looks every 30 seconds. */
export async function wall(): Promise<object> {
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
