import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { connectStorage } from '../../shared/connect.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createQueueLength, ensureQueues } from '../../shared/queue/queues.js';
import { LOCAL_RESOURCE_ID } from '../environment.js';
import { writeDatabase } from '../sample/database.js';
import { generateKeyPair } from '../signer/signer.js';
import { createLocalCertificates } from '../tls/certificate.js';
import { startChannel } from './channel.js';
import { type Director, type Done, createDirector } from './director.js';
import { openDoors } from './doors.js';
import { inspect } from './inspect.js';
import { type Complaint, type Duplicate, type Expected, judge } from './judge.js';
import { type Machines, startMachines } from './machines.js';
import { POLICY, makePush } from './pushes.js';
import { type KillableRegistry, startKillableRegistry } from './registry.js';
import { comeToRest, whatIsLeft } from './rest.js';
import { SCRIPT } from './script.js';
import { startStorage } from './storage.js';

/** What {@link runKills} is told. */
export interface RunOptions {
  readonly pushes: number;
  /** An empty directory for all state. */
  readonly directory: string;
  readonly root: string;
  readonly trivy: string;
  readonly say: (line: string) => void;
  readonly log: (source: string, line: string) => void;
}

/** What came of a run. */
export interface Result {
  readonly manifests: number;
  readonly complaints: readonly Complaint[];
  readonly duplicates: readonly Duplicate[];
  readonly done: readonly Done[];
  /** Manifests that nobody but reconcile has found. */
  readonly recovered: number;
}

const PACE_MILLISECONDS = 1500;
const HEARTBEAT_MILLISECONDS = 10_000;
/** How long everything may take to come to rest, and how much longer for each push. */
const REST_MILLISECONDS = 240_000;
const REST_MILLISECONDS_EACH = 2000;

