/** An event in Event Grid's own schema. https://learn.microsoft.com/azure/event-grid/event-schema */
export interface GridEvent {
  readonly id: string;
  /** The resource that raised it. */
  readonly topic: string;
  readonly subject: string;
  readonly eventType: string;
  readonly eventTime: string;
  readonly data: unknown;
  readonly dataVersion: string;
  readonly metadataVersion: string;
}

/** The schemas in which a subscription may have its events delivered. */
export type EventSchema = 'eventgrid' | 'cloudevents';

/**
 * The event as a subscription of that schema gets it. CloudEvents 1.0 has the same data in another envelope, without the
 * two versions. https://learn.microsoft.com/azure/event-grid/cloud-event-schema
 */
export function inSchema(event: GridEvent, schema: EventSchema): object {
  if (schema === 'eventgrid') return event;
  const { id, topic, subject, eventType, eventTime, data } = event;
  return { source: topic, subject, type: eventType, time: eventTime, id, data, specversion: '1.0' };
}
