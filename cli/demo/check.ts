import type { Artifact } from '../../local/sample/image.js';
import type { Status } from '../../shared/pipeline/lookup.js';
import type { Scenario, Stage } from './scenario.js';

/** What came of one scenario. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly status: Status;
  /** What is not as it should be, in words; empty when all is. */
  readonly problems: readonly string[];
}

/** Holds what is against what should be. */
export async function check(scenario: Scenario, artifact: Artifact, stage: Stage): Promise<Outcome> {
  const { expected, repository, tag } = scenario;
  const status = await stage.status(`${stage.registry}/${repository}@${artifact.digest}`);
  const operations = status.enforcement.operations.map(({ kind, tag: name, outcome }) =>
    [kind, ...(name === undefined ? [] : [name]), ...(outcome === 'done' ? [] : [outcome])].join(' '),
  );
  const found = {
    verdict: status.verdict,
    reasons: status.reasons.map(({ code }) => code),
    state: status.enforcement.state,
    operations,
    pull: { digest: await stage.pull(repository, artifact.digest), tag: await stage.pull(repository, tag) },
    marks: status.marks.length,
    findings: status.findings.list.map(({ id, package: name, installed }) => `${id} ${name} ${installed}`),
    platforms: status.platforms.map(({ platform, verdict }) => `${platform} ${verdict}`),
  };
  const problems = Object.entries(expected).flatMap(([name, wanted]) => {
    const actual = found[name as keyof typeof found];
    const same = JSON.stringify(actual) === JSON.stringify(wanted);
    return same ? [] : [`${name}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(actual)}`];
  });
  return { scenario, status, problems };
}

/** The outcomes as a table. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ scenario, status, problems }) => [
    problems.length === 0 ? 'ok' : 'WRONG',
    scenario.name,
    `${scenario.repository}:${scenario.tag}`,
    status.verdict,
    status.reasons.map(({ code }) => code).join(' '),
    status.enforcement.operations.map(({ kind, tag }) => (tag === undefined ? kind : `${kind} ${tag}`)).join(', ') ||
      '-',
  ]);
  const all = [['', 'image', 'pushed as', 'verdict', 'because', 'done'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
