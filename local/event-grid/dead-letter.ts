import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventSchema, type GridEvent, inSchema } from './event.js';

/** Why an event was given up. */
export interface DeadLetter {
  readonly event: GridEvent;
  readonly reason: string;
  readonly attempts: number;
  readonly publishTime: string;
  /** Of the last try; absent where there was none. */
  readonly lastOutcome?: string | undefined;
  readonly lastAttemptTime?: string | undefined;
}

/**
 * A dead letter's content: the event in the subscription's schema, and beside its members why it could not be delivered;
 * in CloudEvents the names are in small letters, as its attributes have to be.
 * https://learn.microsoft.com/azure/event-grid/delivery-and-retry#dead-letter-events
 */
export function deadLetterOf(letter: DeadLetter, schema: EventSchema): object {
  const facts = {
    deadLetterReason: letter.reason,
    deliveryAttempts: letter.attempts,
    ...(letter.lastOutcome !== undefined && { lastDeliveryOutcome: letter.lastOutcome }),
    publishTime: letter.publishTime,
    ...(letter.lastAttemptTime !== undefined && { lastDeliveryAttemptTime: letter.lastAttemptTime }),
  };
  const named =
    schema === 'eventgrid'
      ? facts
      : Object.fromEntries(Object.entries(facts).map(([name, value]) => [name.toLowerCase(), value]));
  return { ...inSchema(letter.event, schema), ...named };
}

/**
 * Keeps a dead letter as the service names its blobs: `SUBSCRIPTION/year/month/day/hour/name.json`, without zeros in
 * front, each an array of events. https://learn.microsoft.com/azure/event-grid/manage-event-delivery
 */
export async function writeDeadLetter(
  directory: string,
  letter: object,
  { subscription, now, name }: { readonly subscription: string; readonly now: Date; readonly name: string },
): Promise<void> {
  const hour = [now.getUTCFullYear(), now.getUTCMonth() + 1, now.getUTCDate(), now.getUTCHours()].map(String);
  const place = join(directory, subscription.toUpperCase(), ...hour);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, `.${name}`), JSON.stringify([letter]));
  await rename(join(place, `.${name}`), join(place, `${name}.json`));
}
