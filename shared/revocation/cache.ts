import { createRecent } from '../artifact/recent.js';
import type { RevocationAnswer } from '../signature/revocation.js';

/** Bounds of what is kept. */
export interface CacheLimits {
  readonly count: number;
  readonly bytes: number;
}

/** Answers by the `id` of their request, each until its time. What was asked for least recently goes where there is no room. */
export function createCache({ count, bytes }: CacheLimits) {
  const kept = createRecent<{ readonly answer: RevocationAnswer; readonly until: number }>({
    max: count,
    maxBytes: bytes,
    bytesOf: ({ answer }) => (answer.outcome === 'answered' ? answer.bytes.byteLength : 0),
  });
  return {
    get: (id: string, now: Date): RevocationAnswer | undefined => {
      const entry = kept.get(id);
      if (entry === undefined || now.getTime() < entry.until) return entry?.answer;
      kept.delete(id);
      return undefined;
    },
    set: (answer: RevocationAnswer, until: Date): void => kept.set(answer.id, { answer, until: until.getTime() }),
  };
}
