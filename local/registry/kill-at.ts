import type { RegistryStore } from './store.js';

/** Wraps a write, so that the process may die before it begins or after it is done. */
export type Guard = <Args extends readonly unknown[], Result>(
  write: (...args: Args) => Promise<Result>,
) => (...args: Args) => Promise<Result>;

/**
 * Lets the process die by SIGKILL at a scripted moment: each guarded write has two, before it begins and after it is
 * done, counted from zero. For the test that nothing answered is lost.
 */
export function createKillSwitch(moment: number): Guard {
  let next = 0;
  const pass = () => {
    if (next === moment) process.kill(process.pid, 'SIGKILL');
    next += 1;
  };
  return (write) =>
    async (...args) => {
      pass();
      const result = await write(...args);
      pass();
      return result;
    };
}

/** A store whose writes are all guarded. */
export function guardStore(store: RegistryStore, guard: Guard): RegistryStore {
  const { blobs, log } = store;
  return {
    ...store,
    blobs: {
      ...blobs,
      begin: guard(blobs.begin),
      append: guard(blobs.append),
      finish: guard(blobs.finish),
      put: guard(blobs.put),
    },
    log: { ...log, append: guard(log.append), replace: guard(log.replace), remove: guard(log.remove) },
  };
}
