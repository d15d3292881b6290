import type { QueueClient } from '@azure/storage-queue';
import { type EventSchema, type GridEvent, inSchema } from './event.js';
import type { Answer } from './retry.js';

/** Delivers one event, once. Rejects, or says `none`, where nobody answers. */
export type Deliver = (event: GridEvent, facts: { readonly attempts: number }) => Promise<Answer>;

/** The name that the local subscription has. */
export const SUBSCRIPTION = 'lazaret';

const ANSWER_MILLISECONDS = 30_000;

/**
 * Delivers to the door of an Event Grid function: an array of one in Event Grid's schema, one object in CloudEvents.
 * `endpoint` is undefined while the host is away.
 * https://learn.microsoft.com/azure/event-grid/delivery-and-retry https://learn.microsoft.com/azure/event-grid/cloud-event-schema
 */
export function deliverToFunction(
  endpoint: () => string | undefined,
  { functionName, schema }: { readonly functionName: string; readonly schema: EventSchema },
): Deliver {
  return async (event, { attempts }) => {
    const base = endpoint();
    if (base === undefined) return 'none';
    const body = inSchema(event, schema);
    const response = await fetch(`${base}/runtime/webhooks/EventGrid?functionName=${functionName}`, {
      method: 'POST',
      headers: {
        'content-type':
          schema === 'eventgrid' ? 'application/json; charset=utf-8' : 'application/cloudevents+json; charset=utf-8',
        'aeg-event-type': 'Notification',
        'aeg-subscription-name': SUBSCRIPTION.toUpperCase(),
        'aeg-delivery-count': String(attempts),
      },
      body: JSON.stringify(schema === 'eventgrid' ? [body] : body),
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    });
    await response.body?.cancel();
    return response.status;
  };
}

/**
 * Delivers to a Storage queue: one object as base64 text, which a queue trigger reads as it is shipped. That it is base64
 * has been observed (https://github.com/MicrosoftDocs/azure-docs/issues/102923), that it is one object and no array as
 * well (https://github.com/dapr/components-contrib/issues/232); the same for CloudEvents is inference.
 */
export function deliverToQueue(queue: QueueClient, schema: EventSchema): Deliver {
  return async (event) => {
    const text = Buffer.from(JSON.stringify(inSchema(event, schema))).toString('base64');
    try {
      await queue.sendMessage(text);
      return 201;
    } catch (error) {
      return (error as { readonly statusCode?: number }).statusCode ?? 'none';
    }
  };
}
