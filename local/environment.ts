import { createServer } from 'node:http';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { connectStorage } from '../shared/connect.js';
import { QUEUES } from '../shared/message/queue-name.js';
import { createQueueLength, ensureQueues } from '../shared/queue/queues.js';
import { startAzurite } from './azurite/azurite.js';
import { deliverToFunction, deliverToQueue } from './event-grid/destination.js';
import type { EventSchema } from './event-grid/event.js';
import { createEventGrid } from './event-grid/event-grid.js';
import { type FunctionsHost, startFunctionsHost } from './functions-host/start.js';
import { type ReceivedCard, createInbox } from './inbox/inbox.js';
import { type JobStarter, startJobStarter } from './job-starter/job-starter.js';
import { listenBoth } from './registry/listen.js';
import type { FileOptions } from './registry/options-file.js';
import { createRegistry } from './registry/registry.js';
import { createFileStore } from './registry/store.js';
import { createLocalCertificates } from './tls/certificate.js';
import { type Handler, serve } from './web/node-adapter.js';

/** What a local environment is told. Everything it keeps is below `stateDirectory`. */
export interface EnvironmentOptions {
  readonly stateDirectory: string;
  readonly policyFile: string;
  /** `directory:PATH` or an OCI reference. `{registry}` in it stands for the local registry. */
  readonly database: string;
  readonly javaDatabase?: string;
  readonly databaseMaxAgeHours: number;
  readonly enforcement: 'observe' | 'enforce';
  /** Where the brake begins to hold; it is in nobody's way where one person tries things out. Default: 1000. */
  readonly quarantinesPerHour?: number;
  /** `LAZARET_RESERVED_REPOSITORIES`, with `{registry}` for the local registry. Default: the databases alone. */
  readonly reserved?: readonly string[];
  /** How the registry behaves. Default: as it is thought to. */
  readonly registryOptions?: FileOptions;
  /** Resolves once Trivy is there; the environment is ready before. */
  readonly trivy: Promise<string>;
  readonly ports: { readonly registry: number; readonly functions: number; readonly inbox: number };
  /** The longest pause between two looks at a queue, as `hh:mm:ss`; without it, that of the shipped `host.json`. */
  readonly maxPollingInterval?: string;
  /** How often the job starter looks at the queue. */
  readonly scalerMilliseconds: number;
  readonly lingerSeconds: number;
  readonly scanConcurrency: number;
  readonly queueLeaseSeconds: number;
  /** How much faster than Azure event delivery is retried. */
  readonly acceleration: number;
  /** Where the registry's events go, and in which schema. Without it: to the function, in Event Grid's. */
  readonly events?: { readonly destination: 'function' | 'queue'; readonly schema: EventSchema };
  readonly log: (source: string, line: string) => void;
}

/** A running local environment. */
export interface LocalEnvironment {
  /** `host:port`. */
  readonly registry: string;
  readonly functions: string;
  readonly inbox: string;
  readonly caFile: string;
  readonly storage: string;
  readonly cards: () => Promise<readonly ReceivedCard[]>;
  /** Process ids of the functions host, of its worker, and of the scan jobs. */
  readonly processes: () => {
    readonly functions: number | undefined;
    readonly worker: number | undefined;
    readonly jobs: readonly number[];
  };
  readonly stop: () => Promise<void>;
}

/** The registry's resource id, in the form of a real one. */
export const LOCAL_RESOURCE_ID =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.ContainerRegistry/registries/lazaretlocal';

/** Where a local registry tells which environment it belongs to. */
export const DISCOVERY_PATH = '/.well-known/lazaret';
const RESTART_MILLISECONDS = 500;

