import { AppError } from '../error/app-error.js';
import { statusOf, storageFault } from '../net/storage-fault.js';
import type { Queue, QueuedItem } from './queue-service.js';

/** A message that is ours while its lease lasts. */
export interface Received {
  /** The parsed JSON; undefined where the text is none. */
  readonly body: unknown;
  /** The text as it was, decoded where it could be. */
  readonly text: string;
  /** How often it has been handed out, this time included. */
  readonly deliveries: number;
  /** Extends the lease. Throws `LEASE_LOST` where somebody else has it. */
  readonly renew: () => Promise<void>;
  /** Gives it back, to be seen again after `delaySeconds`. */
  readonly release: (delaySeconds: number) => Promise<void>;
  /** Acknowledges it: its next step is durable. */
  readonly remove: () => Promise<void>;
}

/** Takes messages of one queue under a lease of `leaseSeconds`. Throws `QUEUE_UNAVAILABLE` (retryable). */
export function createReceiver(queue: Omit<Queue, 'sendMessage'>, leaseSeconds: number) {
  return async (max: number): Promise<readonly Received[]> => {
    try {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: Math.min(Math.max(max, 1), 32),
        visibilityTimeout: leaseSeconds,
      });
      return receivedMessageItems.map((item) => toReceived(queue, item, leaseSeconds));
    } catch (error) {
      throw storageFault('QUEUE_UNAVAILABLE', error);
    }
  };
}

type Receive = (max: number) => Promise<readonly Received[]>;

/** Takes from the first queue that has something: between any two messages of a later one the earlier ones are asked. */
export function receiveFirst(receivers: readonly Receive[]): Receive {
  return async (max) => {
    for (const receive of receivers) {
      const received = await receive(max);
      if (received.length > 0) return received;
    }
    return [];
  };
}

function toReceived(queue: Omit<Queue, 'sendMessage'>, item: QueuedItem, leaseSeconds: number): Received {
  // Every extension makes a new receipt, and the old one is refused.
  let receipt = item.popReceipt;
  const extend = async (seconds: number) => {
    const answer = await held(queue.updateMessage(item.messageId, receipt, undefined, seconds));
    receipt = answer.popReceipt ?? receipt;
  };
  const text = Buffer.from(item.messageText, 'base64').toString('utf8');
  return {
    text,
    body: parseJson(text),
    deliveries: item.dequeueCount,
    renew: () => extend(leaseSeconds),
    release: extend,
    remove: async () => {
      await held(queue.deleteMessage(item.messageId, receipt));
    },
  };
}

async function held<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const status = statusOf(error);
    if (status === 400 || status === 404)
      throw new AppError('LEASE_LOST', 'the message is not ours any more', { cause: error });
    throw storageFault('QUEUE_UNAVAILABLE', error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
