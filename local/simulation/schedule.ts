import { setImmediate as turn } from 'node:timers/promises';

/** A clock that only moves when something is due, and the things that are due. */
export interface Schedule {
  /** Milliseconds since 1970, in the simulated world. */
  readonly now: () => number;
  /** Runs `work` when the clock reaches `at`; never before what is due now has been done. */
  readonly at: (at: number, work: () => void) => void;
  readonly after: (milliseconds: number, work: () => void) => void;
  /** Works off everything that is due until `until`, in order of time, and leaves the clock there. */
  readonly runUntil: (until: number) => Promise<void>;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly work: () => void;
}

/** An event loop of its own: one thing at a time, and all that follows from it before the next one. */
export function createSchedule(start: number): Schedule {
  let now = start;
  let order = 0;
  const heap: Due[] = [];
  const schedule: Schedule = {
    now: () => now,
    at: (at, work) => push(heap, { at: Math.max(at, now), order: order++, work }),
    after: (milliseconds, work) => schedule.at(now + milliseconds, work),
    runUntil: async (until) => {
      for (let next = heap[0]; next !== undefined && next.at <= until; next = heap[0]) {
        pop(heap);
        now = next.at;
        next.work();
        // Everything here waits on promises alone, so after one turn of the real loop nothing more can happen now.
        await turn();
      }
      now = Math.max(now, until);
    },
  };
  return schedule;
}

function before(a: Due | undefined, b: Due | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

function swap(heap: Due[], i: number, j: number): void {
  const [a, b] = [heap[i], heap[j]];
  if (a === undefined || b === undefined) return;
  heap[i] = b;
  heap[j] = a;
}

function push(heap: Due[], due: Due): void {
  heap.push(due);
  for (let i = heap.length - 1; i > 0;) {
    const parent = (i - 1) >> 1;
    if (!before(heap[i], heap[parent])) return;
    swap(heap, i, parent);
    i = parent;
  }
}

function pop(heap: Due[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  for (let i = 0; ;) {
    const [left, right] = [2 * i + 1, 2 * i + 2];
    const least = before(heap[right], heap[left]) ? right : left;
    if (!before(heap[least], heap[i])) return;
    swap(heap, i, least);
    i = least;
  }
}
