import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../environment.js';
import { getTrivyHere } from '../setup/trivy.js';
import { watchStarter } from '../watch-starter.js';
import { runKills } from './run.js';

const USAGE = 'usage: npm run test:kill -- [--pushes N]\n';
const DEFAULT_PUSHES = 20;
const MAX_PUSHES = 1000;

/** Runs the pushes and the kills. Resolves with the exit code: 0 where nothing is lost and nothing wrong. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { pushes: { type: 'string', default: String(DEFAULT_PUSHES) } } });
  const pushes = Number(values.pushes);
  if (!Number.isInteger(pushes) || pushes < 1 || pushes > MAX_PUSHES) {
    process.stderr.write(USAGE);
    return 2;
  }
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  const say = (line: string) => process.stdout.write(`${seconds().toFixed(1).padStart(6)} s  ${line}\n`);
  const root = packageRoot();
  const trivy = await getTrivyHere(root, say);
  const directory = await mkdtemp(join(tmpdir(), 'lazaret-kill-'));
  const file = createWriteStream(join(directory, 'log'));
  const log = (source: string, line: string) => file.write(`${seconds().toFixed(3)} ${source}: ${line}\n`);
  const tell = (line: string) => {
    say(line);
    log('kill', line);
  };
  const { manifests, complaints, duplicates, done, recovered } = await runKills({
    ...{ pushes, directory, root, trivy, log },
    say: tell,
  });
  for (const { subject, because } of duplicates) tell(`sent twice: ${subject}, for ${because}`);
  for (const { kind, code, subject, detail } of complaints)
    tell(`${kind.toUpperCase()} ${code}: ${subject}: ${detail}`);
  const count = (deed: string) => done.filter((each) => each.deed.startsWith(deed)).length;
  const lost = complaints.filter(({ kind }) => kind === 'lost').length;
  const wrong = complaints.length - lost;
  await new Promise((resolve) => file.end(resolve));
  if (complaints.length === 0) await rm(directory, { recursive: true, force: true });
  else say(`what everybody logged, and all state: ${directory}`);
  const kills = Object.fromEntries(['host', 'worker', 'job', 'registry'].map((name) => [name, count(`kill ${name}`)]));
  const result = {
    ...{ pushes, manifests, lost, wrong, duplicateAlerts: duplicates.length, kills, outages: count('storage') },
    ...{ recovered, seconds: Math.round(seconds()) },
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return complaints.length === 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
watchStarter(() => process.exit(130));
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
