import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { HostSettings } from '../host-settings.js';
import { type FunctionMetadata, type Invoke, messageOf } from '../protocol.js';
import type { Wait } from '../../wait.js';
import { createBackoff } from './backoff.js';
import { processMessage } from './process-message.js';

/** What a queue listener needs. */
export interface QueueListenerOptions {
  readonly queue: QueueClient;
  /** Where messages go that fail too often; undefined for a queue that is itself one for poison. */
  readonly poison: QueueClient | undefined;
  readonly target: FunctionMetadata;
  readonly settings: HostSettings['queues'];
  readonly processors: number;
  /** The lease of a message in seconds. The real host's is fixed at ten minutes. */
  readonly leaseSeconds: number;
  readonly invoke: Invoke;
  /** Resolves when there is a worker. */
  readonly ready: () => Promise<unknown>;
  readonly wait: Wait;
  readonly random: () => number;
  /** Told the name of a poison queue that has a new message. */
  readonly notify: (queueName: string) => void;
  readonly write: (line: string) => void;
}

/** A running listener. */
export interface QueueListener {
  readonly queueName: string;
  /** Looks at the queue now, instead of after the pause. */
  readonly wake: () => void;
  /** Stops looking. Resolves when every message in hand is dealt with. */
  readonly stop: () => Promise<void>;
}

const POISON_SUFFIX = '-poison';
const LONGEST_QUEUE_NAME = 63;

/** The name of a queue's poison queue. None for a poison queue, and none where it would be too long. */
export function poisonQueueName(queueName: string): string | undefined {
  const name = `${queueName}${POISON_SUFFIX}`;
  return queueName.endsWith(POISON_SUFFIX) || name.length > LONGEST_QUEUE_NAME ? undefined : name;
}

/**
 * Listens to one queue as the real host does: a batch, then another one as soon as no more than the threshold are at work;
 * growing pauses while there is nothing. A queue that does not exist is looked for again, never made.
 * https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common
 * (QueueListener, QueuesOptions)
 */
export function listenToQueue(options: QueueListenerOptions): QueueListener {
  const { settings, queue, write } = options;
  const threshold =
    settings.newBatchThreshold < 0
      ? Math.floor(settings.batchSize / 2) * options.processors
      : settings.newBatchThreshold;
  const nextPause = createBackoff(settings.maxPollingInterval, options.random);
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const stopped = () => stopping.signal.aborted;
  const stop = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  let pause = new AbortController();

  const receive = async (): Promise<readonly DequeuedMessageItem[]> => {
    try {
      const request = { numberOfMessages: settings.batchSize, visibilityTimeout: options.leaseSeconds };
      return (await queue.receiveMessages(request)).receivedMessageItems;
    } catch (error) {
      if (!isMissing(error)) write(`warning ${queue.name}: ${messageOf(error)}`);
      return [];
    }
  };
  const poll = async (): Promise<void> => {
    for (let found = false; ;) {
      await Promise.race([options.ready(), stop]);
      if (stopped()) return;
      const batch = await receive();
      for (const item of batch) {
        const work = processMessage(item, options).finally(() => running.delete(work));
        running.add(work);
      }
      if (batch.length > 0) {
        found = true;
        while (running.size > threshold && !stopped()) await Promise.race([...running, stop]);
      } else {
        pause = new AbortController();
        await options.wait(nextPause(found), AbortSignal.any([pause.signal, stopping.signal]));
        found = false;
      }
    }
  };
  const polling = poll().catch((error: unknown) => write(`error ${queue.name}: ${messageOf(error)}`));
  return {
    queueName: queue.name,
    wake: () => pause.abort(),
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

function isMissing(error: unknown): boolean {
  return (error as { readonly statusCode?: number }).statusCode === 404;
}
