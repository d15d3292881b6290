import type { RegistryEvent } from '../registry/event.js';
import { type Luck, subjectOf } from './context.js';
import type { Random } from './random.js';
import type { Schedule } from './schedule.js';

/** Seconds until each next try. https://learn.microsoft.com/azure/event-grid/delivery-and-retry */
const RETRY_SECONDS = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200] as const;
/** How long an answer is waited for; whoever answers later is called again nonetheless. */
const ANSWER_SECONDS = 30;

/** What {@link createEventDelivery} needs. */
export interface EventDeliveryOptions {
  readonly schedule: Schedule;
  readonly luck: Luck;
  /** Calls the subscriber; rejects where it is not there, fails or dies. */
  readonly deliver: (event: RegistryEvent) => Promise<void>;
}

/** Delivers events as Event Grid does: at least once, in any order, again when no answer comes in time. */
export function createEventDelivery(options: EventDeliveryOptions): {
  readonly publish: (event: RegistryEvent) => void;
  readonly pending: () => number;
} {
  const { schedule } = options;
  let pending = 0;
  const delay = (random: Random): number => {
    if (random.chance(0.8)) return random.below(3000);
    return random.below(random.chance(0.75) ? 120_000 : 900_000);
  };
  const attempt = (event: RegistryEvent, random: Random, tries: number): void => {
    let answered = false;
    const settle = (accepted: boolean): void => {
      if (answered) return;
      answered = true;
      const wait = accepted ? undefined : RETRY_SECONDS[tries];
      if (wait === undefined) pending -= 1;
      else schedule.after(wait * 1000 + random.below(1000), () => attempt(event, random, tries + 1));
    };
    schedule.after(ANSWER_SECONDS * 1000, () => settle(false));
    options.deliver(event).then(
      () => settle(true),
      () => settle(false),
    );
  };
  const send = (event: RegistryEvent, random: Random): void => {
    pending += 1;
    schedule.after(delay(random), () => attempt(event, random, 0));
  };
  return {
    publish: (event) => {
      const random = options.luck(`event ${event.eventType} ${subjectOf(event).label}`);
      send(event, random);
      if (random.chance(0.1)) send(event, random);
    },
    pending: () => pending,
  };
}
