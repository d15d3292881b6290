/** The queues that carry work from one step to the next. Storage account queue names. */
export const QUEUES = {
  registryEvents: 'registry-events',
  scan: 'scan',
  verify: 'verify',
  scanned: 'scanned',
  decide: 'decide',
  alert: 'alert',
} as const;

/** A queue's name. */
export type QueueName = (typeof QUEUES)[keyof typeof QUEUES];

/** Every queue, in the order of the way of one push. */
export const ALL_QUEUES: readonly QueueName[] = Object.values(QUEUES);

/** Where the host puts a message that it has tried often enough. */
export function poisonQueue(queue: QueueName): string {
  return `${queue}-poison`;
}