/** Pushes, while everything is killed by the script; waits until all is at rest, and judges. */
export async function runKills(options: RunOptions): Promise<Result> {
  const { pushes, directory, say, log } = options;
  const at = (name: string) => join(directory, name);
  const parts: { registry?: KillableRegistry; machines?: Machines; director?: Director } = {};
  const reached = async (moment: string) => parts.director?.reached(moment);
  const keys = generateKeyPair();
  const certificates = await createLocalCertificates(new Date());
  await mkdir(at('policy'), { recursive: true });
  await writeFile(at('policy/policy.yaml'), POLICY);
  await writeFile(at('policy/kill.pub'), keys.publicKey);
  await writeFile(at('ca.pem'), certificates.ca);
  await writeDatabase(at('database'), new Date());

  const storage = await startStorage(at('storage'), reached);
  const { connectionString } = storage;
  const { queues, table } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
  await ensureQueues(queues);
  const channel = await startChannel(at('inbox'), reached);
  const onLine = (line: string) => log('registry', line);
  const registry = await startKillableRegistry({ directory: at('registry'), certificates, reached, onLine });
  parts.registry = registry;
  const { loginServer } = registry;
  const lengthOf = createQueueLength(queues);
  const machines = await startMachines({
    root: options.root,
    queueLength: async () => (await lengthOf(QUEUES.scan)) + (await lengthOf(QUEUES.scanSweep)),
    reached,
    onLine: log,
    env: {
      common: {
        PATH: process.env['PATH'] ?? '',
        TZ: 'UTC',
        NODE_EXTRA_CA_CERTS: at('ca.pem'),
        LAZARET_REGISTRIES: JSON.stringify([{ resourceId: LOCAL_RESOURCE_ID, loginServer }]),
        LAZARET_STORAGE: connectionString,
        LAZARET_IDENTITY: 'anonymous',
      },
      app: {
        AzureWebJobsStorage: connectionString,
        LAZARET_ENFORCEMENT: 'enforce',
        LAZARET_MAX_NEW_QUARANTINES_PER_HOUR: '1000000',
        LAZARET_POLICY: at('policy/policy.yaml'),
        LAZARET_TEAMS_WEBHOOK_URL: `${channel.url}/webhook`,
        LAZARET_SIGN_IN: 'local',
      },
      job: {
        LAZARET_TRIVY: options.trivy,
        LAZARET_DATABASE: `directory:${at('database')}`,
        LAZARET_CA_FILE: at('ca.pem'),
        LAZARET_WORK_DIRECTORY: at('work'),
      },
    },
  });
  registry.deliverTo(machines.functions);
  const director = createDirector({
    script: SCRIPT,
    now: () => Date.now(),
    kill: (victim) => (victim === 'registry' ? registry.kill() : machines.kill(victim)),
    interrupt: storage.interrupt,
    say,
  });
  parts.director = director;
  say(`registry ${loginServer}, functions ${machines.functions}; ${pushes} pushes`);

  const doors = openDoors(machines.functions);
  let acknowledged = 0;
  const rest = { queues, registry };
  const heartbeat = setInterval(() => {
    void whatIsLeft(rest).then((left) =>
      say(`${acknowledged} of ${pushes} pushes are made; left: ${left || 'nothing'}`),
    );
  }, HEARTBEAT_MILLISECONDS);
  try {
    const stage = { registry: loginServer, doors, keys, pushes };
    const broken: Complaint[] = [];
    const making = Array.from({ length: pushes }, async (_, index): Promise<readonly Expected[]> => {
      await wait(index * PACE_MILLISECONDS);
      try {
        return await makePush(index, stage);
      } catch (error) {
        broken.push({ kind: 'lost', code: 'NOT_PUSHED', subject: `push ${index}`, detail: String(error) });
        return [];
      } finally {
        acknowledged += 1;
      }
    });
    const expected = (await Promise.all(making)).flat();
    say('all pushes are made');
    const quiet = () =>
      comeToRest(rest, {
        ledger: createLedger(table('ledger')),
        loginServer: parseLoginServer(loginServer),
        repositories: expected.map(({ repository }) => repository),
        patienceMilliseconds: REST_MILLISECONDS + pushes * REST_MILLISECONDS_EACH,
      });
    await quiet();
    await director.disarm();
    await quiet();
    say('all is at rest; comparing registry and ledger');
    const repairs = await doors.reconcile();
    say(`reconcile asked for ${JSON.stringify(repairs)}`);
    const leftOver = await quiet();
    const pairs: { expected: Expected; found: Awaited<ReturnType<typeof inspect>> }[] = [];
    for (const each of expected)
      pairs.push({ expected: each, found: await inspect(each, { registry: loginServer, doors }) });
    const { complaints, duplicates } = judge(pairs, channel.cards(), director.done());
    const { unaccounted, pending } = await doors.coverage();
    const { dead } = await registry.events();
    const whole: Complaint[] = [
      ...(leftOver === '' ? [] : [lost('NOT_AT_REST', leftOver)]),
      ...(unaccounted + pending === 0 ? [] : [lost('UNACCOUNTED', `${unaccounted}, and ${pending} pending`)]),
      ...(dead === 0 ? [] : [lost('EVENTS_GIVEN_UP', String(dead))]),
      ...(pushes < WHOLE_SCRIPT ? [] : director.missed().map(({ deed, at }) => lost('NEVER_KILLED', `${deed}: ${at}`))),
    ];
    return {
      manifests: expected.length,
      complaints: [...broken, ...whole, ...complaints],
      duplicates,
      done: director.done(),
      recovered: repairs['receive'] ?? 0,
    };
  } finally {
    clearInterval(heartbeat);
    await director.disarm();
    await machines.stop();
    await registry.stop();
    channel.close();
    await storage.close();
  }
}

/** From so many pushes on, every entry of the script has to have its turn: else less is proved than is said. */
const WHOLE_SCRIPT = 20;

function lost(code: string, detail: string): Complaint {
  return { kind: 'lost', code, subject: 'the whole', detail };
}
