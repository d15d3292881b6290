import type { DequeuedMessageItem } from '@azure/storage-queue';
import { messageOf } from '../protocol.js';
import { createMessageLease } from './message-lease.js';
import type { QueueListenerOptions } from './queue-listener.js';
import { triggerMetadata } from './trigger-metadata.js';

/**
 * Deals with one message: runs the function unless it was tried too often already, deletes the message after success,
 * makes it visible again after a failure, and moves it to the poison queue after the last one or where it cannot be
 * decoded. Without a poison queue a failed message is left invisible until its lease ends, so that it is not tried again
 * at once. Never rejects.
 * https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common
 * (QueueProcessor) and its Queues neighbour (QueueServiceClientProvider, for what cannot be decoded)
 */
export async function processMessage(item: DequeuedMessageItem, options: QueueListenerOptions): Promise<void> {
  const { queue, settings, leaseSeconds, wait, write } = options;
  const lease = createMessageLease(item, queue, { seconds: leaseSeconds, wait });
  try {
    const text = decode(item.messageText, settings.messageEncoding);
    const runnable = text !== undefined && item.dequeueCount <= settings.maxDequeueCount;
    const succeeded = runnable && (await runs(text, item, options));
    // From here on the receipt must not change under us.
    await lease.stop();
    if (succeeded) {
      await lease.remove();
    } else if (options.poison !== undefined) {
      if (runnable && item.dequeueCount < settings.maxDequeueCount) {
        await lease.release(settings.visibilityTimeout / 1000);
      } else {
        await moveToPoison(item, options);
        await lease.remove();
      }
    }
  } catch (error) {
    // The message comes back when its lease ends.
    write(`warning ${queue.name}: ${messageOf(error)}`);
  } finally {
    await lease.stop();
  }
}

async function runs(text: string, item: DequeuedMessageItem, options: QueueListenerOptions): Promise<boolean> {
  try {
    await options.invoke(options.target, {
      input: { string: text },
      triggerMetadata: triggerMetadata(text, item),
      reason: `New queue message detected on '${options.queue.name}'.`,
    });
    return true;
  } catch {
    return false;
  }
}

/** The copy has the same text; its id, its count and its lifetime are new. */
async function moveToPoison(item: DequeuedMessageItem, { queue, poison, notify, write }: QueueListenerOptions) {
  if (poison === undefined) return;
  try {
    await poison.sendMessage(item.messageText);
  } catch (error) {
    if ((error as { readonly statusCode?: number }).statusCode !== 404) throw error;
    await poison.createIfNotExists();
    await poison.sendMessage(item.messageText);
  }
  write(`error ${queue.name}: message ${item.messageId} moved to ${poison.name}`);
  notify(poison.name);
}

function decode(text: string, encoding: 'base64' | 'none'): string | undefined {
  if (encoding === 'none') return text;
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0
    ? Buffer.from(text, 'base64').toString('utf8')
    : undefined;
}
