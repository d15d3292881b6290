import { type Context, contextOfThis } from '../../local/simulation/context.js';
import { simulate } from '../../local/simulation/simulate.js';
import type { Mutation } from '../../local/simulation/world.js';
import { type Digest, digestOf } from '../../shared/artifact/digest.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { Reconciled } from '../../shared/pipeline/reconcile.js';
import type { App, Services } from '../../shared/steps.js';

const FOUND_NOTHING: Reconciled = {
  ...{ repositories: 0, swept: 0, walked: 0, failed: 0, calls: 0, complete: true, startedAt: '' },
  repairs: { receive: 0, scan: 0, rescan: 0, refresh: 0, reopen: 0, verify: 0, decide: 0, marks: 0, gone: 0 },
};

type Step = (message: unknown) => Promise<void>;

/** Acknowledges at once, and works afterwards. */
const acknowledged =
  (step: Step): Step =>
  (message) => {
    step(message).catch(() => undefined);
    return Promise.resolve();
  };

/**
 * Takes a tag away without looking at it again. Most of what that breaks, the repair of overtaken pushes mends; the moment
 * that it cannot mend is looked for in `moving-tag.test.ts`.
 */
export const WITHOUT_SECOND_LOOK: Mutation = {
  services: (services) => {
    const { registry } = services;
    // What one run of a step has seen; what is asked for later in the same run is answered from it.
    const seen = new WeakMap<Context, Map<string, Digest>>();
    return {
      ...services,
      registry: {
        ...registry,
        observe: async (key) => {
          const observed = await registry.observe(key);
          const context = contextOfThis();
          if (context !== undefined) seen.set(context, new Map(observed?.tags.map((tag) => [tag, key.digest])));
          return observed;
        },
        resolveTag: async (...place) => {
          const context = contextOfThis();
          const remembered = context && seen.get(context)?.get(place[2]);
          return remembered ?? (await registry.resolveTag(...place));
        },
      },
    };
  },
};

/** Takes a change of the registry that failed for one that was made. */
export const SWALLOWING: Mutation = {
  services: (services) => {
    const { registry } = services;
    const done = () => 'done' as const;
    return {
      ...services,
      registry: {
        ...registry,
        pushReferrer: (subject, referrer) =>
          registry.pushReferrer(subject, referrer).catch(() => digestOf(referrer.bytes)),
        untag: (...place) => registry.untag(...place).catch(done),
        lock: (...what) => registry.lock(...what).catch(done),
        unlock: (...what) => registry.unlock(...what).catch(done),
        retag: (...what) => registry.retag(...what).catch(done),
      },
    };
  },
};

/** Breaks nothing. No sweep runs, so that whatever is mended has been mended without one. */
export const UNBROKEN_WITHOUT_SWEEPS: Mutation = { services: (services) => services };

/** The pipeline, broken in one place each. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'acknowledges before the hand-over': {
    app: (app): App => ({
      ...app,
      accept: acknowledged(app.accept),
      receive: acknowledged(app.receive),
      recordScan: acknowledged(app.recordScan),
      decide: acknowledged(app.decide),
    }),
  },
  'ignores the ETag': {
    table: (table) => ({ ...table, updateEntity: (row, mode) => table.updateEntity(row, mode, { etag: '*' }) }),
  },
  'swallows a fault of the queue': {
    services: (services) => ({
      ...services,
      send: (...message) => services.send(...message).catch(() => undefined),
    }),
  },
  'swallows a fault of the registry': SWALLOWING,
  'drops the outcome of a scan': {
    job: (deps) => {
      let dropped = false;
      return {
        ...deps,
        send: (queue, ...rest) => {
          if (queue !== QUEUES.scanned || dropped) return deps.send(queue, ...rest);
          dropped = true;
          return Promise.resolve();
        },
      };
    },
  },
  'sends a card twice': {
    services: (services) => ({
      ...services,
      sendCard: async (alert, channel) => {
        await services.sendCard?.(alert, channel);
        await services.sendCard?.(alert, channel);
      },
    }),
  },
  'takes what cannot be judged for a pass': {
    services: (services) => ({
      ...services,
      policy: {
        ...services.policy,
        rules: services.policy.rules.map((rule) => ({ ...rule, unrecognised: 'accept' as const })),
      },
    }),
  },
  'hangs on a report whose rules are as mild as their mildest result': {
    services: (services) => {
      const { registry } = services;
      return {
        ...services,
        registry: {
          ...registry,
          pushReferrer: (subject, referrer) => {
            const text = Buffer.from(referrer.bytes).toString('utf8');
            const bytes = Buffer.from(
              text.replaceAll('"help":{"text":"Severity: CRITICAL', '"help":{"text":"Severity: LOW'),
            );
            return registry.pushReferrer(subject, { ...referrer, bytes });
          },
        },
      };
    },
  },
  'forgets what stood before a quarantine': {
    services: (services) => ({
      ...services,
      registry: {
        ...services.registry,
        observe: async (key) => {
          const observed = await services.registry.observe(key);
          return observed && { ...observed, tags: [] };
        },
      },
    }),
  },
};

/** `reconcile`, broken in one place each. */
export const SWEEP_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'does nothing': {
    swept: true,
    app: (app): App => ({ ...app, reconcile: () => Promise.resolve(FOUND_NOTHING) }),
  },
  'takes a fault for an absent manifest': {
    swept: true,
    services: (services) =>
      withListing(services, ({ listManifests, listRepositories }) => ({
        listManifests: (...what) => listManifests(...what).catch(() => ({ items: [], next: undefined })),
        listRepositories: (...what) => listRepositories(...what).catch(() => ({ items: [], next: undefined })),
      })),
  },
  'looks at the first page of a listing only': {
    swept: true,
    services: (services) =>
      withListing(services, ({ listManifests }) => ({
        listManifests: async (...what) => ({ ...(await listManifests(...what)), next: undefined }),
      })),
  },
  'leaves out the last repository': {
    swept: true,
    services: (services) =>
      withListing(services, ({ listRepositories }) => ({
        listRepositories: async (...what) => {
          const { items, next } = await listRepositories(...what);
          return { items: items.slice(0, -1), next };
        },
      })),
  },
};

type Registry = Services['registry'];

function withListing(services: Services, change: (registry: Registry) => Partial<Registry>): Services {
  return { ...services, registry: { ...services.registry, ...change(services.registry) } };
}

/** How many worlds of twenty pushes a broken pipeline may get through before it is caught. */
const MAX_WORLDS = 60;

/** Lives in worlds that a broken pipeline ends wrong in, until the first that does. */
export const tryMutation = (mutation: Mutation) =>
  simulate({ pushes: MAX_WORLDS * 20, seed: 1, mutation, shrinkMilliseconds: 0 });
