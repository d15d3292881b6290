import type { Handler } from '../web/node-adapter.js';
import { createAuth } from './auth.js';
import { createBlobHost } from './blob-host.js';
import type { Context } from './context.js';
import { RegistryError } from './error.js';
import { type EventOrigin, type Happening, type RegistryEvent, toEvent } from './event.js';
import { type Fault, createFaults } from './faults.js';
import { createMemoryLog } from './change-log.js';
import { type ImportRequest, importImage } from './import-image.js';
import { type Replica, type Replication, createReplication } from './replication.js';
import { openRepositories } from './repositories.js';
import { createRetention } from './retention.js';
import type { Identity, RoleMode } from './roles.js';
import { decodePath, route } from './routes.js';
import type { RegistryStore } from './store.js';
import { DEFAULT_SWITCHES, type Switches } from './switches.js';
import { type Throttling, createThrottle } from './throttle.js';

/** What an emulated registry is. */
export interface RegistryOptions {
  readonly loginServer: string;
  readonly resourceId: string;
  /** The Azure region that events tell. Default: `local`. */
  readonly location?: string;
  readonly store: RegistryStore;
  readonly clock: () => Date;
  /** Called for each push and delete, and awaited before the answer. */
  readonly publish: (event: RegistryEvent) => Promise<void>;
  /** Answers to what no source says; what is left out is the default. */
  readonly switches?: Partial<Switches>;
  /** What a caller without credentials may do. Default: everything, which is right for loopback alone. */
  readonly anonymous?: boolean | 'pull';
  readonly identities?: readonly Identity[];
  /** Default: `rbac`. */
  readonly roleMode?: RoleMode;
  /** The address of another host that blobs are redirected to, such as `https://storage.example`. */
  readonly blobOrigin?: string;
  readonly throttling?: Throttling;
  /** After so many days a manifest without a tag is deleted. */
  readonly retentionDays?: number;
  /** Other regions. They live in memory, and begin with what the first region holds. */
  readonly replicas?: readonly Replica[];
  /** The region that a request reaches. Default: that of a host `<name>.<region>.geo.…`, or else the first. */
  readonly regionOf?: (request: Request) => string | undefined;
  readonly faults?: readonly Fault[];
  /** Events name this connected registry as their origin. */
  readonly connectedRegistry?: string;
}

/** An emulated registry. */
export interface Registry {
  readonly handle: Handler;
  /** The other host that blobs are redirected to. */
  readonly blobHost?: Handler;
  /** Does what is due by the clock: replication, retention. Every request does it first. */
  readonly tick: () => Promise<void>;
  readonly importImage: (request: ImportRequest) => Promise<void>;
}

/** Opens an emulated Azure Container Registry: pure handlers, to be mounted anywhere. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { loginServer, clock, store } = options;
  const home = options.location ?? 'local';
  const switches: Switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const auth = createAuth({
    loginServer,
    clock,
    secret: store.secret,
    anonymous: options.anonymous ?? true,
    mode: options.roleMode ?? 'rbac',
    identities: options.identities ?? [],
  });
  const blobHost =
    options.blobOrigin === undefined
      ? undefined
      : createBlobHost({ origin: options.blobOrigin, blobs: store.blobs, secret: store.secret, clock });
  const replication = createReplication(clock);
  const open = (location: string, lagMilliseconds: number) =>
    openRegion({ location, lagMilliseconds, replication, options, switches }, (repositories, publish) => ({
      loginServer,
      clock,
      switches,
      blobs: store.blobs,
      repositories,
      auth,
      ...(blobHost && { blobHost }),
      publish,
    }));
  const first = await open(home, 0);
  const regions = new Map([[home, first]]);
  for (const { name, lagMilliseconds } of options.replicas ?? []) regions.set(name, await open(name, lagMilliseconds));
  const throttle = options.throttling && createThrottle(options.throttling, clock);
  const fault = createFaults(options.faults ?? []);
  const retention = options.retentionDays === undefined ? undefined : createRetention(options.retentionDays, first);
  const tick = async () => {
    await replication.run();
    await retention?.();
  };
  const answer = async (request: Request): Promise<Response> => {
    await tick();
    const path = decodePath(new URL(request.url).pathname);
    fault(request.method, path);
    throttle?.(request, auth.caller(request));
    const name = options.regionOf?.(request) ?? /\.([a-z0-9]+)\.geo\./.exec(new URL(request.url).host)?.[1] ?? home;
    return route(regions.get(name) ?? first, request, path);
  };
  const blobOrigin = options.blobOrigin === undefined ? undefined : new URL(options.blobOrigin).host;
  return {
    tick,
    importImage: (request) => importImage(first, request),
    ...(blobHost && { blobHost: blobHost.handle }),
    handle: async (request) => {
      // One port may serve both under two names, such as 127.0.0.1 and localhost.
      if (blobHost !== undefined && new URL(request.url).host === blobOrigin) return blobHost.handle(request);
      const response = await answer(request).catch((error: unknown) => {
        if (error instanceof RegistryError) return error.toResponse();
        throw error;
      });
      response.headers.set('docker-distribution-api-version', 'registry/2.0');
      return response;
    },
  };
}

async function openRegion(
  region: {
    readonly location: string;
    readonly lagMilliseconds: number;
    readonly replication: Replication;
    readonly options: RegistryOptions;
    readonly switches: Switches;
  },
  build: (repositories: Context['repositories'], publish: Context['publish']) => Context,
): Promise<Context> {
  const { location, lagMilliseconds, replication, options, switches } = region;
  const { store, clock, resourceId, connectedRegistry } = options;
  const publish = async (happened: readonly Happening[]): Promise<void> => {
    for (const happening of happened) {
      const origin: EventOrigin = { resourceId, location, now: clock(), switches };
      await options.publish(
        toEvent(happening, { ...origin, ...(connectedRegistry !== undefined && { connectedRegistry }) }),
      );
    }
  };
  const log = location === (options.location ?? 'local') ? store.log : createMemoryLog();
  const repositories = await openRepositories(log, (repository, transaction) => {
    // Only what a region's own callers do travels.
    if (transaction.replicated !== true) replication.send(location, repository, transaction);
  });
  await replication.add({
    name: location,
    lagMilliseconds,
    repositories,
    arrived: async (happened) => {
      if (switches.replicaEvent === 'on') await publish(happened);
    },
  });
  return build(repositories, publish);
}
