import type { RegistryStore } from './store.js';

/**
 * A store in front of which the process dies by SIGKILL, at a scripted moment: each write has two, before it begins and
 * after it is done, counted from zero. For the test that nothing answered is lost.
 */
export function killAt(store: RegistryStore, moment: number): RegistryStore {
  let next = 0;
  const pass = () => {
    if (next === moment) process.kill(process.pid, 'SIGKILL');
    next += 1;
  };
  const guard =
    <Args extends readonly unknown[], Result>(write: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      pass();
      const result = await write(...args);
      pass();
      return result;
    };
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
