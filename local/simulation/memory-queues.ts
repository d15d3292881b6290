import type { Queue, QueuedItem } from '../../shared/queue/queue-service.js';
import { refusal } from './refusal.js';

interface Message {
  readonly id: string;
  readonly text: string;
  visibleAt: number;
  deliveries: number;
  receipt: string;
  readonly lag: number;
  readonly poison: number | undefined;
}

/** Queues in memory, and what a judge asks of them besides. */
export interface MemoryQueues {
  readonly getQueueClient: (name: string) => Queue;
  /** How many messages a receiver would find now. */
  readonly visible: (name: string) => number;
  /** At which effect whoever works on this message crashes; undefined for what does no harm. */
  readonly poisonOf: (queue: string, id: string) => number | undefined;
  /** Everything that is still queued, seen and unseen. */
  readonly contents: (name: string) => readonly { readonly text: string; readonly visibleAt: number }[];
  readonly names: () => readonly string[];
}

/** What {@link createMemoryQueues} needs. */
export interface MemoryQueueOptions {
  readonly now: () => number;
  /** How long, in milliseconds, others may overtake this message: storage promises no order. */
  readonly lag: (queue: string, text: string) => number;
  /** Whether a message that is sent gets lost, or at which effect of its step whoever works on it crashes. */
  readonly fateOf: (queue: string, text: string) => 'lost' | number | undefined;
  /** Called when a message of this queue becomes visible at `at`. */
  readonly onVisible: (queue: string, at: number) => void;
}

/**
 * Storage queues in memory: a message that is received is hidden for a while, counted, and has a new receipt; the last
 * receipt alone changes or deletes it.
 */
export function createMemoryQueues({ now, lag, fateOf, onVisible }: MemoryQueueOptions): MemoryQueues {
  const queues = new Map<string, Message[]>();
  let serial = 0;
  const messagesOf = (name: string): Message[] => {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const messages: Message[] = [];
    queues.set(name, messages);
    return messages;
  };
  const newReceipt = () => `receipt-${++serial}`;
  const hide = (message: Message, { name, seconds }: { readonly name: string; readonly seconds: number }): void => {
    message.receipt = newReceipt();
    message.visibleAt = now() + seconds * 1000;
    onVisible(name, message.visibleAt);
  };
  const open = (name: string): Queue => ({
    sendMessage: (text, { visibilityTimeout }) => {
      const fate = fateOf(name, text);
      if (fate === 'lost') return Promise.resolve();
      const message: Message = {
        ...{ id: `message-${++serial}`, text, visibleAt: 0, deliveries: 0, receipt: '' },
        ...{ lag: lag(name, text), poison: fate },
      };
      messagesOf(name).push(message);
      hide(message, { name, seconds: visibilityTimeout });
      return Promise.resolve();
    },
    receiveMessages: ({ numberOfMessages, visibilityTimeout }) => {
      const ready = messagesOf(name)
        .filter(({ visibleAt }) => visibleAt <= now())
        .sort((a, b) => a.visibleAt + a.lag - b.visibleAt - b.lag);
      const taken: QueuedItem[] = [];
      for (const message of ready.slice(0, numberOfMessages)) {
        message.deliveries += 1;
        message.receipt = newReceipt();
        message.visibleAt = now() + visibilityTimeout * 1000;
        const { id, receipt, text, deliveries } = message;
        taken.push({ messageId: id, popReceipt: receipt, messageText: text, dequeueCount: deliveries });
      }
      return Promise.resolve({ receivedMessageItems: taken });
    },
    updateMessage: (...change) => {
      const [id, receipt, , visibilityTimeout] = change;
      const message = messagesOf(name).find((candidate) => candidate.id === id);
      if (message === undefined) return refusal(404);
      if (message.receipt !== receipt) return refusal(400);
      hide(message, { name, seconds: visibilityTimeout });
      return Promise.resolve({ popReceipt: message.receipt });
    },
    deleteMessage: (id, receipt) => {
      const messages = messagesOf(name);
      const index = messages.findIndex((candidate) => candidate.id === id);
      if (index === -1) return refusal(404);
      if (messages[index]?.receipt !== receipt) return refusal(400);
      messages.splice(index, 1);
      return Promise.resolve();
    },
  });
  return {
    getQueueClient: open,
    visible: (name) => messagesOf(name).filter(({ visibleAt }) => visibleAt <= now()).length,
    poisonOf: (name, id) => messagesOf(name).find((message) => message.id === id)?.poison,
    contents: (name) => messagesOf(name).map(({ text, visibleAt }) => ({ text, visibleAt })),
    names: () => [...queues.keys()],
  };
}
