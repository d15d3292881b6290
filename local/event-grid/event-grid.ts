import { join } from 'node:path';
import { type Wait, waitInRealTime } from '../wait.js';
import { deadLetterOf, writeDeadLetter } from './dead-letter.js';
import { type Deliver, SUBSCRIPTION } from './destination.js';
import type { EventSchema, GridEvent } from './event.js';
import { type Parcel, newParcelName, openOutbox } from './outbox.js';
import {
  type Answer,
  DEFAULT_RETRY_POLICY,
  type RetryPolicy,
  checkRetryPolicy,
  isDelivered,
  isRetried,
  outcomeOf,
  pauseSeconds,
} from './retry.js';

/** What {@link createEventGrid} needs. */
export interface EventGridOptions {
  /** Where events wait until they are delivered, across restarts. */
  readonly directory: string;
  readonly clock: () => Date;
  readonly wait?: Wait;
  readonly deliver: Deliver;
  /** The schema of dead letters: that of the subscription. */
  readonly schema: EventSchema;
  /** How much faster than Azure's every time of the service passes. 1 is Azure's. */
  readonly acceleration: number;
  readonly policy?: RetryPolicy;
  /** How often an event comes again after it was taken. At least once is all that the service promises. */
  readonly repeats?: (event: GridEvent) => number;
}

/** Delivery of events: at least once, in no promised order, on Azure's schedule. */
export interface EventGrid {
  /** Resolves when the event is on disk. */
  readonly publish: (event: GridEvent) => Promise<void>;
  /** Ends all waits. Resolves when no delivery is under way; what is not delivered is there at the next start. */
  readonly stop: () => Promise<void>;
}

/** Deliveries at once. The emulator's own limit. */
const MAX_CONCURRENT = 32;

/**
 * Opens the outbox and goes on with what an earlier run has left in it: each event with its own count and its own time. An
 * event that cannot be delivered goes to `dead-letter/`.
 * https://learn.microsoft.com/azure/event-grid/delivery-and-retry
 */
export async function createEventGrid(options: EventGridOptions): Promise<EventGrid> {
  const { clock, wait = waitInRealTime, acceleration, policy = DEFAULT_RETRY_POLICY } = options;
  checkRetryPolicy(policy);
  const outbox = await openOutbox(options.directory);
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;
  const running = new Set<Promise<void>>();
  const turn = createTurns(MAX_CONCURRENT);
  const lifetime = (policy.eventTimeToLiveMinutes * 60_000) / acceleration;

  const giveUp = async (parcel: Parcel, reason: string): Promise<void> => {
    const { event, attempts, publishTime, lastOutcome, lastAttemptTime } = parcel;
    const letter = deadLetterOf({ event, reason, attempts, publishTime, lastOutcome, lastAttemptTime }, options.schema);
    const place = { subscription: SUBSCRIPTION, now: clock(), name: parcel.name };
    await writeDeadLetter(join(options.directory, 'dead-letter'), letter, place);
    await outbox.remove(parcel);
  };
  const attempt = async ({ event, attempts }: Parcel): Promise<Answer> => {
    const answer = await options.deliver(event, { attempts }).catch((): Answer => 'none');
    if (isDelivered(answer)) {
      for (let again = options.repeats?.(event) ?? 0; again > 0; again--) {
        await options.deliver(event, { attempts }).catch(() => undefined);
      }
    }
    return answer;
  };
  /** Returns what is left to do, if anything. */
  const tryOnce = async (parcel: Parcel): Promise<Parcel | undefined> => {
    // An event's time is looked at when a try is due, not in between.
    if (clock().getTime() >= new Date(parcel.publishTime).getTime() + lifetime) {
      await giveUp(parcel, 'TimeToLiveExceeded');
      return undefined;
    }
    const answer = await attempt(parcel);
    if (isDelivered(answer)) {
      await outbox.remove(parcel);
      return undefined;
    }
    const now = clock();
    const attempts = parcel.attempts + 1;
    const failed: Parcel = {
      ...parcel,
      attempts,
      dueAt: now.getTime() + (pauseSeconds(attempts, answer) * 1000) / acceleration,
      lastOutcome: outcomeOf(answer),
      lastAttemptTime: now.toISOString(),
    };
    const last = !isRetried(answer)
      ? `UndeliverableDueToHttp${outcomeOf(answer)}`
      : attempts >= policy.maxDeliveryAttempts
        ? 'MaxDeliveryAttemptsExceeded'
        : undefined;
    if (last !== undefined) {
      await giveUp(failed, last);
      return undefined;
    }
    await outbox.write(failed);
    return failed;
  };
  const start = (first: Parcel) => {
    const work = (async () => {
      for (let parcel: Parcel | undefined = first; parcel !== undefined;) {
        const due: Parcel = parcel;
        await wait(due.dueAt - clock().getTime(), stopping.signal);
        if (stopped()) return;
        parcel = await turn(() => (stopped() ? Promise.resolve(undefined) : tryOnce(due)));
      }
    })().finally(() => running.delete(work));
    running.add(work);
  };
  for (const parcel of await outbox.list()) start(parcel);
  return {
    publish: async (event) => {
      const now = clock();
      const parcel = {
        name: newParcelName(),
        event,
        publishTime: now.toISOString(),
        attempts: 0,
        dueAt: now.getTime(),
      };
      await outbox.write(parcel);
      start(parcel);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Lets so many run at once; the others wait for their turn, first come first served. */
function createTurns(most: number) {
  const queue: (() => void)[] = [];
  let free = most;
  return async <T>(run: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await run();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
