import type { Layer } from '../local/sample/layer.js';
import { systemImage, tinyImage } from './images.js';
import { median, round, say } from './machine.js';
import { createStage } from './stage.js';

const WANTED = 0.8;

/**
 * Images a minute through the whole pipeline, beside `xargs -P2` over Trivy and its conversions into the two documents that
 * ours ends in as well.
 */
export async function throughput(base: Layer): Promise<object> {
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
  return { imagesPerMinute: rounds, ratio: round(median(ratios), 2), wanted: WANTED, met: median(ratios) >= WANTED };
}
