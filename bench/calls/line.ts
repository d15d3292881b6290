import { createMemoryBlobs } from '../../local/simulation/memory-blobs.js';
import { createMemoryQueues } from '../../local/simulation/memory-queues.js';
import { createMemoryTable } from '../../local/simulation/memory-table.js';
import type { RegistryEvent } from '../../local/registry/event.js';
import { createRegistry } from '../../local/registry/registry.js';
import { createMemoryStore } from '../../local/registry/store.js';
import type { Artifact } from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { createJournal } from '../../shared/ledger/journal.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import { parseMessage, scanRequestSchema } from '../../shared/message/queue-message.js';
import { ALL_QUEUES, QUEUES, type QueueName } from '../../shared/message/queue-name.js';
import { openLedger } from '../../shared/pipeline/loss.js';
import { scan } from '../../shared/pipeline/scan.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { createSend } from '../../shared/queue/queues.js';
import { createReceiver } from '../../shared/queue/receiver.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { materialOfKeys } from '../../shared/signature/material.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { bindSteps } from '../../shared/steps.js';
import { type Call, classifyCall } from './count.js';

const LOGIN_SERVER = parseLoginServer('counted.azurecr.test');
const RESOURCE_ID = '/subscriptions/0/resourcegroups/rg/providers/microsoft.containerregistry/registries/counted';
const REPOSITORY = parseRepository('app');
/** Longer than every delay of one push: what a push costs includes its deadline. */
const ALL_DELAYS_MILLISECONDS = 2 * 3_600_000;

/** What {@link createCountedLine} is told. */
export interface CountedLineOptions {
  readonly policy: string;
  /** PEM of the key that the policy names `ci.pub`. */
  readonly publicKey: string;
  /** Severity of the one finding that every image has; undefined for none. */
  readonly severity?: string;
}

/** The production pipeline over the emulated registry, where every call of the registry that is ours is written down. */
export interface CountedLine {
  /** Pushes as a client would: its own calls are not counted. */
  readonly push: (artifact: Artifact, tag?: string) => Promise<void>;
  /** Events that the registry has raised and nobody has been given. */
  readonly events: RegistryEvent[];
  /** Works off these events and all that follows from them, until every wait is over; returns the calls it took. */
  readonly workOff: (events: readonly RegistryEvent[]) => Promise<readonly Call[]>;
  readonly verdict: (artifact: Artifact) => Promise<string | undefined>;
  readonly enforcement: (artifact: Artifact) => Promise<string | undefined>;
}

