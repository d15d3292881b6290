import { say } from '../machine.js';
import type { Counts } from './count.js';
import { measurePushes } from './scenarios.js';
import { measureTrivy } from './trivy.js';

const MAX_READS = 8;
const MAX_REFERRERS = 1;
/** The pushes that the bounds are held for. The others are told beside them. */
const BOUNDED: readonly string[] = [
  'passes, no signature asked for',
  'passes, signed with a Cosign bundle',
  'fails, is locked and untagged',
];

/** Counts what one push of a single-platform image asks of the registry. */
export async function calls(): Promise<object> {
  const pushes = (await measurePushes()).map((cost) => {
    const sum = (kind: 'read' | 'referrers') => cost.push[kind] + cost.marks[kind];
    return {
      ...cost,
      reads: sum('read'),
      referrers: sum('referrers'),
      bounded: BOUNDED.includes(cost.name),
      within: sum('read') <= MAX_READS && sum('referrers') <= MAX_REFERRERS,
    };
  });
  const trivy: Counts = await measureTrivy();
  for (const { name, reads, referrers } of pushes) say(`${name}: ${reads} reads, ${referrers} lists of referrers`);
  return {
    limit: { reads: MAX_READS, referrers: MAX_REFERRERS },
    met: pushes.every(({ bounded, within }) => !bounded || within),
    pushes,
    trivy,
  };
}
