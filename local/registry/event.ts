import { randomUUID } from 'node:crypto';

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

/** What happened. */
export interface Happening {
  readonly action: 'push' | 'delete';
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly size?: number;
  readonly tag?: string;
  readonly request: { readonly host: string; readonly method: string; readonly useragent: string };
}

/** Builds the event. Nothing names the pusher: no published example of a real event does. */
export function toEvent(
  { action, repository, digest, mediaType, size, tag, request }: Happening,
  { resourceId, location, now }: { readonly resourceId: string; readonly location: string; readonly now: Date },
): RegistryEvent {
  const id = randomUUID();
  const time = now.toISOString();
  const sizes = size === undefined ? {} : { size, length: size };
  const target = { mediaType, ...sizes, digest, repository, ...(tag !== undefined && { tag }) };
  return {
    id,
    topic: resourceId,
    subject: tag === undefined ? repository : `${repository}:${tag}`,
    eventType:
      action === 'push' ? 'Microsoft.ContainerRegistry.ImagePushed' : 'Microsoft.ContainerRegistry.ImageDeleted',
    data: { id, timestamp: time, action, location, target, request: { id: randomUUID(), ...request } },
    dataVersion: '2.0',
    metadataVersion: '1',
    eventTime: time,
  };
}
