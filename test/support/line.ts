import { randomUUID } from 'node:crypto';
import { type Azurite, startAzurite } from '../../local/azurite/azurite.js';
import { type KeyPair, generateKeyPair } from '../../local/signer/signer.js';
import { type ArtifactKey, parseKey } from '../../shared/artifact/reference.js';
import { connectStorage } from '../../shared/connect.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { createJournal } from '../../shared/ledger/journal.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import type { Alert } from '../../shared/message/alert.js';
import { type ScanRequest, type Scanned, parseMessage, scanRequestSchema } from '../../shared/message/queue-message.js';
import { QUEUES, type QueueName } from '../../shared/message/queue-name.js';
import type { Send } from '../../shared/pipeline/effects.js';
import { openLedger } from '../../shared/pipeline/loss.js';
import { scan } from '../../shared/pipeline/scan.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { type ReportStore, createReportStore } from '../../shared/report/report-store.js';
import { materialOfKeys } from '../../shared/signature/material.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { type Services, bindSteps } from '../../shared/steps.js';
import { createClock } from './clock.js';
import { LOGIN_SERVER, RESOURCE_ID, type TestRegistryOptions, createTestRegistry } from './registry.js';

/** A message on one of the test's queues. */
interface Queued {
  readonly queue: QueueName;
  readonly body: unknown;
  readonly visibleAt: number;
  deliveries: number;
}

/** What the test's scanner says of one digest. */
export interface Verdictless {
  readonly vulnerabilities?: readonly { readonly id: string; readonly severity: string; readonly fixed?: string }[];
  readonly os?: { readonly Family: string; readonly Name: string; readonly EOSL?: boolean };
  readonly secrets?: readonly string[];
  /** No bill of materials can be made of it. */
  readonly withoutSbom?: boolean;
}

let azurite: Promise<Azurite> | undefined;

/** One Azurite in memory for all tests of a file. */
export function sharedAzurite(): Promise<Azurite> {
  azurite ??= startAzurite({});
  return azurite;
}

/** Whatever happens, at most so many messages are worked off in one go. */
const MAX_STEPS = 20_000;

/** No test of the line has certificates that name an authority. */
const nobodyAsks = () => Promise.reject(new Error('a certificate authority was asked'));

/**
 * The production pipeline with everything real but time, the queues and the scanner: the emulated registry, Azurite's
 * tables and blobs. Queues are lists, so that loss, duplication, order and crashes can be scripted.
 */
