/** Waits; resolves early, without an error, where the signal aborts. */
export type Wait = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

// What a timer of Node can hold.
const LONGEST_MILLISECONDS = 2_147_483_647;

/** {@link Wait} in real time, for however long. */
export const waitInRealTime: Wait = async (milliseconds, signal) => {
  for (let rest = milliseconds; rest > 0 && signal?.aborted !== true; rest -= LONGEST_MILLISECONDS) {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(rest, LONGEST_MILLISECONDS));
      signal?.addEventListener('abort', done);
    });
  }
};
