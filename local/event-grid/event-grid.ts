import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** An event: whatever it is, it has an id. */
export interface GridEvent {
  readonly id: string;
}

/** What {@link createEventGrid} needs. */
export interface EventGridOptions {
  /** Where events wait until they are delivered, across restarts. */
  readonly directory: string;
  readonly clock: () => Date;
  /** Delivers one event; any status but these is a failure: 200, 201, 202, 203, 204. */
  readonly deliver: (event: unknown) => Promise<number>;
  /** How much faster than Azure time passes in the retry schedule. 1 is Azure's. */
  readonly acceleration: number;
}

/** Delivery of events: at least once, in no promised order, on Azure's schedule. */
export interface EventGrid {
  /** Resolves when the event is on disk. */
  readonly publish: (event: GridEvent) => Promise<void>;
  readonly stop: () => Promise<void>;
}

// https://learn.microsoft.com/azure/event-grid/delivery-and-retry
const SCHEDULE_SECONDS = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 43_200];
const DELIVERED: ReadonlySet<number> = new Set([200, 201, 202, 203, 204]);
const NOT_RETRIED: ReadonlySet<number> = new Set([400, 403, 413]);

/** Opens the outbox and delivers what an earlier run has left in it. Undeliverable events go to `dead-letter/`. */
export async function createEventGrid(options: EventGridOptions): Promise<EventGrid> {
  const { directory, deliver, clock, acceleration } = options;
  const dead = join(directory, 'dead-letter');
  await mkdir(dead, { recursive: true });
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();

  const deadLetter = async (
    name: string,
    event: object,
    letter: { readonly reason: string; readonly attempts: number; readonly outcome: string },
  ) => {
    const body = {
      ...event,
      deadLetterReason: letter.reason,
      deliveryAttempts: letter.attempts,
      lastDeliveryOutcome: letter.outcome,
      lastDeliveryAttemptTime: clock().toISOString(),
    };
    await writeFile(join(dead, name), JSON.stringify(body));
    await rm(join(directory, name), { force: true });
  };
  const deliverUntilDone = async (name: string, event: object): Promise<void> => {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      const status = await deliver(event).catch(() => 0);
      if (DELIVERED.has(status)) {
        await rm(join(directory, name), { force: true });
        return;
      }
      const seconds = SCHEDULE_SECONDS[attempt];
      if (NOT_RETRIED.has(status) || seconds === undefined) {
        const reason = seconds === undefined ? 'MaxDeliveryAttemptsExceeded' : 'UndeliverableDueToClientError';
        await deadLetter(name, event, { reason, attempts: attempt + 1, outcome: String(status) });
        return;
      }
      await wait((seconds * 1000) / acceleration, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const start = (name: string, event: object) => {
    const work = deliverUntilDone(name, event).finally(() => running.delete(work));
    running.add(work);
  };
  for (const name of (await readdir(directory)).filter((entry) => entry.endsWith('.json'))) {
    start(name, JSON.parse(await readFile(join(directory, name), 'utf8')) as object);
  }
  return {
    publish: async (event) => {
      const name = `${event.id.replaceAll(/[^\w-]/g, '')}.json`;
      await writeFile(join(directory, `.${name}`), JSON.stringify(event));
      await rename(join(directory, `.${name}`), join(directory, name));
      start(name, event);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** Delivers to the door of an Event Grid function, as the service does: an array of one. */
export function deliverToFunction(endpoint: () => string | undefined, functionName: string) {
  return async (event: unknown): Promise<number> => {
    const base = endpoint();
    if (base === undefined) return 0;
    const response = await fetch(`${base}/runtime/webhooks/EventGrid?functionName=${functionName}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'aeg-event-type': 'Notification' },
      body: JSON.stringify([event]),
      signal: AbortSignal.timeout(30_000),
    });
    return response.status;
  };
}
