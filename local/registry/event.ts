import { randomUUID } from 'node:crypto';
import { toTime } from './context.js';
import type { Switches } from './switches.js';

/** An event in Event Grid's schema. https://learn.microsoft.com/azure/event-grid/event-schema-container-registry */
export interface RegistryEvent {
  readonly id: string;
  readonly topic: string;
  readonly subject: string;
  readonly eventType: 'Microsoft.ContainerRegistry.ImagePushed' | 'Microsoft.ContainerRegistry.ImageDeleted';
  readonly data: unknown;
  readonly dataVersion: '2.0';
  readonly metadataVersion: '1';
  readonly eventTime: string;
}

/** What happened, and by which request; the registry's own doings have none. */
export interface Happening {
  readonly action: 'push' | 'delete';
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly size?: number;
  readonly tag?: string;
  readonly request?: { readonly host: string; readonly method: string; readonly useragent: string };
}

/** Where an event comes from. */
export interface EventOrigin {
  readonly resourceId: string;
  /** The Azure region that raises it. */
  readonly location: string;
  readonly now: Date;
  readonly switches: Pick<Switches, 'taglessSubject'>;
  /** For events of a connected registry: its name. */
  readonly connectedRegistry?: string;
}

/**
 * Builds the event with the members that published examples have. A delete tells neither size nor tag, and nothing names
 * the pusher: https://github.com/Azure/azure-rest-api-specs/tree/main/specification/eventgrid/data-plane/Microsoft.ContainerRegistry
 */
export function toEvent(happening: Happening, origin: EventOrigin): RegistryEvent {
  const { action, repository, digest, mediaType, size, tag, request } = happening;
  const { resourceId, location, now, connectedRegistry: name } = origin;
  const id = randomUUID();
  const time = toTime(now);
  const sizes = action === 'push' && size !== undefined ? { size, length: size } : {};
  const pushedTag = action === 'push' && tag !== undefined ? { tag } : {};
  return {
    id,
    topic: name === undefined ? resourceId : `${resourceId}/connectedRegistries/${name}`,
    subject: subjectOf(happening, origin),
    eventType:
      action === 'push' ? 'Microsoft.ContainerRegistry.ImagePushed' : 'Microsoft.ContainerRegistry.ImageDeleted',
    data: {
      id,
      timestamp: time,
      action,
      location,
      target: { mediaType, ...sizes, digest, repository, ...pushedTag },
      ...(request && { request: { id: randomUUID(), ...request } }),
      ...(name !== undefined && { connectedRegistry: { name } }),
    },
    dataVersion: '2.0',
    metadataVersion: '1',
    eventTime: time,
  };
}

function subjectOf({ action, repository, digest, tag }: Happening, { switches }: EventOrigin): string {
  if (action === 'delete') return repository;
  if (tag !== undefined) return `${repository}:${tag}`;
  return switches.taglessSubject === 'repository' ? repository : `${repository}@${digest}`;
}

/** The same event in the CloudEvents 1.0 envelope, as Event Grid writes it for a subscription of that schema. */
export function toCloudEvent({ id, topic, subject, eventType, eventTime, data }: RegistryEvent) {
  return { source: topic, subject, type: eventType, time: eventTime, id, data, specversion: '1.0' as const };
}
