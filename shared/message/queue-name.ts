/** The queues that carry work from one step to the next. Storage account queue names. */
export const QUEUES = {
  registryEvents: 'registry-events',
  /** What a sweep found without an event; apart, so that ten thousand of them keep no push waiting. */
  sweep: 'sweep',
  scan: 'scan',
  /** Scans that a sweep asks for: taken only while `scan` is empty. */
  scanSweep: 'scan-sweep',
  verify: 'verify',
  verifySweep: 'verify-sweep',
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
