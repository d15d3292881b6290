import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type LocalEnvironment, packageRoot, startEnvironment } from '../local/environment.js';
import { databaseArtifact } from '../local/sample/database.js';
import { pullStatus, push } from '../local/sample/push.js';
import { getTrivyHere } from '../local/setup/trivy.js';
import { generateKeyPair } from '../local/signer/signer.js';
import { parseReference } from '../shared/artifact/reference.js';
import { connect } from './client.js';
import { type Outcome, check, table } from './demo/check.js';
import type { Scenario, Stage } from './demo/scenario.js';
import { DEMO_POLICY, SCENARIOS, SECOND_ACT } from './demo/scenarios.js';
import { waitFor } from './status.js';

const WAIT_SECONDS = 60;
const DATABASE_REPOSITORY = 'lazaret/trivy-db';

/** Runs the main job on a handful of images; returns 0 only if everything came out as it should. */
export async function demo({ keep, json }: { readonly keep: boolean; readonly json: boolean }): Promise<number> {
  const started = Date.now();
  const say = (line: string) =>
    process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
  const state = await mkdtemp(join(tmpdir(), 'lazaret-demo-'));
  const keys = { trusted: generateKeyPair(), stranger: generateKeyPair() };
  const policyDirectory = join(state, 'policy');
  await mkdir(policyDirectory);
  await writeFile(join(policyDirectory, 'policy.yaml'), DEMO_POLICY);
  await writeFile(join(policyDirectory, 'demo.pub'), keys.trusted.publicKey);
  say('getting Trivy');
  const trivy = await getTrivyHere(packageRoot(), say);
  say(`Trivy: ${trivy}`);
  const environment = await startEnvironment({
    stateDirectory: state,
    policyFile: join(policyDirectory, 'policy.yaml'),
    database: `{registry}/${DATABASE_REPOSITORY}:2`,
    databaseMaxAgeHours: 72,
    enforcement: 'enforce',
    trivy: Promise.resolve(trivy),
    ports: { registry: 0, functions: 0, inbox: 0 },
    maxPollingInterval: '00:00:01',
    scalerMilliseconds: 500,
    lingerSeconds: 20,
    scanConcurrency: 2,
    queueLeaseSeconds: 30,
    acceleration: 20,
    log: (source, line) => tell(say, source, line),
  });
  say(`registry ${environment.registry}, inbox ${environment.inbox}`);
  try {
    const code = await perform(environment, { keys, say, json });
    if (keep) {
      say(`the environment keeps running until it is interrupted; the cards are at ${environment.inbox}`);
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
    }
    return code;
  } finally {
    await environment.stop();
    await rm(state, { recursive: true, force: true });
  }
}

async function perform(
  environment: LocalEnvironment,
  { keys, say, json }: { readonly keys: Stage['keys']; readonly say: (line: string) => void; readonly json: boolean },
): Promise<number> {
  const { registry } = environment;
  const target = (repository: string) => ({ origin: `http://${registry}`, repository, fetch });
  const client = await connect(parseReference(`${registry}/demo:v1`), environment.functions);
  const stage: Stage = {
    registry,
    client,
    keys,
    say,
    push: (artifact, repository, options) => push(artifact, target(repository), options),
    pull: (repository, reference) => pullStatus(reference, target(repository)),
    status: (reference) => waitFor(client, reference, 0),
  };
  await stage.push(await databaseArtifact(new Date()), DATABASE_REPOSITORY, { tag: '2' });
  say('the vulnerability database is in the registry, as an artifact of its own');
  const first = await act(SCENARIOS, stage);
  const second = await act(SECOND_ACT, stage);
  const outcomes = [...first, ...second];
  const expectedCards = outcomes.reduce((sum, { scenario }) => sum + scenario.cards, 0);
  const cards = await waitForCards(environment, expectedCards);
  const problems = outcomes.flatMap(({ scenario, problems: found }) =>
    found.map((problem) => `${scenario.name}: ${problem}`),
  );
  if (cards.length !== expectedCards)
    problems.push(`cards: expected ${expectedCards}, found ${cards.length}:`, ...cards);
  process.stdout.write(
    json
      ? `${JSON.stringify({ ok: problems.length === 0, problems, cards: cards.length, outcomes: outcomes.map(({ scenario, status }) => ({ name: scenario.name, status })) })}\n`
      : `\n${table(outcomes)}\n\n${cards.length} cards in the inbox.\n${problems.length === 0 ? 'Everything came out as it should.' : problems.join('\n')}\n`,
  );
  return problems.length === 0 ? 0 : 1;
}

/** Pushes everything, then waits for all verdicts: as many people push at once. */
async function act(scenarios: readonly Scenario[], stage: Stage): Promise<readonly Outcome[]> {
  const running = scenarios.map(async (scenario) => {
    const artifact = await scenario.run(stage);
    stage.say(`pushed ${scenario.repository}:${scenario.tag} (${scenario.name})`);
    if (scenario.expected.verdict === 'unknown') return { scenario, artifact };
    const status = await waitFor(
      stage.client,
      `${stage.registry}/${scenario.repository}@${artifact.digest}`,
      WAIT_SECONDS,
    );
    stage.say(
      `${status.verdict.padEnd(12)} ${scenario.repository}:${scenario.tag}  ${status.reasons.map(({ code }) => code).join(' ')}`,
    );
    return { scenario, artifact };
  });
  const done = await Promise.all(running);
  return Promise.all(done.map(({ scenario, artifact }) => check(scenario, artifact, stage)));
}

/** Cards follow verdicts. One too many would come as well, so a little longer is waited than it takes. */
async function waitForCards(environment: LocalEnvironment, expected: number): Promise<readonly string[]> {
  for (let tries = 0; tries < 60 && (await environment.cards()).length < expected; tries++) await wait(250);
  await wait(2000);
  return (await environment.cards()).map(
    ({ content }) => (content as { readonly fallbackText?: string }).fallbackText ?? '',
  );
}

/** Of all that the parts log, what a person wants to see: faults. */
function tell(say: (line: string) => void, source: string, line: string): void {
  if (/\(Failed,|"level":"error"|^error /.test(line)) say(`${source}: ${line.slice(0, 400)}`);
}
