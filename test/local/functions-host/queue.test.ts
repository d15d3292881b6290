import { describe, expect } from 'vitest';
import type { Invocation } from '../../../local/functions-host/protocol.js';
import { poisonQueueName } from '../../../local/functions-host/queue/queue-listener.js';
import { SOURCE, contract, createManualTime } from './contract.js';
import { base64, drain, gate, lengthOf, openQueue, settingsOf, textOf } from './queue-fixture.js';

describe('batches', () => {
  contract([
    {
      behaviour: 'batchSize messages are asked for',
      source: SOURCE.listener,
      proof: async () => {
        const { listen, received } = await openQueue('size', { queues: { batchSize: 7 } });
        const listener = listen(() => undefined);
        await expect.poll(() => received.length).toBeGreaterThan(0);
        await listener.stop();
        expect(new Set(received)).toEqual(new Set([7]));
      },
    },
    {
      behaviour: 'batchSize is from 1 to 32, and 16 where nothing is said',
      source: SOURCE.options,
      proof: () => {
        expect(settingsOf().batchSize).toBe(16);
        expect(settingsOf({ batchSize: 32 }).batchSize).toBe(32);
        for (const batchSize of [0, 33]) expect(() => settingsOf({ batchSize })).toThrow();
      },
    },
    {
      behaviour: 'a new batch comes when no more than newBatchThreshold are at work: at most their sum runs',
      source: SOURCE.options,
      proof: async () => {
        const { listen, send, received } = await openQueue('sum', { queues: { batchSize: 4, newBatchThreshold: 2 } });
        await send(...Array.from({ length: 12 }, (_, i) => String(i)));
        const held = gate();
        const listener = listen(held.run);
        await expect.poll(held.waiting).toBe(4);
        held.release();
        await expect.poll(held.waiting).toBe(3);
        expect(received).toHaveLength(1);
        held.release();
        await expect.poll(held.waiting).toBe(6);
        expect(received).toHaveLength(2);
        await drain(listener, held);
        expect(held.most()).toBe(6);
      },
    },
    {
      behaviour: 'newBatchThreshold is half a batch for each processor where nothing is said',
      source: SOURCE.options,
      proof: async () => {
        const { listen, send } = await openQueue('half', { queues: { batchSize: 4 } });
        await send(...Array.from({ length: 12 }, (_, i) => String(i)));
        const held = gate();
        const listener = listen(held.run, { processors: 2 });
        await expect.poll(held.waiting).toBe(8);
        await drain(listener, held);
        expect(held.most()).toBe(8);
      },
    },
    {
      behaviour: 'a batch of 1 and a threshold of 0 run one message at a time',
      source: SOURCE.options,
      proof: async () => {
        const { queue, listen, send } = await openQueue('one', { queues: { batchSize: 1, newBatchThreshold: 0 } });
        await send('a', 'b', 'c');
        let running = 0;
        let most = 0;
        const listener = listen(async () => {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
        });
        await expect.poll(() => lengthOf(queue)).toBe(0);
        await listener.stop();
        expect(most).toBe(1);
      },
    },
    {
      behaviour: 'a stop takes no new message, and waits for those in hand and deletes them',
      source: SOURCE.listener,
      proof: async () => {
        const { queue, listen, send } = await openQueue('drain', { queues: { batchSize: 1, newBatchThreshold: 0 } });
        await send('a', 'b');
        const held = gate();
        const listener = listen(held.run);
        await expect.poll(held.waiting).toBe(1);
        await drain(listener, held);
        expect(await lengthOf(queue)).toBe(1);
        expect(held.most()).toBe(1);
      },
    },
    {
      behaviour: 'nothing is taken while there is no worker',
      source: SOURCE.dispatcher,
      proof: async () => {
        const { listen, send, received, queue } = await openQueue('ready');
        await send('a');
        const worker = Promise.withResolvers<unknown>();
        const listener = listen(() => undefined, { ready: () => worker.promise });
        await new Promise((resolve) => setImmediate(resolve));
        expect(received).toEqual([]);
        worker.resolve(undefined);
        await expect.poll(() => lengthOf(queue)).toBe(0);
        await listener.stop();
      },
    },
  ]);
});