/** Builds it: registry, queues, table and blobs in memory; the scanner is a stand-in, whose own calls are counted apart. */
export async function createCountedLine({
  policy: text,
  publicKey,
  severity,
}: CountedLineOptions): Promise<CountedLine> {
  let now = Date.UTC(2026, 0, 1);
  const clock = () => new Date(now);
  const sleep = () => Promise.resolve();
  const events: RegistryEvent[] = [];
  const calls: Call[] = [];
  const emulator = await createRegistry({
    loginServer: LOGIN_SERVER,
    resourceId: RESOURCE_ID,
    store: createMemoryStore(),
    clock,
    publish: (event) => {
      events.push(event);
      return Promise.resolve();
    },
  });
  const send = (input: Parameters<typeof fetch>[0], init?: RequestInit) =>
    emulator.handle(new Request(input, { ...init, ...(init?.body !== undefined && { duplex: 'half' as const }) }));
  const counted: typeof fetch = async (input, init) => {
    const request = new Request(input, { ...init, ...(init?.body !== undefined && { duplex: 'half' as const }) });
    const { method, url } = request;
    const response = await emulator.handle(request);
    calls.push(classifyCall({ method, path: new URL(url).pathname, status: response.status }));
    return response;
  };
  // The job is another process, with tokens of its own.
  const clientOf = () =>
    createRegistryClient({
      fetch: counted,
      clock,
      sleep,
      credential: { kind: 'anonymous' },
      registries: [LOGIN_SERVER],
    });
  const queues = createMemoryQueues({
    now: () => now,
    lag: () => 0,
    fateOf: () => undefined,
    onVisible: () => undefined,
  });
  const ledger = createLedger(createMemoryTable());
  const reports = createReportStore(createMemoryBlobs());
  await openLedger({ clock, ledger, store: reports });
  const policy = parsePolicy(text);
  const sendMessage = createSend(queues);
  const app = bindSteps({
    ...{ clock, sleep, ledger, reports, registry: clientOf(), mode: 'enforce', signIn: 'local', reportUrl: undefined },
    log: () => undefined,
    send: sendMessage,
    journal: createJournal(createMemoryTable(), clock),
    sendCard: undefined,
    policy: { ...policy, digest: digestOf(text), trust: digestOf('keys') },
    askAuthorities: () => Promise.resolve([]),
    material: materialOfKeys([parsePublicKey('ci.pub', publicKey)]),
    registries: [{ resourceId: RESOURCE_ID, loginServer: LOGIN_SERVER }],
    maxDatabaseAgeMilliseconds: 72 * 3_600_000,
    queueLength: (queue) => Promise.resolve(queues.visible(queue)),
    isWaiting: (queue) => Promise.resolve(queues.visible(queue) > 0),
    reconcileCallsPerMinute: 300,
    maxNewQuarantinesPerHour: 1_000_000,
    reserved: [],
    channels: [],
    maxCardsPerHour: 1_000_000,
    readRetention: () => Promise.resolve({ state: 'off' }),
  });
  const job = clientOf();
  const scanOne = async (body: unknown): Promise<void> => {
    const request = parseMessage(scanRequestSchema, body);
    const scanned = await scan(request, new AbortController().signal, {
      clock,
      log: () => undefined,
      registry: job,
      reports,
      maxImageBytes: 1024 ** 3,
      scanImage: ({ digest }) =>
        Promise.resolve({
          report: Buffer.from(JSON.stringify(reportOf(digest, severity))),
          sbom: Buffer.from('{"bomFormat":"CycloneDX"}'),
          database: { digest: 'sha256:database', updatedAt: clock().toISOString(), entries: 100 },
          scanMilliseconds: 1,
          convertMilliseconds: 1,
        }),
    });
    await sendMessage(QUEUES.scanned, scanned);
  };
  const handlers: Readonly<Record<QueueName, (body: unknown) => Promise<void>>> = {
    [QUEUES.registryEvents]: app.receive,
    [QUEUES.scan]: scanOne,
    [QUEUES.sweep]: app.receiveSweep,
    [QUEUES.scanSweep]: scanOne,
    [QUEUES.verify]: app.verify,
    [QUEUES.verifySweep]: app.verifySweep,
    [QUEUES.scanned]: app.recordScan,
    [QUEUES.decide]: app.decide,
    [QUEUES.alert]: app.alert,
  };
  const runVisible = async (): Promise<void> => {
    for (let worked = true; worked;) {
      worked = false;
      for (const queue of ALL_QUEUES) {
        const [message] = await createReceiver(queues.getQueueClient(queue), 60)(1);
        if (message === undefined) continue;
        worked = true;
        await handlers[queue](message.body);
        await message.remove();
      }
    }
  };
  const entryOf = async ({ digest }: Artifact) =>
    (await ledger.read({ registry: LOGIN_SERVER, repository: REPOSITORY, digest }))?.entry;
  return {
    push: (artifact, tag) =>
      push(
        artifact,
        { origin: `https://${LOGIN_SERVER}`, repository: REPOSITORY, fetch: send },
        tag === undefined ? {} : { tag },
      ),
    events,
    workOff: async (given) => {
      calls.length = 0;
      for (const event of given) await app.accept(event);
      await runVisible();
      now += ALL_DELAYS_MILLISECONDS;
      await runVisible();
      return [...calls];
    },
    verdict: async (artifact) => (await entryOf(artifact))?.decision?.verdict,
    enforcement: async (artifact) => (await entryOf(artifact))?.enforcement.state,
  };
}

/** A report in Trivy's format with one finding, or none. */
function reportOf(digest: string, severity: string | undefined): unknown {
  const finding = { VulnerabilityID: 'CVE-1', PkgName: 'openssl', InstalledVersion: '1.0', Severity: severity };
  return {
    SchemaVersion: 2,
    Trivy: { Version: '0.74.0' },
    ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '12.5' }, RepoDigests: [`${LOGIN_SERVER}/app@${digest}`] },
    Results: [
      {
        Target: 'app (debian 12.5)',
        Class: 'os-pkgs',
        Packages: [{ Name: 'openssl' }],
        Vulnerabilities: severity === undefined ? [] : [finding],
      },
    ],
  };
}
