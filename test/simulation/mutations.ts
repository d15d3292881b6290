import { type Context, contextOfThis } from '../../local/simulation/context.js';
import type { Mutation } from '../../local/simulation/world.js';
import type { Digest } from '../../shared/artifact/digest.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { App } from '../../shared/steps.js';

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
  'swallows a fault of the registry': {
    services: (services) => ({
      ...services,
      registry: {
        ...services.registry,
        untag: (...place) => services.registry.untag(...place).catch(() => 'done' as const),
        unlock: (...what) => services.registry.unlock(...what).catch(() => 'done' as const),
      },
    }),
  },
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
      sendCard: async (alert) => {
        await services.sendCard?.(alert);
        await services.sendCard?.(alert);
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