/** Starts Azurite, registry, event delivery, inbox, functions host and job starter, each as it is in Azure. */
export async function startEnvironment(options: EnvironmentOptions): Promise<LocalEnvironment> {
  const { stateDirectory, log } = options;
  const at = (name: string) => join(stateDirectory, name);
  await mkdir(stateDirectory, { recursive: true });
  const tls = await loadCertificates(at('tls'));
  const clock = () => new Date();
  const azurite = await startAzurite({ directory: at('storage') });
  const storage = connectStorage({ kind: 'connection-string', connectionString: azurite.connectionString }, undefined);
  await ensureQueues(storage.queues);

  const inbox = await createInbox({ directory: at('inbox'), clock });
  const inboxServer = createServer(serve(inbox.handle, (error) => log('inbox', String(error))));
  await new Promise<void>((resolve) => inboxServer.listen(options.ports.inbox, '127.0.0.1', resolve));
  const inboxUrl = `http://127.0.0.1:${(inboxServer.address() as AddressInfo).port}`;

  let host: FunctionsHost | undefined;
  // A host that is started again listens where the first one did.
  let functionsPort = options.ports.functions;
  const { destination, schema } = options.events ?? { destination: 'function', schema: 'eventgrid' };
  const grid = await createEventGrid({
    directory: at('events'),
    clock,
    schema,
    acceleration: options.acceleration,
    deliver:
      destination === 'queue'
        ? deliverToQueue(storage.queues.getQueueClient(QUEUES.registryEvents), schema)
        : deliverToFunction(() => host?.url, { functionName: 'receive', schema }),
  });
  // The registry knows its own name, which holds the port that it gets.
  const served: { handle?: Handler } = {};
  const listener = serve(
    async (request) => {
      // How the command line finds the environment behind an image's reference; no registry has such a path.
      if (new URL(request.url).pathname === DISCOVERY_PATH) {
        return Response.json({ functions: `http://127.0.0.1:${functionsPort}`, inbox: inboxUrl });
      }
      return served.handle?.(request) ?? new Response(null, { status: 503 });
    },
    (error) => log('registry', String(error)),
  );
  const port = options.ports.registry === 0 ? await rememberedPort(at('registry-port')) : options.ports.registry;
  const listening = await listenBoth(listener, { port, key: tls.key, cert: tls.certificate }).catch(() =>
    listenBoth(listener, { port: options.ports.registry, key: tls.key, cert: tls.certificate }),
  );
  await writeFile(at('registry-port'), String(listening.port));
  const loginServer = `127.0.0.1:${listening.port}`;
  const registry = await createRegistry({
    loginServer,
    resourceId: LOCAL_RESOURCE_ID,
    store: await createFileStore(at('registry')),
    clock,
    publish: grid.publish,
    ...options.registryOptions,
  });
  served.handle = registry.handle;

  const here = (text: string) => text.replaceAll('{registry}', loginServer);
  const common = {
    PATH: process.env['PATH'] ?? '',
    TZ: 'UTC',
    NODE_EXTRA_CA_CERTS: tls.caFile,
    LAZARET_REGISTRIES: JSON.stringify([{ resourceId: LOCAL_RESOURCE_ID, loginServer }]),
    LAZARET_STORAGE: azurite.connectionString,
    LAZARET_IDENTITY: 'anonymous',
    LAZARET_DATABASE_MAX_AGE_HOURS: String(options.databaseMaxAgeHours),
    LAZARET_DATABASE: here(options.database),
    ...(options.javaDatabase !== undefined && { LAZARET_JAVA_DATABASE: here(options.javaDatabase) }),
  };
  const root = packageRoot();
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;
  const runHost = async (): Promise<FunctionsHost> =>
    startFunctionsHost({
      root,
      port: functionsPort,
      queueLeaseSeconds: options.queueLeaseSeconds,
      env: {
        ...common,
        AzureWebJobsStorage: azurite.connectionString,
        LAZARET_ENFORCEMENT: options.enforcement,
        LAZARET_MAX_NEW_QUARANTINES_PER_HOUR: String(options.quarantinesPerHour ?? 1000),
        LAZARET_POLICY: options.policyFile,
        LAZARET_RESERVED_REPOSITORIES: JSON.stringify((options.reserved ?? []).map(here)),
        LAZARET_TEAMS_WEBHOOK_URL: `${inboxUrl}/webhook`,
        LAZARET_SIGN_IN: 'local',
        ...(options.maxPollingInterval !== undefined && {
          AzureFunctionsJobHost__extensions__queues__maxPollingInterval: options.maxPollingInterval,
        }),
      },
      onLine: (line) => log('functions', line),
    });
  host = await runHost();
  functionsPort = host.port;
  // Whatever ends the host, Azure starts it again.
  const supervise = async (): Promise<void> => {
    while (!stopped()) {
      await host?.exited;
      if (stopped()) return;
      host = undefined;
      log('functions', 'the host ended; starting it again');
      await wait(RESTART_MILLISECONDS);
      host = await runHost().catch((error: unknown) => {
        log('functions', String(error));
        return undefined;
      });
    }
  };
  const supervising = supervise();

  let starter: JobStarter | undefined;
  options.trivy.then(
    (trivyPath) => {
      if (stopped()) return;
      const entry = join(root, 'dist', 'jobs', 'scan', 'main.js');
      const lengthOf = createQueueLength(storage.queues);
      starter = startJobStarter({
        queueLength: async () => (await lengthOf(QUEUES.scan)) + (await lengthOf(QUEUES.scanSweep)),
        pollMilliseconds: options.scalerMilliseconds,
        messagesPerExecution: 100,
        maxExecutions: 1,
        entry,
        onLine: (line) => log('scan', line),
        env: {
          ...common,
          LAZARET_TRIVY: trivyPath,
          LAZARET_LINGER_SECONDS: String(options.lingerSeconds),
          LAZARET_POLL_MILLISECONDS: '100',
          LAZARET_LEASE_SECONDS: '15',
          LAZARET_SCAN_CONCURRENCY: String(options.scanConcurrency),
          LAZARET_CA_FILE: tls.caFile,
          LAZARET_WORK_DIRECTORY: at('work'),
        },
      });
    },
    (error: unknown) => {
      log('trivy', error instanceof Error ? error.message : String(error));
    },
  );

  return {
    registry: loginServer,
    functions: host.url,
    inbox: inboxUrl,
    caFile: tls.caFile,
    storage: azurite.connectionString,
    cards: inbox.cards,
    processes: () => ({ functions: host?.pid, worker: host?.workerPid(), jobs: starter?.running() ?? [] }),
    stop: async () => {
      stopping.abort();
      await starter?.stop();
      await host?.stop();
      await Promise.race([supervising, wait(1000)]);
      await grid.stop();
      await listening.close();
      inboxServer.closeAllConnections();
      inboxServer.close();
      await azurite.close();
    },
  };
}

/** A later start of the same state finds the registry where image references say it is. */
async function rememberedPort(file: string): Promise<number> {
  const port = Number(await readFile(file, 'utf8').catch(() => '0'));
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

async function loadCertificates(directory: string) {
  const caFile = join(directory, 'ca.pem');
  const stored = join(directory, 'certificates.json');
  await mkdir(directory, { recursive: true });
  const known = await readFile(stored, 'utf8').catch(() => undefined);
  const certificates =
    known === undefined
      ? await createLocalCertificates(new Date())
      : (JSON.parse(known) as Awaited<ReturnType<typeof createLocalCertificates>>);
  if (known === undefined) {
    await writeFile(caFile, certificates.ca);
    await writeFile(stored, JSON.stringify(certificates), { mode: 0o600 });
  }
  return { ...certificates, caFile };
}

/** Where `package.json` is: two levels up from `dist/local/`. */
export function packageRoot(): string {
  return join(dirname(fileURLToPath(import.meta.url)), '..', '..');
}
