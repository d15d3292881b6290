import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventGrid } from '../../local/event-grid/event-grid.js';
import { createDoors } from '../../local/functions-host/doors.js';
import { createInvoke, type Invocation } from '../../local/functions-host/invoke.js';
import type { ProgrammingModel, RegisteredFunction } from '../../local/functions-host/core-module.js';
import { listenToQueue } from '../../local/functions-host/queue-listener.js';
import { createInbox } from '../../local/inbox/inbox.js';
import { buildDatabase, writeDatabase } from '../../local/sample/database.js';
import { connectStorage } from '../../shared/connect.js';
import { countEntries } from '../../shared/trivy/database/count-entries.js';
import { writeBolt } from '../../local/sample/bolt.js';
import { writeFile } from 'node:fs/promises';
import { sharedAzurite } from '../support/line.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-local-'));
});
afterAll(() => rm(directory, { recursive: true }));

describe('event delivery', () => {
  const grid = (name: string, statuses: (number | Error)[], seen: unknown[] = []) =>
    createEventGrid({
      directory: join(directory, name),
      clock: () => new Date('2026-06-01T12:00:00Z'),
      acceleration: 10_000,
      deliver: (event) => {
        seen.push(event);
        const status = statuses.shift() ?? 202;
        return status instanceof Error ? Promise.reject(status) : Promise.resolve(status);
      },
    });

  it('tries again until it is taken', async () => {
    const seen: unknown[] = [];
    const events = await grid('retry', [500, new Error('refused'), 202], seen);
    await events.publish({ id: 'a' });
    await expect.poll(() => seen.length).toBe(3);
    await events.stop();
    expect((await readdir(join(directory, 'retry'))).filter((name) => name.endsWith('.json'))).toEqual([]);
  });
  it('sets aside what the other side calls wrong, with the reason', async () => {
    const events = await grid('dead', [400]);
    await events.publish({ id: 'b' });
    await expect.poll(async () => readdir(join(directory, 'dead', 'dead-letter'))).toEqual(['b.json']);
    await events.stop();
  });
  it('delivers after a restart what was published before it', async () => {
    const before = await createEventGrid({
      directory: join(directory, 'restart'),
      clock: () => new Date(),
      acceleration: 1,
      deliver: () => Promise.resolve(500),
    });
    await before.publish({ id: 'c' });
    await before.stop();
    const seen: unknown[] = [];
    const after = await grid('restart', [], seen);
    await expect.poll(() => seen).toEqual([{ id: 'c' }]);
    await after.stop();
  });
});

/** Stands for the library: hands the trigger's own value to the function. */
const model: ProgrammingModel = {
  getInvocationModel: (context) => {
    const { request } = context as {
      request: { inputData: { data: { string?: string; json?: string } }[]; triggerMetadata?: unknown };
    };
    return {
      getArguments: () => Promise.resolve({ context: request.triggerMetadata, inputs: [request.inputData[0]?.data] }),
      invokeFunction: (metadata, inputs, callback) => Promise.resolve().then(() => callback(...inputs, metadata)),
      getResponse: () => Promise.resolve({ returnValue: { http: { statusCode: 200, body: { string: 'ok' } } } }),
    };
  },
};
const named = (name: string, binding: object, callback: RegisteredFunction['callback']): RegisteredFunction => ({
  name,
  bindings: { trigger: { direction: 'in', ...binding } as RegisteredFunction['bindings'][string] },
  callback,
});

describe("the host's queue listener", () => {
  const settings = {
    batchSize: 4,
    newBatchThreshold: 2,
    maxDequeueCount: 3,
    visibilityTimeout: '00:00:00',
    maxPollingInterval: '00:00:01',
    messageEncoding: 'base64',
  } as const;
  const listen = async (queueName: string, callback: RegisteredFunction['callback']) => {
    const { queues } = connectStorage(
      { kind: 'connection-string', connectionString: (await sharedAzurite()).connectionString },
      undefined,
    );
    const queue = queues.getQueueClient(queueName);
    await queue.createIfNotExists();
    const invoke = createInvoke(
      () => model,
      () => undefined,
    );
    const start = () =>
      listenToQueue({
        service: queues,
        queueName,
        target: named('f', { type: 'queueTrigger' }, callback),
        settings,
        leaseSeconds: 30,
        invoke,
        write: () => undefined,
      });
    return { queues, queue, start };
  };
  const lengthOf = async (queue: { getProperties: () => Promise<{ approximateMessagesCount?: number }> }) =>
    (await queue.getProperties()).approximateMessagesCount;

  it('deletes after success, and moves to poison after the last try', async () => {
    const seen: string[] = [];
    const { queues, queue, start } = await listen('work', (input) => {
      const text = (input as { string: string }).string;
      seen.push(text);
      if (text === 'bad') throw new Error('bad');
    });
    for (const text of ['good', 'bad']) await queue.sendMessage(Buffer.from(text).toString('base64'));
    await queue.sendMessage('not base64!');
    const listener = start();
    const poison = queues.getQueueClient('work-poison');
    await expect.poll(async () => lengthOf(poison).catch(() => 0), { timeout: 10_000 }).toBe(2);
    await expect.poll(async () => lengthOf(queue)).toBe(0);
    await listener.stop();
    expect(seen.filter((text) => text === 'bad')).toHaveLength(3);
    expect(seen.filter((text) => text === 'good')).toHaveLength(1);
  });
  it('has no poison queue for a poison queue', async () => {
    let calls = 0;
    const { queues, queue, start } = await listen('x-poison', () => {
      calls += 1;
      throw new Error('always');
    });
    await queue.sendMessage(Buffer.from('m').toString('base64'));
    const listener = start();
    await expect.poll(() => calls, { timeout: 10_000 }).toBe(3);
    await wait(300);
    await listener.stop();
    expect(await lengthOf(queue)).toBe(1);
    await expect(queues.getQueueClient('x-poison-poison').getProperties()).rejects.toThrow();
  });
  it('lets members of a message overwrite its metadata, as the real host does', async () => {
    const seen: unknown[] = [];
    const { queue, start } = await listen('gotcha', (_, metadata) => seen.push(metadata));
    await queue.sendMessage(Buffer.from('{"dequeueCount":99,"other":true}').toString('base64'));
    const listener = start();
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(1);
    await listener.stop();
    expect(seen[0]).toMatchObject({ DequeueCount: { string: '99' }, other: { string: 'true' } });
  });
});