describe('tries', () => {
  contract([
    {
      behaviour: 'a message is deleted after success',
      source: SOURCE.processor,
      proof: async () => {
        const { queue, poison, listen, send } = await openQueue('good');
        await send('a');
        const listener = listen(() => undefined);
        await expect.poll(() => lengthOf(queue)).toBe(0);
        await listener.stop();
        expect(await lengthOf(poison)).toBe(0);
      },
    },
    {
      behaviour: 'a function runs maxDequeueCount times, then its message is in the poison queue, and that is told',
      source: SOURCE.processor,
      proof: async () => {
        const { queue, poison, listen, send } = await openQueue('bad', { queues: { maxDequeueCount: 3 } });
        await send('a');
        const told: string[] = [];
        let calls = 0;
        let releases = 0;
        const update = queue.updateMessage.bind(queue);
        queue.updateMessage = (...args) => {
          releases += 1;
          return update(...args);
        };
        const listener = listen(
          () => {
            calls += 1;
            throw new Error('bad');
          },
          { notify: (name) => told.push(name) },
        );
        await expect.poll(() => lengthOf(poison)).toBe(1);
        await expect.poll(() => lengthOf(queue)).toBe(0);
        await listener.stop();
        // After the third try it is not made visible again.
        expect([calls, releases]).toEqual([3, 2]);
        expect(told).toEqual([`${queue.name}-poison`]);
      },
    },
    {
      behaviour: 'a message whose count is beyond maxDequeueCount goes to the poison queue without a run',
      source: SOURCE.processor,
      proof: async () => {
        const { queue, poison, listen, send } = await openQueue('beyond', { queues: { maxDequeueCount: 1 } });
        await send('a');
        const [item] = (await queue.receiveMessages()).receivedMessageItems;
        await queue.updateMessage(item!.messageId, item!.popReceipt, undefined, 0);
        let calls = 0;
        const listener = listen(() => {
          calls += 1;
        });
        await expect.poll(() => lengthOf(poison)).toBe(1);
        await listener.stop();
        expect(calls).toBe(0);
      },
    },
    {
      behaviour: 'the copy in the poison queue has the same body, a new id, and is counted from the start',
      source: SOURCE.processor,
      proof: async () => {
        const { queue, poison, listen } = await openQueue('copy', { queues: { maxDequeueCount: 1 } });
        const { messageId } = await queue.sendMessage(base64('the body'));
        const listener = listen(() => Promise.reject(new Error('bad')));
        await expect.poll(() => lengthOf(poison)).toBe(1);
        await listener.stop();
        const [copy] = (await poison!.receiveMessages()).receivedMessageItems;
        expect(copy).toMatchObject({ messageText: base64('the body'), dequeueCount: 1 });
        expect(copy?.messageId).not.toBe(messageId);
      },
    },
    {
      behaviour: 'a poison queue has none of its own: a failed message is left invisible',
      source: SOURCE.listenerFactory,
      proof: async () => {
        const { queue, listen, send, received } = await openQueue('x', {
          suffix: '-poison',
          queues: { maxDequeueCount: 1 },
        });
        expect(poisonQueueName(queue.name)).toBeUndefined();
        expect(poisonQueueName('a'.repeat(57))).toBeUndefined();
        await send('a');
        let calls = 0;
        const listener = listen(() => {
          calls += 1;
          throw new Error('always');
        });
        await expect.poll(() => received.length).toBeGreaterThan(5);
        await listener.stop();
        expect(calls).toBe(1);
        expect(await lengthOf(queue)).toBe(1);
        expect((await queue.peekMessages()).peekedMessageItems).toEqual([]);
      },
    },
    {
      behaviour: 'a failed message is visible again after visibilityTimeout',
      source: SOURCE.options,
      proof: async () => {
        const { queue, listen, send } = await openQueue('later', { queues: { visibilityTimeout: '00:01:30' } });
        await send('a');
        const updates: unknown[] = [];
        const update = queue.updateMessage.bind(queue);
        queue.updateMessage = (id, receipt, text, seconds) => {
          updates.push([text, seconds]);
          return update(id, receipt, text, seconds);
        };
        const listener = listen(() => Promise.reject(new Error('bad')));
        await expect.poll(() => updates).toEqual([[undefined, 90]]);
        await listener.stop();
        expect(await lengthOf(queue)).toBe(1);
        expect((await queue.peekMessages()).peekedMessageItems).toEqual([]);
      },
    },
  ]);
});

