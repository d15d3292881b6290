import type { RevocationAnswer } from '../signature/revocation.js';

/** Bounds of what is kept. */
export interface CacheLimits {
  readonly count: number;
  readonly bytes: number;
}

/** Answers by the `id` of their request, each until its time. The oldest goes where there is no room. */
export function createCache({ count, bytes }: CacheLimits) {
  const kept = new Map<string, { readonly answer: RevocationAnswer; readonly until: number }>();
  let size = 0;
  const remove = (id: string) => {
    size -= sizeOf(kept.get(id)?.answer);
    kept.delete(id);
  };
  return {
    get: (id: string, now: Date): RevocationAnswer | undefined => {
      const entry = kept.get(id);
      if (entry === undefined || now.getTime() < entry.until) return entry?.answer;
      remove(id);
      return undefined;
    },
    set: (answer: RevocationAnswer, until: Date): void => {
      remove(answer.id);
      if (sizeOf(answer) > bytes) return;
      kept.set(answer.id, { answer, until: until.getTime() });
      size += sizeOf(answer);
      for (const id of kept.keys()) {
        if (kept.size <= count && size <= bytes) break;
        remove(id);
      }
    },
  };
}

function sizeOf(answer: RevocationAnswer | undefined): number {
  return answer?.outcome === 'answered' ? answer.bytes.byteLength : 0;
}
