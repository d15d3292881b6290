import type { Coverage } from '../shared/pipeline/coverage.js';
import { connectTo } from './client.js';
import { clean } from './clean.js';
import { spanOf } from './span.js';

/** What `coverage` is asked. */
export interface CoverageOptions {
  /** `host[:port]` of a registry, whose environment is asked. */
  readonly registry: string | undefined;
  readonly endpoint: string | undefined;
  readonly json: boolean;
}

/** Prints how much of the registries is accounted for; returns the exit code: 1 where something is not, or not yet. */
export async function coverage(options: CoverageOptions, print: (text: string) => void): Promise<number> {
  const client = await connectTo(options.registry, options.endpoint);
  const found = (await client.get('coverage', {})) as Coverage;
  print(options.json ? JSON.stringify(found) : describe(found));
  return found.unaccounted + found.unseen === 0 ? 0 : 1;
}

function progressLine({ judged, remaining, perHour, left, wouldQuarantine }: Coverage['progress']): string {
  const would = `${wouldQuarantine} would be locked or untagged`;
  if (remaining === 0) return `progress      all ${judged} judged; ${would}`;
  const rate = perHour === null ? 'no rate yet' : `${perHour} an hour`;
  const end = left === null ? '' : `, about ${spanOf(left)} to go`;
  return `progress      ${judged} of ${judged + remaining} judged, ${rate}${end}; ${would}`;
}

function withheldLines(found: Coverage): string[] {
  const lines: readonly (readonly [count: number, what: string])[] = [
    [found.incomplete, 'are quarantined in part or not at all: the registry refused; see lazaret status'],
    [found.observed, 'would be quarantined if enforcement were on'],
    [found.existing, 'would be quarantined if they were not older than this installation'],
    [found.waiting, 'will be quarantined at their time: they have passed before'],
    [found.braked, 'are withheld by the brake; see lazaret brake'],
    [found.reserved, 'fail, and are left alone: their repositories are reserved'],
  ];
  return lines.filter(([count]) => count > 0).map(([count, what]) => `              ${count} ${what}`);
}

function describe(found: Coverage): string {
  const { manifests, pass, fail, inconclusive, pending, signatures, others, shut, unaccounted } = found;
  const lines = [
    progressLine(found.progress),
    `manifests     ${manifests}`,
    `  judged      ${pass + fail + inconclusive}: ${pass} pass, ${fail} fail, ${inconclusive} inconclusive; ${found.quarantined} quarantined, ${found.aged} older than the policy's maxAge`,
    ...withheldLines(found),
    `  pending     ${pending}${found.oldestPending === undefined ? '' : `, the oldest since ${found.oldestPending}`}`,
    `  excluded    ${signatures + others}: ${signatures} signatures, ${others} charts, attestations, marks and the like`,
    ...(shut === 0 ? [] : [`  shut        ${shut} locked by somebody else before we saw them`]),
    `  unaccounted ${unaccounted}`,
    `recovered     ${found.recovered} that no event told of`,
    ...(found.oldestVerdict === undefined ? [] : [`oldest scan behind a verdict ${found.oldestVerdict}`]),
    ...found.searches
      .filter(({ prompt }) => !prompt)
      .map(({ registry, milliseconds }) =>
        clean(
          `${registry}: a search for news takes ${Math.round(milliseconds / 60_000)} minutes, too long to find a lost push within 15: raise LAZARET_RECONCILE_CALLS_PER_MINUTE`,
        ),
      ),
    ...found.retention.flatMap(({ registry, danger }) =>
      danger === undefined ? [] : [clean(`${registry}: ${danger}`)],
    ),
    ...(found.unseen === 0
      ? []
      : [
          `${found.unseen} of ${found.repositories.length} repositories have not been looked at yet, and are in no count`,
        ]),
    ...(found.stale === 0 ? [] : [`${found.stale} repositories as they were found earlier`]),
    ...found.repositories
      .filter(({ unaccounted: missing = 0, error }) => missing > 0 || error !== undefined)
      .map(({ registry, repository, unaccounted: missing = 0, error }) =>
        clean(`  ${registry}/${repository}: ${missing} unaccounted${error === undefined ? '' : `, ${error}`}`),
      ),
  ];
  return lines.join('\n');
}
