import { setTimeout as wait } from 'node:timers/promises';
import type { Status } from '../../shared/pipeline/lookup.js';
import type { Reconciled } from '../../shared/pipeline/reconcile.js';
import type { Coverage } from '../../shared/pipeline/coverage.js';

/** The app's HTTP doors, asked by somebody who does not give up while a host is being started again. */
export interface Doors {
  readonly verdict: (reference: string) => Promise<Status>;
  readonly release: (reference: string, reason: string) => Promise<void>;
  /** Compares all that there is; resolves with what it asked for, by kind. */
  readonly reconcile: () => Promise<Readonly<Record<string, number>>>;
  readonly coverage: () => Promise<Coverage>;
}

const PATIENCE_MILLISECONDS = 60_000;
const MAX_ROUNDS = 100;

/** Doors at a functions host. Each rejects with the last answer where none was good for a minute. */
export function openDoors(functions: string): Doors {
  const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    for (const until = Date.now() + PATIENCE_MILLISECONDS; ;) {
      try {
        const signal = AbortSignal.timeout(PATIENCE_MILLISECONDS / 2);
        const response = await fetch(`${functions}/api/${path}`, { ...init, signal });
        const text = await response.text();
        if (response.ok) return JSON.parse(text);
        throw new Error(`${path}: ${response.status} ${text.slice(0, 300)}`);
      } catch (error) {
        if (Date.now() > until) throw error;
        await wait(500);
      }
    }
  };
  const post = (path: string, body: unknown = {}) =>
    ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return {
    verdict: async (reference) =>
      (await ask(`verdict?${new URLSearchParams({ reference, wait: '0' }).toString()}`)) as Status,
    release: async (reference, reason) => {
      await post('release', { reference, reason });
    },
    reconcile: async () => {
      const query = new URLSearchParams({ all: 'true' });
      const repairs: Record<string, number> = {};
      for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
        const done = (await post(`reconcileNow?${query.toString()}`)) as Reconciled;
        query.set('since', done.startedAt);
        for (const [kind, count] of Object.entries(done.repairs)) repairs[kind] = (repairs[kind] ?? 0) + count;
        if (done.complete && done.failed === 0) return repairs;
      }
      throw new Error('reconcile comes to no end');
    },
    coverage: async () => (await ask('coverage')) as Coverage,
  };
}
