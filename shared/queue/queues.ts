import type { QueueServiceClient } from '@azure/storage-queue';
import { AppError } from '../error/app-error.js';
import { MAX_MESSAGE_BYTES } from '../message/queue-message.js';
import { ALL_QUEUES, type QueueName, poisonQueue } from '../message/queue-name.js';
import { storageFault } from '../net/storage-fault.js';
import type { Send } from '../pipeline/effects.js';
import type { QueueService } from './queue-service.js';

const MAX_DELAY_SECONDS = 7 * 24 * 3600 - 60;

/**
 * Sends to the storage queues: base64 as the Functions host reads it, never expiring. Throws `MESSAGE_TOO_LARGE`, or
 * `QUEUE_UNAVAILABLE` (retryable).
 */
export function createSend(service: QueueService): Send {
  return async (queue, message, { delaySeconds = 0 } = {}) => {
    const bytes = Buffer.from(JSON.stringify(message));
    if (bytes.byteLength > MAX_MESSAGE_BYTES) throw new AppError('MESSAGE_TOO_LARGE', 'a message of more than 48 KiB');
    try {
      await service.getQueueClient(queue).sendMessage(bytes.toString('base64'), {
        messageTimeToLive: -1,
        visibilityTimeout: Math.min(Math.max(Math.ceil(delaySeconds), 0), MAX_DELAY_SECONDS),
      });
    } catch (error) {
      throw storageFault('QUEUE_UNAVAILABLE', error);
    }
  };
}

/** How many messages a queue holds, those that are leased or delayed included. Throws `QUEUE_UNAVAILABLE` (retryable). */
export function createQueueLength(service: QueueServiceClient): (queue: QueueName) => Promise<number> {
  return async (queue) => {
    try {
      return (await service.getQueueClient(queue).getProperties()).approximateMessagesCount ?? 0;
    } catch (error) {
      throw storageFault('QUEUE_UNAVAILABLE', error);
    }
  };
}

/** Whether a receiver would find a message now: none that is leased or delayed. Throws `QUEUE_UNAVAILABLE` (retryable). */
export function createIsWaiting(service: QueueServiceClient): (queue: QueueName) => Promise<boolean> {
  return async (queue) => {
    try {
      const { peekedMessageItems } = await service.getQueueClient(queue).peekMessages({ numberOfMessages: 1 });
      return peekedMessageItems.length > 0;
    } catch (error) {
      throw storageFault('QUEUE_UNAVAILABLE', error);
    }
  };
}

/** Creates every queue and its poison queue, where they are missing. */
export async function ensureQueues(service: QueueServiceClient): Promise<void> {
  for (const queue of ALL_QUEUES) {
    await service.getQueueClient(queue).createIfNotExists();
    await service.getQueueClient(poisonQueue(queue)).createIfNotExists();
  }
}
