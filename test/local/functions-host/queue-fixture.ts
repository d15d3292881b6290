import { randomUUID } from 'node:crypto';
import type { QueueClient } from '@azure/storage-queue';
import { type HostSettings, parseHostSettings } from '../../../local/functions-host/host-settings.js';
import type { FunctionMetadata, Invocation } from '../../../local/functions-host/protocol.js';
import {
  type QueueListener,
  type QueueListenerOptions,
  listenToQueue,
  poisonQueueName,
} from '../../../local/functions-host/queue/queue-listener.js';
import { connectStorage } from '../../../shared/connect.js';
import { sharedAzurite } from '../../support/line.js';
import { quickWait } from './contract.js';

const target: FunctionMetadata = { name: 'f', bindings: { m: { type: 'queueTrigger', direction: 'in' } } };
/** Text as it is in a queue. */
export const base64 = (text: string) => Buffer.from(text).toString('base64');
/** The text that a function was handed. */
export const textOf = ({ input }: Invocation) => ('string' in input ? input.string : '');
/** Queue settings of a `host.json`. */
export const settingsOf = (queues: object = {}): HostSettings['queues'] =>
  parseHostSettings({ version: '2.0', extensions: { queues } }).queues;

/** A queue of the test's own, its poison queue, and a listener that is started by `listen`. */
export async function openQueue(name: string, options: { readonly suffix?: string; readonly queues?: object } = {}) {
  const { connectionString } = await sharedAzurite();
  const { queues } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
  const queue = queues.getQueueClient(`${name}-${randomUUID().slice(0, 8)}${options.suffix ?? ''}`);
  await queue.createIfNotExists();
  const poisonName = poisonQueueName(queue.name);
  const poison = poisonName === undefined ? undefined : queues.getQueueClient(poisonName);
  const received: number[] = [];
  const receive = queue.receiveMessages.bind(queue);
  queue.receiveMessages = (request) => {
    received.push(request?.numberOfMessages ?? 0);
    return receive(request);
  };
  const listen = (run: (invocation: Invocation) => unknown, more: Partial<QueueListenerOptions> = {}): QueueListener =>
    listenToQueue({
      queue,
      poison,
      target,
      settings: settingsOf({ maxPollingInterval: '00:00:00.1', ...options.queues }),
      processors: 1,
      leaseSeconds: 600,
      invoke: async (_, invocation) => {
        await run(invocation);
        return {};
      },
      ready: () => Promise.resolve(),
      wait: quickWait,
      random: () => 0.5,
      notify: () => undefined,
      write: () => undefined,
      ...more,
    });
  const send = async (...texts: string[]) => {
    for (const text of texts) await queue.sendMessage(base64(text));
  };
  return { queue, poison, listen, send, received };
}

/** How many messages a queue holds, those that are leased included. */
export const lengthOf = async (queue: QueueClient | undefined) =>
  (await queue?.getProperties().catch(() => undefined))?.approximateMessagesCount ?? 0;

/** Functions that wait until they are let go, one by one. */
export function gate() {
  const waiting: (() => void)[] = [];
  let most = 0;
  return {
    run: async (): Promise<void> => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        most = Math.max(most, waiting.length);
      });
    },
    waiting: () => waiting.length,
    most: () => most,
    release: () => waiting.shift()?.(),
  };
}

/** Stops a listener while its functions are let go. */
export async function drain(listener: QueueListener, { release, waiting }: ReturnType<typeof gate>): Promise<void> {
  const stopped = listener.stop();
  while (waiting() > 0) release();
  await stopped;
}
