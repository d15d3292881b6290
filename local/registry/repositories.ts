import { nameUnknown } from './error.js';
import type { Happening } from './event.js';
import type { ChangeLog } from './change-log.js';
import { type Change, type RepositoryState, applyChanges, emptyRepository, snapshot } from './state.js';

/** What one request changes in one repository: all of it, or nothing. */
export type Transaction = ({ readonly changes: readonly Change[] } | { readonly removed: true }) & {
  readonly happened?: readonly Happening[];
  /** It was made in another region, and has arrived here. */
  readonly replicated?: true;
};

/** Told of each transaction once it is durable. */
export type OnCommit = (repository: string, transaction: Transaction) => void;

/** All repositories: read from memory, changed one transaction at a time each, and saved before a change is seen. */
export interface Repositories {
  readonly names: () => readonly string[];
  readonly get: (name: string) => RepositoryState;
  readonly find: (name: string) => RepositoryState | undefined;
  /** Runs alone for this repository. Throwing leaves it as it is. Returns what has happened. */
  readonly change: (
    name: string,
    work: (state: RepositoryState | undefined) => Promise<Transaction> | Transaction,
  ) => Promise<readonly Happening[]>;
}

/** A log that has grown to this many changes per record that lives is written anew. */
const GROWTH = 4;
const SMALL = 1000;

/** Loads the repositories of a log. */
export async function openRepositories(log: ChangeLog, onCommit: OnCommit = () => undefined): Promise<Repositories> {
  const states = new Map<string, RepositoryState>();
  const lengths = new Map<string, number>();
  for (const [name, changes] of await log.load()) {
    const state = emptyRepository('');
    applyChanges(state, changes);
    states.set(name, state);
    lengths.set(name, changes.length);
  }
  let names: readonly string[] | undefined;
  const commit = async (name: string, transaction: Transaction): Promise<void> => {
    if ('removed' in transaction) {
      await log.remove(name);
      names = undefined;
      states.delete(name);
      lengths.delete(name);
      return;
    }
    const { changes } = transaction;
    if (changes.length === 0) return;
    await log.append(name, changes);
    const state = states.get(name) ?? emptyRepository('');
    applyChanges(state, changes);
    if (!states.has(name)) names = undefined;
    states.set(name, state);
    const length = (lengths.get(name) ?? 0) + changes.length;
    const live = state.manifests.size + state.tags.size + state.blobs.size + 1;
    const outgrown = length > SMALL && length > live * GROWTH;
    lengths.set(name, outgrown ? live : length);
    if (outgrown) await log.replace(name, snapshot(state));
  };
  const queues = new Map<string, Promise<unknown>>();
  return {
    names: () => {
      names ??= [...states.keys()].sort();
      return names;
    },
    find: (name) => states.get(name),
    get: (name) => {
      const state = states.get(name);
      if (state === undefined) throw nameUnknown(name);
      return state;
    },
    change: (name, work) => {
      const before = queues.get(name) ?? Promise.resolve();
      const mine = before.then(async () => {
        const transaction = await work(states.get(name));
        await commit(name, transaction);
        onCommit(name, transaction);
        return transaction.happened ?? [];
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