export async function createLine(
  policyText: string,
  overrides: Partial<Services> = {},
  registryOptions: TestRegistryOptions = {},
) {
  const clock = createClock();
  const registry = await createTestRegistry(clock.now, registryOptions);
  const storage = connectStorage(
    { kind: 'connection-string', connectionString: (await sharedAzurite()).connectionString },
    undefined,
  );
  const suffix = randomUUID().replaceAll('-', '').slice(0, 12);
  const ledger = createLedger(storage.table(`ledger${suffix}`));
  const journalTable = storage.table(`journal${suffix}`);
  const reports = createReportStore(storage.blobs);
  // Alerts and records are named by what they tell, and this Azurite is shared between the tests of a file.
  const ownReports: ReportStore = {
    ...reports,
    createOnce: (container, name, bytes) => reports.createOnce(container, `${suffix}/${name}`, bytes),
    readNamed: (container, name, max) => reports.readNamed(container, `${suffix}/${name}`, max),
    listNamed: async (container, { prefix, ...options }) => {
      const page = await reports.listNamed(container, { ...options, prefix: `${suffix}/${prefix}` });
      return { ...page, names: page.names.map((name) => name.slice(suffix.length + 1)) };
    },
  };
  await Promise.all([ledger.ensure(), journalTable.createTable(), reports.ensure()]);
  const keys: KeyPair = generateKeyPair();
  const queued: Queued[] = [];
  const cards: Alert[] = [];
  const scans: string[] = [];
  const answers = new Map<string, Verdictless | Error>();
  /** The vulnerability data that scans use from now on. */
  const database = { digest: 'sha256:db' };
  /** Thrown once by the next `send` to this queue: a crash between two effects. */
  const crashes: QueueName[] = [];

  const send: Send = (queue, body, { delaySeconds = 0 } = {}) => {
    const at = crashes.indexOf(queue);
    if (at !== -1) {
      crashes.splice(at, 1);
      return Promise.reject(new Error(`crashed before ${queue}`));
    }
    queued.push({
      queue,
      body: JSON.parse(JSON.stringify(body)) as unknown,
      visibleAt: clock.now().getTime() + delaySeconds * 1000,
      deliveries: 0,
    });
    return Promise.resolve();
  };
  const document = parsePolicy(policyText);
  let services: Services = {
    clock: clock.now,
    sleep: () => Promise.resolve(),
    log: () => undefined,
    send,
    reports: ownReports,
    ledger,
    journal: createJournal(journalTable, clock.now),
    registry: registry.client,
    sendCard: (alert) => {
      cards.push(alert);
      return Promise.resolve();
    },
    policy: { ...document, digest: digestOf(policyText), trust: digestOf(keys.publicKey) },
    askAuthorities: nobodyAsks,
    material: materialOfKeys([parsePublicKey('ci.pub', keys.publicKey)]),
    registries: [{ resourceId: RESOURCE_ID, loginServer: LOGIN_SERVER }],
    mode: 'enforce',
    signIn: 'local',
    reportUrl: undefined,
    maxDatabaseAgeMilliseconds: 72 * 3_600_000,
    queueLength: (queue) => Promise.resolve(queued.filter((message) => message.queue === queue).length),
    isWaiting: (queue) =>
      Promise.resolve(queued.some((message) => message.queue === queue && message.visibleAt <= clock.now().getTime())),
    reconcileCallsPerMinute: 300,
    maxNewQuarantinesPerHour: 1_000_000,
    reserved: [],
    channels: ['common'],
    maxCardsPerHour: 1_000_000,
    readRetention: () => Promise.resolve({ state: 'off' }),
    ...overrides,
  };
  await openLedger({ clock: clock.now, ledger: services.ledger, store: services.reports });
  let app = bindSteps(services);

  const scanRequest = (request: ScanRequest, signal = new AbortController().signal): Promise<Scanned> => {
    scans.push(request.key.digest);
    return scan(request, signal, {
      clock: clock.now,
      log: () => undefined,
      registry: registry.scanClient,
      reports: services.reports,
      maxImageBytes: 1024 * 1024,
      scanImage: (key) => {
        const answer = answers.get(key.digest) ?? {};
        if (answer instanceof Error) return Promise.reject(answer);
        return Promise.resolve({
          report: Buffer.from(JSON.stringify(trivyReport(key.digest, answer))),
          ...(answer.withoutSbom !== true && { sbom: Buffer.from('{"bomFormat":"CycloneDX"}') }),
          database: { digest: database.digest, updatedAt: clock.now().toISOString(), entries: 100 },
          scanMilliseconds: 1,
          convertMilliseconds: 1,
        });
      },
    });
  };
  const scanOne = async (body: unknown): Promise<void> =>
    send(QUEUES.scanned, await scanRequest(parseMessage(scanRequestSchema, body)));
  const handlers: Readonly<Record<QueueName, (body: unknown) => Promise<void>>> = {
    [QUEUES.registryEvents]: (body) => app.receive(body),
    [QUEUES.scan]: scanOne,
    [QUEUES.sweep]: (body) => app.receiveSweep(body),
    [QUEUES.scanSweep]: scanOne,
    [QUEUES.verify]: (body) => app.verify(body),
    [QUEUES.verifySweep]: (body) => app.verifySweep(body),
    [QUEUES.scanned]: (body) => app.recordScan(body),
    [QUEUES.decide]: (body) => app.decide(body),
    [QUEUES.alert]: (body) => app.alert(body),
  };
  /** Gives the app every event that the registry has raised since. */
  const deliverEvents = async (): Promise<void> => {
    for (const event of registry.events.splice(0)) {
      await deliverWithRetries(() => app.accept(event));
      await workOff((message) => message.queue === QUEUES.registryEvents);
    }
  };
  /** As Event Grid does: a failed delivery comes again. */
  const deliverWithRetries = async (deliver: () => Promise<void>): Promise<void> => {
    for (let tries = 0; tries < 5; tries++) {
      try {
        await deliver();
        return;
      } catch {
        clock.advance(10_000);
      }
    }
  };
  /** Handles what is visible now and wanted, until there is no more of it. */
  const workOff = async (wanted: (message: Queued) => boolean): Promise<void> => {
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const index = queued.findIndex((message) => message.visibleAt <= clock.now().getTime() && wanted(message));
      const [message] = index === -1 ? [] : queued.splice(index, 1);
      if (message === undefined) return;
      try {
        message.deliveries += 1;
        await handlers[message.queue](message.body);
      } catch {
        if (message.deliveries >= 5) await app.poison(message.queue, message.body);
        else queued.push({ ...message, visibleAt: clock.now().getTime() + 30_000 });
      }
    }
    throw new Error('the line does not come to rest');
  };
  /** Works off everything that is visible now, poison after five failures as the host does. */
  const settle = async (): Promise<void> => {
    await deliverEvents();
    for (let rounds = 0; rounds < MAX_STEPS; rounds++) {
      await workOff(() => true);
      if (registry.events.length === 0) return;
      await deliverEvents();
    }
    throw new Error('the line does not come to rest');
  };
  return {
    get app() {
      return app;
    },
    /** The same app after a deployment with other settings or another policy. */
    redeploy: ({ policyText: text, ...changes }: Partial<Services> & { readonly policyText?: string }) => {
      const policy =
        text === undefined
          ? services.policy
          : { ...parsePolicy(text), digest: digestOf(text), trust: digestOf(keys.publicKey) };
      app = bindSteps({ ...services, policy, ...changes });
    },
    /** The table is gone, and an empty one stands in its place; the app starts on that. */
    loseLedger: async () => {
      const empty = createLedger(storage.table(`ledger${randomUUID().replaceAll('-', '')}`));
      await empty.ensure();
      services = { ...services, ledger: empty };
      await openLedger({ clock: clock.now, ledger: empty, store: services.reports });
      app = bindSteps(services);
    },
    get services() {
      return services;
    },
    clock,
    registry,
    get ledger() {
      return services.ledger;
    },
    get reports() {
      return services.reports;
    },
    keys,
    queued,
    cards,
    scans,
    answers,
    database,
    crashes,
    settle,
    /** Decides once more, as a message that came twice does. */
    decide: (key: ArtifactKey | undefined) => app.decide({ v: 1, attempt: 0, since: clock.now().toISOString(), key }),
    deliverEvents,
    /** What the functions do: everything that is visible now and on one of these queues. */
    workOff: (queues: readonly QueueName[]) => workOff(({ queue }) => queues.includes(queue)),
    /** What the scan job does with one message. */
    scanRequest,
    /** Moves time in steps, working off what becomes due. */
    wait: async (milliseconds: number, stepMilliseconds = 30_000) => {
      for (let passed = 0; passed < milliseconds; passed += stepMilliseconds) {
        clock.advance(Math.min(stepMilliseconds, milliseconds - passed));
        await settle();
      }
    },
    entry: async (repository: string, digest: string) =>
      (await services.ledger.read(parseKey({ registry: LOGIN_SERVER, repository, digest })))?.entry,
  };
}

