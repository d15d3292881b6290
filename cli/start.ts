import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../shared/error/app-error.js';
import { loadPolicyHere } from './load-policy.js';
import { packageRoot, startEnvironment } from '../local/environment.js';
import { type FileOptions, loadRegistryOptions } from '../local/registry/options-file.js';
import { watchStarter } from '../local/watch-starter.js';
import { getTrivyHere } from '../local/setup/trivy.js';
import { UsageError } from './usage.js';

/** Runs the local environment until it is stopped; returns the exit code. */
export async function start(
  values: Readonly<Record<string, string | undefined>> & { readonly json: boolean },
): Promise<number> {
  const root = packageRoot();
  const stateDirectory = resolve(values['state-directory'] ?? '.lazaret');
  const policyFile = resolve(values['policy'] ?? join(root, 'policy', 'local.yaml'));
  const enforcement = values['enforcement'] ?? 'enforce';
  if (enforcement !== 'observe' && enforcement !== 'enforce')
    throw new UsageError('--enforcement is observe or enforce');
  const quarantinesPerHour = Number(values['quarantines-per-hour'] ?? 1000);
  if (!Number.isInteger(quarantinesPerHour) || quarantinesPerHour < 1 || quarantinesPerHour > 1_000_000)
    throw new UsageError('--quarantines-per-hour is a number from 1 on');
  const destination = values['events'] ?? 'function';
  if (destination !== 'function' && destination !== 'queue') throw new UsageError('--events is function or queue');
  const schema = values['event-schema'] ?? 'eventgrid';
  if (schema !== 'eventgrid' && schema !== 'cloudevents')
    throw new UsageError('--event-schema is eventgrid or cloudevents');
  // Told before anything starts, all mistakes at once.
  await loadPolicyHere(policyFile);
  const registryOptions = await readOptions(values['registry-options']);
  await mkdir(stateDirectory, { recursive: true });
  const unlock = lockState(stateDirectory);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const trivy = getTrivyHere(root, (line) => say(`trivy: ${line}`));
  trivy.catch((error: unknown) => say(error instanceof Error ? error.message : String(error)));
  const database = databaseOption(values['database']) ?? 'ghcr.io/aquasecurity/trivy-db:2';
  const javaDatabase =
    databaseOption(values['java-database']) ?? (database.startsWith('directory:') ? database : undefined);
  const environment = await startEnvironment({
    stateDirectory,
    policyFile,
    database,
    ...(javaDatabase !== undefined && { javaDatabase }),
    // A directory that a person names is used whatever its age; what is fetched has to be fresh.
    databaseMaxAgeHours: database.startsWith('directory:') ? 876_000 : 72,
    enforcement,
    quarantinesPerHour,
    registryOptions,
    trivy,
    ports: {
      registry: port(values, 'registry-port'),
      functions: port(values, 'functions-port'),
      inbox: port(values, 'inbox-port'),
    },
    scalerMilliseconds: 1000,
    lingerSeconds: 30,
    scanConcurrency: 2,
    queueLeaseSeconds: 30,
    acceleration: 10,
    events: { destination, schema },
    log: (source, line) => say(`${source}: ${line}`),
  }).catch((error: unknown) => {
    unlock();
    throw error;
  });
  const facts = {
    pid: process.pid,
    registry: environment.registry,
    functions: environment.functions,
    inbox: environment.inbox,
    stateDir: stateDirectory,
    database: database.replace(/^directory:/, '').replaceAll('{registry}', environment.registry),
    policy: policyFile,
    caFile: environment.caFile,
    storage: environment.storage,
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(facts)}\n`
      : `ready\n  registry   ${facts.registry}   push here: podman push --tls-verify=false IMAGE ${facts.registry}/team-a/app:v1\n  inbox      ${facts.inbox}\n  functions  ${facts.functions}\n  state      ${facts.stateDir}\n`,
  );
  await new Promise<void>((done) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => done());
    watchStarter(() => done());
  });
  await environment.stop();
  unlock();
  // A Trivy that is still being fetched would keep the process alive.
  process.exit(0);
}

async function readOptions(file: string | undefined): Promise<FileOptions> {
  if (file === undefined) return {};
  return loadRegistryOptions(file).catch((error: unknown) => {
    throw new UsageError(`--registry-options: ${error instanceof Error ? error.message : String(error)}`);
  });
}

function databaseOption(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  return existsSync(value) ? `directory:${resolve(value)}` : value;
}

function port(values: Readonly<Record<string, string | undefined>>, name: string): number {
  const number = Number(values[name] ?? '0');
  if (!Number.isInteger(number) || number < 0 || number > 65_535) throw new UsageError(`--${name} is a port`);
  return number;
}

/** Two environments on one state would each undo the other's. */
function lockState(directory: string): () => void {
  const file = join(directory, 'pid');
  const pid = Number(existsSync(file) ? readFileSync(file, 'utf8') : Number.NaN);
  if (Number.isInteger(pid) && pid !== process.pid && isAlive(pid)) {
    throw new AppError('STATE_IN_USE', `process ${pid} uses ${directory} already`);
  }
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
