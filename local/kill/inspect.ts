import { MediaType } from '../../shared/artifact/media-type.js';
import { type PushTarget, listReferrers, pull } from '../sample/push.js';
import type { Doors } from './doors.js';
import type { Expected, Found } from './judge.js';

const MARKS: readonly string[] = [MediaType.cyclonedx, MediaType.sarif];

/** Asks the app and the registry what has come of one manifest, as anybody may. */
export async function inspect(
  { repository, digest, tags }: Expected,
  { registry, doors }: { readonly registry: string; readonly doors: Pick<Doors, 'verdict'> },
): Promise<Found> {
  const target: PushTarget = { origin: `http://${registry}`, repository, fetch };
  const { verdict, settled, reasons } = await doors.verdict(`${registry}/${repository}@${digest}`);
  const byTag = await Promise.all(Object.keys(tags).map(async (tag) => [tag, await pull(tag, target)] as const));
  return {
    verdict,
    settled,
    reasons: reasons.map(({ code }) => code),
    byDigest: (await pull(digest, target)).status,
    byTag: Object.fromEntries(byTag),
    marks: (await listReferrers(digest, target)).filter((type) => MARKS.includes(type)),
  };
}