describe("the host's doors", () => {
  const invoked: Invocation[] = [];
  const doors = createDoors(
    [
      named('receive', { type: 'eventGridTrigger' }, () => undefined),
      named('verdict', { type: 'httpTrigger', methods: ['GET'] }, () => undefined),
    ],
    (target, invocation) => {
      invoked.push(invocation);
      if (JSON.stringify(invocation.input).includes('explode')) return Promise.reject(new Error(target.name));
      return Promise.resolve({ returnValue: { http: { statusCode: 200, body: { string: 'ok' } } } });
    },
    'api',
  );
  const post = (headers: Record<string, string>, body: unknown, name = 'receive', method = 'POST') =>
    doors(
      new Request(`http://h/runtime/webhooks/EventGrid?functionName=${name}`, {
        method,
        headers,
        ...(method === 'POST' && { body: JSON.stringify(body) }),
      }),
    );
  it.each([
    ['a notification', { 'aeg-event-type': 'Notification' }, [{ id: '1' }], 'receive', 202],
    ['a failing one', { 'aeg-event-type': 'Notification' }, [{ id: '1' }, { id: 'explode' }], 'receive', 500],
    [
      'a handshake',
      { 'aeg-event-type': 'SubscriptionValidation' },
      [{ data: { validationCode: '7' } }],
      'receive',
      200,
    ],
    ['an unknown header', {}, [{ id: '1' }], 'receive', 400],
    ['an unknown function', { 'aeg-event-type': 'Notification' }, [], 'nothing', 404],
    ['a function of another kind', { 'aeg-event-type': 'Notification' }, [], 'verdict', 404],
  ])('answer %s', async (_, headers, body, name, status) => {
    expect((await post(headers as Record<string, string>, body, name)).status).toBe(status);
  });
  it('route by name and method', async () => {
    expect((await doors(new Request('http://h/api/verdict?x=1'))).status).toBe(200);
    expect((await doors(new Request('http://h/api/verdict', { method: 'POST' }))).status).toBe(404);
    expect((await doors(new Request('http://h/verdict'))).status).toBe(404);
  });
});

describe('the inbox', () => {
  it('keeps cards across a restart, newest first, under a strict content policy', async () => {
    const open = (at: string) => createInbox({ directory: join(directory, 'inbox'), clock: () => new Date(at) });
    const card = (text: string) => ({ type: 'AdaptiveCard', version: '1.4', body: [{ type: 'TextBlock', text }] });
    const post = async (at: string, text: string) => {
      const { handle } = await open(at);
      const attachments = [
        { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card(text) },
      ];
      return handle(
        new Request('http://h/webhook', { method: 'POST', body: JSON.stringify({ type: 'message', attachments }) }),
      );
    };
    expect((await post('2026-06-01T12:00:00Z', 'first')).status).toBe(202);
    expect((await post('2026-06-01T12:00:01Z', 'second')).status).toBe(202);
    const { handle, cards } = await open('2026-06-01T12:00:02Z');
    expect((await cards()).map(({ content }) => (content as ReturnType<typeof card>).body[0]?.text)).toEqual([
      'second',
      'first',
    ]);
    const page = await handle(new Request('http://h/'));
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(await page.text()).not.toMatch(/<script>|onclick=/);
    for (const asset of ['inbox.js', 'inbox.css', 'adaptivecards.js', 'markdown-it.js']) {
      expect((await handle(new Request(`http://h/assets/${asset}`))).status).toBe(200);
    }
  });
});

describe('the sample database', () => {
  it('is counted as it was written, over many pages', async () => {
    const path = join(directory, 'big.db');
    const many = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`CVE-${i}`, Buffer.from('x'.repeat(i % 300))]),
    );
    await writeFile(path, writeBolt({ vulnerability: many, other: { inner: { a: Buffer.from('b') } }, empty: {} }));
    expect(await countEntries(path, 'vulnerability')).toBe(20_000);
    expect(await countEntries(path, 'empty')).toBe(0);
    expect(await countEntries(path, 'missing')).toBe(0);
  });
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.alloc(20_000, 0x61)],
    ['one that is cut short', Buffer.from(buildDatabase(new Date()).db).subarray(0, 9000)],
  ])('is refused where it is %s', async (_, bytes) => {
    const path = join(directory, 'bad.db');
    await writeFile(path, bytes);
    await expect(countEntries(path, 'vulnerability')).rejects.toMatchObject({ code: 'DATABASE_MALFORMED' });
  });
  it('is written as a cache directory', async () => {
    await writeDatabase(join(directory, 'cache'), new Date());
    expect((await readdir(join(directory, 'cache', 'db'))).sort()).toEqual(['metadata.json', 'trivy.db']);
  });
});
