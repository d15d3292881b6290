import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalEnvironment, packageRoot, startEnvironment } from '../../local/environment.js';
import { pullStatus, push } from '../../local/sample/push.js';
import { getTrivyHere } from '../../local/setup/trivy.js';
import type { EnforcementMode } from '../../shared/policy/operation.js';
import { CHAPTERS, type Stage } from './rollout-chapters.js';
import { DRAFT, FIRST, STRICT } from './rollout-policies.js';
import { DATABASE_REPOSITORY, prepareRegistry } from './rollout-registry.js';
import { createStory } from './story.js';

/** Where the policies are, below the directory in which the commands run. */
const POLICIES = { draft: 'policy/draft.yaml', first: 'policy/policy.yaml', strict: 'policy/stricter.yaml' };

/** New quarantines an hour, so few that the story meets the brake. */
const quarantinesPerHour = 2;

/**
 * Takes a registry that is in use from observing to enforcing, with the commands that a team would use, and shows what it
 * would see. Resolves with 0 only where each step came out as told.
 */
export async function rollout({ json }: { readonly json: boolean }): Promise<number> {
  const write = (line: string) => process.stdout.write(`${line}\n`);
  const print = json ? () => undefined : write;
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const state = await mkdtemp(join(tmpdir(), 'lazaret-rollout-'));
  const entry = join(packageRoot(), 'dist', 'cli', 'main.js');
  const story = createStory(print, { entry, directory: state });
  let environment: LocalEnvironment | undefined;
  try {
    log('getting Trivy');
    const trivy = await getTrivyHere(packageRoot(), log);
    await writePolicies(join(state, 'policy'));
    const registry = await prepareRegistry(join(state, 'environment'));
    const target = (repository: string) => ({ origin: `http://${registry}`, repository, fetch });
    const deploy = async (file: string, enforcement: EnforcementMode) => {
      log(`deploying ${file} with ${enforcement}`);
      const policyFile = join(state, file);
      await environment?.stop();
      environment = await startEnvironment({
        stateDirectory: join(state, 'environment'),
        ...{ policyFile, enforcement, quarantinesPerHour },
        database: `{registry}/${DATABASE_REPOSITORY}:2`,
        databaseMaxAgeHours: 72,
        reserved: ['{registry}/platform/gatekeeper'],
        trivy: Promise.resolve(trivy),
        ports: { registry: 0, functions: 0, inbox: 0 },
        maxPollingInterval: '00:00:01',
        ...{ scalerMilliseconds: 500, lingerSeconds: 20, scanConcurrency: 2, queueLeaseSeconds: 30, acceleration: 20 },
        log: (source, line) =>
          /"level":"error"|^error /.test(line) ? log(`${source}: ${line.slice(0, 400)}`) : undefined,
      });
    };
    const stage: Stage = {
      ...{ story, registry, deploy, policies: POLICIES, quarantinesPerHour },
      endpoint: () => environment?.functions ?? '',
      push: (repository, image) => push(image, target(repository), { tag: 'v1' }),
      isServed: async (repository, reference) => (await pullStatus(reference, target(repository))) === 200,
      unlock: (repository, digest) => unlock(registry, { repository, digest }),
      cards: async () =>
        ((await environment?.cards()) ?? []).map(
          ({ content }) => (content as { readonly fallbackText?: string }).fallbackText ?? '',
        ),
    };
    for (const tell of CHAPTERS) await tell(stage);
  } finally {
    await environment?.stop();
    await rm(state, { recursive: true, force: true });
  }
  const problems = story.problems();
  if (json) write(JSON.stringify({ ok: problems.length === 0, problems }));
  print(problems.length === 0 ? '\nEach step came out as told.' : `\nNot as told:\n  ${problems.join('\n  ')}`);
  return problems.length === 0 ? 0 : 1;
}

/** By ACR's own interface: https://learn.microsoft.com/azure/container-registry/container-registry-image-lock */
async function unlock(
  registry: string,
  { repository, digest }: { readonly repository: string; readonly digest: string },
): Promise<void> {
  const scope = `service=${registry}&scope=repository:${repository}:metadata_write`;
  const { token } = (await (await fetch(`http://${registry}/oauth2/token?${scope}`)).json()) as { token: string };
  await fetch(`http://${registry}/acr/v1/${repository}/_manifests/${digest}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ readEnabled: true, deleteEnabled: true }),
  });
}

async function writePolicies(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of [
    ['draft.yaml', DRAFT],
    ['policy.yaml', FIRST],
    ['stricter.yaml', STRICT],
  ] as const) {
    await writeFile(join(directory, name), text);
  }
}