export type Line = Awaited<ReturnType<typeof createLine>>;

/** A report in Trivy's own format. */
export function trivyReport(digest: string, { vulnerabilities = [], os, secrets = [] }: Verdictless): unknown {
  return {
    SchemaVersion: 2,
    Trivy: { Version: '0.74.0' },
    ArtifactType: 'container_image',
    Metadata: { OS: os ?? { Family: 'debian', Name: '12.5' }, RepoDigests: [`${LOGIN_SERVER}/app@${digest}`] },
    Results: [
      {
        Target: 'app (debian 12.5)',
        Class: 'os-pkgs',
        Packages: [{ Name: 'openssl' }],
        Vulnerabilities: vulnerabilities.map(({ id, severity, fixed }) => ({
          VulnerabilityID: id,
          PkgName: 'openssl',
          InstalledVersion: '1.0',
          Severity: severity,
          ...(fixed !== undefined && { FixedVersion: fixed }),
        })),
      },
      ...secrets.map((path) => ({
        Target: path,
        Class: 'secret',
        Secrets: [{ RuleID: 'private-key', Severity: 'HIGH' }],
      })),
    ],
  };
}

/** A policy with one rule for everything. */
export function onePolicy(rule: string): string {
  return `version: 1\nrules:\n  - repository: "**"\n${rule
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')}\n`;
}
