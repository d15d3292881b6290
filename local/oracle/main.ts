import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../environment.js';
import { FIXTURES, type FixtureCase, readCases } from './case.js';
import { type Finding, compare } from './compare.js';
import { forgeCosign } from './forge/cosign.js';
import type { Forged } from './forge/forged.js';
import { forgeNotation } from './forge/notation.js';
import { type StoredLayout, readLayout } from './layout.js';
import { BUNDLE_MUTATIONS } from './mutations/bundle.js';
import { COSE_MUTATIONS } from './mutations/cose.js';
import { JWS_MUTATIONS } from './mutations/jws.js';
import { LEGACY_MUTATIONS } from './mutations/legacy.js';
import { MANIFEST_MUTATIONS } from './mutations/manifest.js';
import { askOfficial } from './official.js';
import { askUs } from './ours.js';
import { hostRevocation, readRevocation } from './revocation-host.js';
import { type LayoutRegistry, serveLayouts } from './serve-layouts.js';
import { type RunTool, getTools } from './tools.js';

// `npm run test:oracle [-- PREFIX [MUTATION]]`: asks the official tools and our verifier about every fixture, and about
// every mutation of some, and prints where they differ. Exit 0 only if every difference is a documented one.

/** Those that are mutated: one of each form. */
const MUTATED: ReadonlySet<string> = new Set([
  'notation-jws-p-256',
  'notation-jws-rsa-2048',
  'notation-jws-timestamp',
  'notation-jws-expiry',
  'notation-cose-p-256',
  'notation-cose-rsa-2048',
  'notation-cose-timestamp',
  'notation-cose-expiry',
  'cosign-bundle-p-256',
  'cosign-bundle-index',
  'cosign-bundle-attest-vuln',
  'cosign-legacy-p-256',
  'cosign-legacy-2-p-256',
  'cosign-keyless-bundle-both',
  'cosign-keyless-bundle-log',
  'cosign-keyless-legacy-both',
  'cosign-keyless-legacy-2-log',
  'cosign-logged-bundle',
  'cosign-logged-legacy',
]);
const MUTATIONS = [
  ...MANIFEST_MUTATIONS,
  ...JWS_MUTATIONS,
  ...COSE_MUTATIONS,
  ...BUNDLE_MUTATIONS,
  ...LEGACY_MUTATIONS,
];
const AT_ONCE = 2;

const say = (line: string) => process.stdout.write(`${line}\n`);
const progress = (line: string) => process.stderr.write(`${line}\n`);

interface Deps {
  readonly fixtures: string;
  readonly work: string;
  readonly registry: LayoutRegistry;
  readonly run: RunTool;
  readonly only: string;
}

async function main([prefix = '', only = '']: readonly string[]): Promise<number> {
  const fixtures = join(packageRoot(), FIXTURES);
  const cases = (await readCases(fixtures)).filter(({ name }) => name.startsWith(prefix));
  const work = await mkdtemp(join(tmpdir(), 'lazaret-oracle-'));
  const endRevocation = await hostRevocation(await readRevocation(fixtures));
  const registry = await serveLayouts();
  try {
    const run = await getTools(join(work, 'home'), progress);
    const deps = { fixtures, work, registry, run, only };
    const findings: Finding[] = [];
    const forged = [...(await forgeNotation(new Date())), ...(await forgeCosign())];
    const jobs = [
      ...cases.map((fixture) => ({ name: fixture.name, run: () => examine(fixture, deps) })),
      ...forged
        .filter(({ fixture }) => fixture.name.startsWith(prefix) && fixture.name.includes(only))
        .map((each, at) => ({ name: each.fixture.name, run: () => examineForged(each, at, deps) })),
    ];
    const queue = jobs.values();
    const worker = async () => {
      for (const { name, run: job } of queue) {
        const found = await job();
        findings.push(...found);
        progress(`${findings.length} asked; ${name}: ${tally(found)}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const results = join(packageRoot(), '.lazaret', 'oracle.json');
    await mkdir(join(results, '..'), { recursive: true });
    await writeFile(results, `${JSON.stringify(findings, null, 1)}\n`);
    report(findings);
    return findings.every(({ outcome }) => ['agree', 'stricter', 'documented'].includes(outcome)) ? 0 : 1;
  } finally {
    endRevocation();
    registry.close();
    await rm(work, { recursive: true, force: true });
  }
}

async function examine(fixture: FixtureCase, deps: Deps): Promise<readonly Finding[]> {
  const directory = join(deps.fixtures, fixture.name);
  const work = join(deps.work, fixture.name);
  await mkdir(work, { recursive: true });
  const repository = fixture.name;
  const original = await readLayout(join(directory, 'layout'));
  const ask = async (layout: StoredLayout, mutation: string) => {
    deps.registry.add(repository, layout);
    const official = await askOfficial({ ...deps, fixture, directory, repository, work });
    return compare(fixture, mutation, { official, ours: await askUs(layout, { fixture, directory, work }) });
  };
  const findings = deps.only === '' ? [await ask(original, '')] : [];
  if (MUTATED.has(fixture.name)) {
    for (const { name, apply } of MUTATIONS.filter((each) => each.name.includes(deps.only))) {
      const layout = apply(original);
      if (layout !== undefined) findings.push(await ask(layout, name));
    }
  }
  deps.registry.remove(repository);
  await rm(work, { recursive: true, force: true });
  return findings;
}

/** A forgery is a case and its mutation at once. */
async function examineForged({ fixture, layout, files }: Forged, at: number, deps: Deps): Promise<readonly Finding[]> {
  const repository = `forged-${at}`;
  const work = join(deps.work, repository);
  const directory = join(work, 'case');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  deps.registry.add(repository, layout);
  const official = await askOfficial({ ...deps, fixture, directory, repository, work });
  const ours = await askUs(layout, { fixture, directory, work });
  deps.registry.remove(repository);
  await rm(work, { recursive: true, force: true });
  return [compare(fixture, fixture.name, { official, ours })];
}

function tally(findings: readonly Finding[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of findings) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}

function report(findings: readonly Finding[]): void {
  const order = ['documented', 'stricter', 'unasked', 'DISAGREE', 'BREACH'];
  for (const outcome of order) {
    for (const { fixture, mutation, ours, official, reason } of findings.filter((each) => each.outcome === outcome)) {
      say(`${outcome.padEnd(10)} ${fixture}${mutation === '' || mutation === fixture ? '' : ` / ${mutation}`}`);
      if (reason !== undefined) say(`           ${reason}`);
      if (outcome === 'stricter' || outcome === 'documented' || outcome === 'unasked') continue;
      say(`           ours: ${ours.verdict} ${ours.message}`);
      say(`           tool: ${official.verdict} ${official.message}`);
    }
  }
  say(`${findings.length} questions: ${tally(findings)}`);
  if (findings.some(({ outcome }) => outcome === 'BREACH')) say('BREACH: something passes that has to be refused');
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    progress(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  },
);
