import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { Wait } from '../../wait.js';

/** A message that is invisible to others while it is worked on. */
export interface MessageLease {
  /** Deletes the message, with the newest receipt. */
  readonly remove: () => Promise<void>;
  /** Makes it visible to everybody after so many seconds. */
  readonly release: (afterSeconds: number) => Promise<void>;
  /** Ends the renewals. Resolves when none is under way. */
  readonly stop: () => Promise<void>;
}

const SHORTEST_RENEWAL_MILLISECONDS = 60_000;

/**
 * Renews a message's invisibility at half its time, for as long as it is worked on. Every renewal changes the receipt, so
 * the one that the function was told is stale after the first. After a failed renewal the next one comes sooner; a message
 * that somebody else holds or has deleted is let go in silence.
 * https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common
 * (UpdateQueueMessageVisibilityCommand, LinearSpeedupStrategy, QueueProcessor)
 */
export function createMessageLease(
  item: DequeuedMessageItem,
  queue: QueueClient,
  { seconds, wait }: { readonly seconds: number; readonly wait: Wait },
): MessageLease {
  const stopping = new AbortController();
  const half = seconds * 500;
  let receipt = item.popReceipt;
  const renew = async (): Promise<void> => {
    for (let pause = half; ;) {
      await wait(pause, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        const answer = await queue.updateMessage(item.messageId, receipt, undefined, seconds);
        receipt = answer.popReceipt ?? receipt;
        pause = half;
      } catch (error) {
        if (isLost(error)) return;
        pause = Math.max(pause - half / 2, Math.min(SHORTEST_RENEWAL_MILLISECONDS, half / 2));
      }
    }
  };
  const renewing = renew();
  const unlessLost = async (change: () => Promise<unknown>): Promise<void> => {
    try {
      await change();
    } catch (error) {
      if (!isLost(error)) throw error;
    }
  };
  return {
    remove: () => unlessLost(() => queue.deleteMessage(item.messageId, receipt)),
    release: (after) => unlessLost(() => queue.updateMessage(item.messageId, receipt, undefined, after)),
    stop: async () => {
      stopping.abort();
      await renewing;
    },
  };
}

/** Somebody else has the message, or it is gone, or its queue is. */
function isLost(error: unknown): boolean {
  const { statusCode, code } = error as { readonly statusCode?: number; readonly code?: string };
  return statusCode === 404 || statusCode === 409 || code === 'PopReceiptMismatch';
}
