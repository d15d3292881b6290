/** A message as a queue hands it out. */
export interface QueuedItem {
  readonly messageId: string;
  readonly popReceipt: string;
  readonly messageText: string;
  readonly dequeueCount: number;
}

/**
 * What sending and receiving ask of a storage queue: as much of `QueueClient` as they use. A receipt that is not the
 * last one is refused with 404, or 400, as `statusCode`.
 */
export interface Queue {
  readonly sendMessage: (
    text: string,
    options: { readonly messageTimeToLive: number; readonly visibilityTimeout: number },
  ) => Promise<unknown>;
  readonly receiveMessages: (options: {
    readonly numberOfMessages: number;
    readonly visibilityTimeout: number;
  }) => Promise<{ readonly receivedMessageItems: readonly QueuedItem[] }>;
  readonly updateMessage: (
    ...change: [messageId: string, popReceipt: string, message: undefined, visibilityTimeout: number]
  ) => Promise<{ readonly popReceipt?: string }>;
  readonly deleteMessage: (messageId: string, popReceipt: string) => Promise<unknown>;
}

/** Queues by name. */
export interface QueueService {
  readonly getQueueClient: (name: string) => Pick<Queue, 'sendMessage'>;
}
