import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { packageRoot } from '../../environment.js';
import { FIXTURES, type FixtureCase } from '../case.js';
import { askOfficial } from '../official.js';
import { REVOCATION_FOLDER, hostRevocation } from '../revocation-host.js';
import { serveLayouts } from '../serve-layouts.js';
import { getTools } from '../tools.js';
import { makeCosign } from './cosign.js';
import { makeKeyless } from './keyless.js';
import { makeNotation } from './notation.js';
import { type Draft, openWorkshop, writeDraft } from './workshop.js';

// `npm run fixtures [PREFIX]`: makes the signature fixtures anew with the official tools, each with fresh keys, and writes
// down what the official tools say of them. With a prefix only the cases whose names begin with it are replaced.

/** Some certificates and signatures are made to be over by the time that anybody looks. */
const OVER_MILLISECONDS = 65_000;
const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(prefix: string): Promise<void> {
  const fixtures = join(packageRoot(), FIXTURES);
  const work = await mkdtemp(join(tmpdir(), 'lazaret-fixtures-'));
  const run = await getTools(join(work, 'home'), say);
  const shop = await openWorkshop(work, run);
  const answers = new Map<string, Uint8Array>();
  const endRevocation: { end?: () => void } = {};
  const registry = await serveLayouts();
  try {
    const drafts: Draft[] = [];
    const progress = (name: string) => say(`signing: ${name}`);
    if (wanted('notation', prefix)) {
      drafts.push(...(await makeNotation(shop, answers, progress)));
    }
    if (wanted('cosign', prefix) && !prefix.startsWith('cosign-keyless'))
      drafts.push(...(await makeCosign(shop, progress)));
    if (wanted('cosign', prefix)) drafts.push(...(await makeKeyless(shop, progress)));
    const until = Date.now() + OVER_MILLISECONDS;
    const chosen = drafts.filter(({ name }) => isReplaced(name, prefix));
    await removeOld(fixtures, prefix);
    endRevocation.end = await hostRevocation(answers);
    for (const [name, bytes] of 'notation'.startsWith(prefix) ? answers : []) {
      await mkdir(join(fixtures, REVOCATION_FOLDER), { recursive: true });
      await writeFile(join(fixtures, REVOCATION_FOLDER, name), bytes);
    }
    if (chosen.some(({ name }) => name.includes('expired'))) {
      say('waiting for what is to be over');
      await wait(until - Date.now());
    }
    for (const draft of chosen) {
      const fixture = await judge(draft, { fixtures, work, registry, run });
      const differs = fixture.official === fixture.expected ? '' : `  (ours: ${fixture.expected})`;
      say(`${fixture.official.padEnd(5)} ${fixture.name}${differs}`);
    }
  } finally {
    registry.close();
    endRevocation.end?.();
    await shop.close();
  }
}

/** Those that can be revoked share what their authority answers: they are made anew together, with all of Notation's. */
function isReplaced(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && ('notation'.startsWith(prefix) || !/-(crl|ocsp)-/.test(name));
}

/** Whether any case of a group may have this prefix. */
function wanted(group: string, prefix: string): boolean {
  return group.startsWith(prefix) || prefix.startsWith(group);
}

async function judge(
  draft: Draft,
  deps: { readonly fixtures: string; readonly work: string } & Pick<
    Parameters<typeof askOfficial>[0],
    'registry' | 'run'
  >,
): Promise<FixtureCase> {
  const directory = join(deps.fixtures, draft.name);
  await writeDraft(directory, draft);
  deps.registry.add(draft.name, draft.layout);
  const fixture = caseOf(draft);
  const { verdict, message } = await askOfficial({ ...deps, fixture, directory, repository: draft.name });
  if (verdict !== draft.expected) say(`      ${message}`);
  const judged: FixtureCase = { ...fixture, official: verdict };
  await writeFile(join(directory, 'case.json'), `${JSON.stringify(judged, null, 2)}\n`);
  return judged;
}

/** A case as it is written down, before its tool was asked. */
function caseOf({ name, description, made, tool, verify, expected, why, layout }: Draft): FixtureCase {
  const image = layout.manifests[0]?.digest ?? '';
  const rest = { verify, expected, official: 'fail', ...(why !== undefined && { why }) } as const;
  return { name, description, made, image, tool, ...rest };
}

async function removeOld(fixtures: string, prefix: string): Promise<void> {
  await mkdir(fixtures, { recursive: true });
  for (const name of await readdir(fixtures)) {
    if (name !== 'trust' && name !== 'README.md' && isReplaced(name, prefix)) {
      await rm(join(fixtures, name), { recursive: true });
    }
  }
}

main(process.argv[2] ?? '').then(undefined, (error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
