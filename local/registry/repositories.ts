import { nameUnknown } from './error.js';
import type { RepositoryState } from './state.js';
import type { RegistryStore } from './store.js';

/** All repositories: read from memory, changed one at a time each, and saved before a change is seen. */
export interface Repositories {
  readonly names: () => readonly string[];
  readonly get: (name: string) => RepositoryState;
  readonly find: (name: string) => RepositoryState | undefined;
  /** Runs alone for this repository. Returning undefined removes it; throwing leaves it as it is. */
  readonly change: (
    name: string,
    work: (state: RepositoryState | undefined) => Promise<RepositoryState | undefined>,
  ) => Promise<void>;
}

/** Loads the repositories of a store. */
export async function openRepositories(store: RegistryStore): Promise<Repositories> {
  const states = new Map(await store.load());
  const queues = new Map<string, Promise<void>>();
  return {
    names: () => [...states.keys()].sort(),
    find: (name) => states.get(name),
    get: (name) => {
      const state = states.get(name);
      if (state === undefined) throw nameUnknown(name);
      return state;
    },
    change: (name, work) => {
      const before = queues.get(name) ?? Promise.resolve();
      const mine = before.then(async () => {
        const current = states.get(name);
        const next = await work(current);
        if (next === current) return;
        await store.save(name, next);
        if (next === undefined) states.delete(name);
        else states.set(name, next);
      });
      // A change that failed does not keep the next one waiting.
      queues.set(
        name,
        mine.catch(() => undefined),
      );
      return mine;
    },
  };
}
