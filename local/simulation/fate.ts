import { QUEUES } from '../../shared/message/queue-name.js';
import { subjectOf } from './context.js';
import type { History } from './history.js';

/** Which events and messages of one history get lost, and which bring down whoever works on them. */
export interface Fates {
  /** Whether this event is never delivered. */
  readonly losesEvent: (action: 'push' | 'delete', event: unknown) => boolean;
  /** What becomes of a message that is sent; a number is the effect at which its step crashes. */
  readonly fateOf: (queue: string, text: string) => 'lost' | number | undefined;
  /** Where events or messages have been lost, or poisoned: `registry/repository`. */
  readonly stricken: ReadonlySet<string>;
  /** Tags whose pushes may be known to nobody: `registry/repository:tag`. */
  readonly untold: ReadonlySet<string>;
}

/** Counts events and messages, and says what becomes of each. */
export function createFates(
  { losses, poisonings }: Pick<History, 'losses' | 'poisonings'>,
  placeOf: (push: number) => string | undefined,
): Fates {
  const counts = new Map<string, number>();
  const stricken = new Set<string>();
  const untold = new Set<string>();
  const nameOf = (what: string, push: number, nth: number) => `${what} ${placeOf(push) ?? 'nowhere'} ${nth}`;
  const lost = new Set(losses.map(({ what, push, nth }) => nameOf(what, push, nth)));
  const poisoned = new Map(poisonings.map(({ queue, push, nth, step }) => [nameOf(queue, push, nth), step]));
  const next = (what: string, body: unknown) => {
    const { place } = subjectOf(body);
    const counted = `${what} ${place}`;
    const count = counts.get(counted) ?? 0;
    counts.set(counted, count + 1);
    return { place, moment: `${counted} ${count}` };
  };
  const forget = (place: string, body: unknown): void => {
    const tag = tagOf(body);
    if (tag !== undefined) untold.add(`${place}:${tag}`);
  };
  return {
    losesEvent: (action, event) => {
      const { place, moment } = next(action, event);
      if (!lost.has(moment)) return false;
      forget(place, event);
      return true;
    },
    fateOf: (queue, text) => {
      const body: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
      const { place, moment } = next(queue, body);
      const fate = lost.has(moment) ? 'lost' : poisoned.get(moment);
      if (fate === undefined) return undefined;
      stricken.add(place);
      if (queue === QUEUES.registryEvents) forget(place, body);
      return fate;
    },
    stricken,
    untold,
  };
}

function tagOf(body: unknown): string | undefined {
  const event = (body as { event?: unknown }).event ?? body;
  return (event as { data?: { target?: { tag?: string } } }).data?.target?.tag;
}
