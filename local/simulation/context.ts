import { AsyncLocalStorage } from 'node:async_hooks';
import { type Random, createRandom } from './random.js';

/** What is being worked on: where, and with which luck. */
export interface Context {
  /** `registry/repository`, or `-` where the work concerns none. */
  readonly place: string;
  /** What it is about: an artifact, an alert. */
  readonly label: string;
  readonly random: Random;
  /** So many effects of it still take place; then it crashes, and nothing more does. */
  readonly crash?: { left: number };
}

/** Draws the luck of one piece of work from the seed and from what it is about, never from what else happens. */
export type Luck = (label: string) => Random;

const current = new AsyncLocalStorage<Context>();

/** Does work in a context; all that it awaits stays in it. */
export function within<T>(context: Context, work: () => T): T {
  return current.run(context, work);
}

/** The context of the running code, if it has one. */
export function contextOfThis(): Context | undefined {
  return current.getStore();
}

/**
 * The same label is the same luck, its second use another one. So, when a push is taken out of a history, the others go on
 * as they did, and a failing history can be made smaller.
 */
export function createLuck(seed: number): Luck {
  const used = new Map<string, number>();
  return (label) => {
    const count = used.get(label) ?? 0;
    used.set(label, count + 1);
    return createRandom(hash(`${label} ${count}`, seed));
  };
}

/** FNV-1a over UTF-16 code units: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash(text: string, seed: number): number {
  let mixed = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return mixed;
}

/** Where a queue message or an event belongs, and what it is about; the same for every delivery of it. */
export function subjectOf(body: unknown): { readonly place: string; readonly label: string } {
  const key = find(body, 'key') ?? find(find(find(body, 'event') ?? body, 'data'), 'target');
  const registry = find(key, 'registry') ?? find(find(body, 'event') ?? body, 'topic');
  const [repository, digest, tag] = ['repository', 'digest', 'tag'].map((name) => find(key, name));
  if (typeof registry !== 'string' || typeof repository !== 'string') {
    const alertId = find(body, 'alertId');
    return { place: '-', label: typeof alertId === 'string' ? alertId : '-' };
  }
  const host = registry.includes('/') ? `${registry.slice(registry.lastIndexOf('/') + 1)}.azurecr.test` : registry;
  const place = `${host}/${repository}`;
  return { place, label: `${place}@${String(digest)} ${typeof tag === 'string' ? tag : ''}` };
}

function find(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