describe('leases', () => {
  contract([
    {
      behaviour: 'a lease is renewed at half its time, after which the receipt that the function was told is stale',
      source: SOURCE.renewal,
      proof: async () => {
        const { queue, listen, send } = await openQueue('renew');
        await send('a');
        const time = createManualTime();
        const held = gate();
        let told: Invocation | undefined;
        const listener = listen(
          (invocation) => {
            told = invocation;
            return held.run();
          },
          { wait: time.wait },
        );
        await expect.poll(held.waiting).toBe(1);
        const { Id: id, PopReceipt: receipt } = told?.triggerMetadata as Record<string, { string: string }>;
        const renewals: number[] = [];
        const update = queue.updateMessage.bind(queue);
        queue.updateMessage = async (...args) => {
          const answer = await update(...args);
          renewals.push(args[3] ?? 0);
          return answer;
        };
        await time.advance(299_999);
        expect(renewals).toEqual([]);
        await time.advance(1);
        await expect.poll(() => renewals).toEqual([600]);
        await expect(update(id!.string, receipt!.string, undefined, 0)).rejects.toMatchObject({
          code: 'PopReceiptMismatch',
        });
        await drain(listener, held);
        expect(await lengthOf(queue)).toBe(0);
      },
    },
    {
      behaviour: 'a message that somebody else holds by now is let go in silence',
      source: SOURCE.processor,
      proof: async () => {
        const { queue, poison, listen, send } = await openQueue('taken');
        await send('a');
        const lines: string[] = [];
        const runs: string[] = [];
        const listener = listen(
          async (invocation) => {
            runs.push(textOf(invocation));
            const { Id: id, PopReceipt: receipt } = invocation.triggerMetadata as Record<string, { string: string }>;
            await queue.updateMessage(id!.string, receipt!.string, undefined, 600);
          },
          { write: (line) => lines.push(line) },
        );
        await expect.poll(() => runs).toEqual(['a']);
        await listener.stop();
        expect(await lengthOf(queue)).toBe(1);
        expect(await lengthOf(poison)).toBe(0);
        expect(lines).toEqual([]);
      },
    },
  ]);
});

describe('bodies', () => {
  contract([
    {
      behaviour: 'a body is base64 where nothing is said, and text where messageEncoding is none',
      source: SOURCE.options,
      proof: async () => {
        for (const [messageEncoding, raw] of [
          ['base64', base64('grüße')],
          ['None', 'grüße'],
        ] as const) {
          const { queue, listen } = await openQueue('body', { queues: { messageEncoding } });
          await queue.sendMessage(raw);
          const seen: string[] = [];
          const listener = listen((invocation) => void seen.push(textOf(invocation)));
          await expect.poll(() => seen).toEqual(['grüße']);
          await listener.stop();
        }
        expect(settingsOf().messageEncoding).toBe('base64');
        expect(() => settingsOf({ messageEncoding: 'utf16' })).toThrow();
      },
    },
    {
      behaviour: 'a message that cannot be decoded goes to the poison queue as it is, without a run',
      source: SOURCE.clientProvider,
      proof: async () => {
        const { queue, poison, listen } = await openQueue('undecodable');
        await queue.sendMessage('not base64!');
        let calls = 0;
        const listener = listen(() => {
          calls += 1;
        });
        await expect.poll(() => lengthOf(poison)).toBe(1);
        await listener.stop();
        expect(calls).toBe(0);
        expect((await poison!.peekMessages()).peekedMessageItems[0]?.messageText).toBe('not base64!');
      },
    },
  ]);
});
