import type { DequeuedMessageItem, QueueClient, QueueServiceClient } from '@azure/storage-queue';
import type { RegisteredFunction, TypedData } from './core-module.js';
import type { Invoke } from './invoke.js';
import { type HostSettings, parseTimeSpan } from './load-app.js';

/** What a queue listener needs. */
export interface ListenerOptions {
  readonly service: QueueServiceClient;
  readonly queueName: string;
  readonly target: RegisteredFunction;
  readonly settings: HostSettings['queues'];
  /** The lease of a message in seconds. The real host's is fixed at ten minutes. */
  readonly leaseSeconds: number;
  readonly invoke: Invoke;
  readonly write: (line: string) => void;
}

const MIN_POLL_MILLISECONDS = 100;
const PROCESSORS = 1;

/**
 * Listens to one queue as the real host does: batches, a lease that is renewed, five tries, a poison queue.
 * https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/extensions (QueueListener, QueueProcessor)
 */
export function listenToQueue(options: ListenerOptions): { readonly stop: () => Promise<void> } {
  const { settings, queueName, write } = options;
  const queue = options.service.getQueueClient(queueName);
  const threshold =
    settings.newBatchThreshold < 0 ? Math.floor(settings.batchSize / 2) * PROCESSORS : settings.newBatchThreshold;
  const longest = Math.max(parseTimeSpan(settings.maxPollingInterval), MIN_POLL_MILLISECONDS);
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let interval = MIN_POLL_MILLISECONDS;

  const poll = async (): Promise<void> => {
    await queue.createIfNotExists();
    while (!stopping.signal.aborted) {
      if (running.size > threshold) {
        await Promise.race(running);
        continue;
      }
      const batch = await receive();
      for (const item of batch) {
        const work = processMessage(item, queue, options).finally(() => running.delete(work));
        running.add(work);
      }
      interval = batch.length > 0 ? MIN_POLL_MILLISECONDS : Math.min(interval * 2, longest);
      if (batch.length === 0) await pause(interval, stopping.signal, running);
    }
  };
  const receive = async (): Promise<readonly DequeuedMessageItem[]> => {
    try {
      const request = { numberOfMessages: settings.batchSize, visibilityTimeout: options.leaseSeconds };
      return (await queue.receiveMessages(request)).receivedMessageItems;
    } catch (error) {
      write(`warning ${queueName}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  };
  const polling = poll().catch((error: unknown) => write(`error ${queueName}: ${String(error)}`));
  return {
    stop: async () => {
      stopping.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

async function pause(milliseconds: number, signal: AbortSignal, running: ReadonlySet<Promise<void>>): Promise<void> {
  await Promise.race([
    ...running,
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
  ]);
}

async function processMessage(item: DequeuedMessageItem, queue: QueueClient, options: ListenerOptions): Promise<void> {
  const { settings, queueName, write } = options;
  const lease = createLease(item, queue, options.leaseSeconds);
  try {
    const text = decode(item.messageText, settings.messageEncoding);
    const failed =
      text === undefined || item.dequeueCount > settings.maxDequeueCount
        ? true
        : !(await succeeds(text, item, options));
    if (!failed) {
      await lease.remove();
    } else if (text === undefined || item.dequeueCount >= settings.maxDequeueCount) {
      await poison(item, { queue, lease }, options);
    } else {
      await lease.release(parseTimeSpan(settings.visibilityTimeout) / 1000);
    }
  } catch (error) {
    // The message comes back when its lease ends.
    write(`warning ${queueName}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    lease.stop();
  }
}

async function succeeds(text: string, item: DequeuedMessageItem, options: ListenerOptions): Promise<boolean> {
  try {
    await options.invoke(options.target, {
      input: { string: text },
      triggerMetadata: triggerMetadata(text, item),
      reason: `New queue message detected on '${options.queueName}'.`,
    });
    return true;
  } catch {
    return false;
  }
}

async function poison(
  item: DequeuedMessageItem,
  { queue, lease }: { readonly queue: QueueClient; readonly lease: { readonly remove: () => Promise<void> } },
  options: ListenerOptions,
): Promise<void> {
  // A poison queue has none of its own: its message is left alone until the lease ends.
  if (options.queueName.endsWith('-poison')) return;
  const target = options.service.getQueueClient(`${queue.name}-poison`);
  await target.createIfNotExists();
  await target.sendMessage(item.messageText);
  await lease.remove();
  options.write(`error ${queue.name}: message moved to ${target.name}`);
}

/** Keeps a message invisible while it is worked on. Every renewal changes the receipt. */
function createLease(item: DequeuedMessageItem, queue: QueueClient, seconds: number) {
  let receipt = item.popReceipt;
  const timer = setInterval(() => {
    queue.updateMessage(item.messageId, receipt, undefined, seconds).then(
      (answer) => {
        receipt = answer.popReceipt ?? receipt;
      },
      () => undefined,
    );
  }, seconds * 500);
  return {
    stop: () => clearInterval(timer),
    remove: async () => {
      await queue.deleteMessage(item.messageId, receipt);
    },
    release: async (after: number) => {
      await queue.updateMessage(item.messageId, receipt, undefined, after);
    },
  };
}

function decode(text: string, encoding: 'base64' | 'none'): string | undefined {
  if (encoding === 'none') return text;
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
    ? Buffer.from(text, 'base64').toString('utf8')
    : undefined;
}

/**
 * What the host tells of a message. Members of a JSON message overwrite it, whatever their case: that is what the real
 * host does, and why our messages have no members of these names.
 */
function triggerMetadata(text: string, item: DequeuedMessageItem): Record<string, TypedData> {
  const own: Record<string, unknown> = {
    QueueTrigger: text,
    Id: item.messageId,
    DequeueCount: item.dequeueCount,
    PopReceipt: item.popReceipt,
    InsertionTime: item.insertedOn.toISOString(),
    ExpirationTime: item.expiresOn.toISOString(),
    NextVisibleTime: item.nextVisibleOn.toISOString(),
  };
  for (const [name, value] of Object.entries(parseObject(text))) {
    const known = Object.keys(own).find((key) => key.toLowerCase() === name.toLowerCase());
    if (!Array.isArray(value)) own[known ?? name] = toText(value);
  }
  return Object.fromEntries(
    Object.entries(own).map(([name, value]) => [
      name,
      typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) },
    ]),
  );
}

/** Scalars become text, objects stay what they are. */
function toText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
