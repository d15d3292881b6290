import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliverToFunction, deliverToQueue } from '../../../local/event-grid/destination.js';
import { type GridEvent, inSchema } from '../../../local/event-grid/event.js';
import { type EventGridOptions, createEventGrid } from '../../../local/event-grid/event-grid.js';
import { type Answer, pauseSeconds } from '../../../local/event-grid/retry.js';
import { listen } from './listen.js';
import { connectStorage } from '../../../shared/connect.js';
import { parseRegistryEvent } from '../../../shared/message/registry-event.js';
import { sharedAzurite } from '../../support/line.js';
import { createManualTime, settle } from '../functions-host/contract.js';

const DOCUMENT = 'https://learn.microsoft.com/azure/event-grid/delivery-and-retry';
const NOON = '2026-06-01T12:00:00.000Z';
const HOUR = 3600;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lazaret-events-'));
});
afterAll(() => rm(directory, { recursive: true }));

const event = (id: string): GridEvent => ({
  id,
  topic: '/subscriptions/0/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/team',
  subject: 'shop/api:v1',
  eventType: 'Microsoft.ContainerRegistry.ImagePushed',
  eventTime: NOON,
  data: { action: 'push', target: { repository: 'shop/api', digest: `sha256:${'a'.repeat(64)}`, tag: 'v1' } },
  dataVersion: '2.0',
  metadataVersion: '1',
});

/** A grid whose subscriber gives these answers, then 202; `seen` is the seconds after noon at which it was asked. */
function open(name: string, answers: (Answer | Error)[], options: Partial<EventGridOptions> = {}) {
  const time = createManualTime(NOON);
  const seen: (readonly [id: string, seconds: number])[] = [];
  const place = join(directory, name);
  const create = (more: Partial<EventGridOptions> = {}) =>
    createEventGrid({
      directory: place,
      clock: time.clock,
      wait: time.wait,
      schema: 'eventgrid',
      acceleration: 1,
      deliver: ({ id }) => {
        seen.push([id, (time.clock().getTime() - Date.parse(NOON)) / 1000]);
        const answer = answers.shift() ?? 202;
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      ...options,
      ...more,
    });
  const files = async () => (await readdir(place)).filter((file) => file.endsWith('.json'));
  const letters = async () => {
    const all = await readdir(place, { recursive: true });
    const names = all.filter((file) => file.startsWith('dead-letter') && file.endsWith('.json'));
    const read = async (file: string) => JSON.parse(await readFile(join(place, file), 'utf8')) as readonly unknown[];
    return { names, letters: (await Promise.all(names.map(read))).flat() };
  };
  /** Moves time to when the next try is due, and waits until it has been made. */
  const next = async () => {
    const count = seen.length;
    await expect.poll(time.sleeping).toBe(1);
    await time.advance(time.pauses.at(-1)!);
    await expect.poll(() => seen.length).toBe(count + 1);
  };
  return { create, time, seen, files, letters, next };
}
const times = (seen: readonly (readonly [string, number])[]) => seen.map(([, seconds]) => seconds);

describe(`tries [${DOCUMENT}]`, () => {
  it('follow the schedule, each pause from the last failure, until a day is over', async () => {
    const { create, seen, next, letters, files, time } = open('schedule', new Array<Answer>(20).fill(500));
    const grid = await create();
    await grid.publish(event('a'));
    await expect.poll(() => seen.length).toBe(1);
    const pauses = [10, 30, 60, 300, 600, 1800, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 12 * HOUR];
    for (let i = 0; i < 10; i++) await next();
    await expect.poll(() => time.pauses.length).toBe(11);
    await time.advance(time.pauses.at(-1)!);
    const expected = pauses.slice(0, 10).reduce((sum, pause) => [...sum, sum.at(-1)! + pause], [0]);
    expect(times(seen)).toEqual(expected);
    expect(time.pauses).toEqual(pauses.map((seconds) => seconds * 1000));
    // The twelfth try would be after more than a day: the event is given up instead, when that try is due.
    await expect.poll(files).toEqual([]);
    expect((await letters()).letters).toMatchObject([{ deadLetterReason: 'TimeToLiveExceeded', deliveryAttempts: 11 }]);
    await grid.stop();
  });
  it.each([
    [[500], 10],
    [['none'], 10],
    [[new Error('refused')], 10],
    [[429], 10],
    [[503], 30],
    [[408], 120],
    [[401], 300],
    [[404], 300],
    [[503, 503, 503, 503], 300],
    [[408, 408, 408, 408, 408], 600],
  ] as const)('after %j pause %i s', async (answers, seconds) => {
    const { create, seen, next, time } = open(`pause-${answers.join('-')}`, [...answers]);
    const grid = await create();
    await grid.publish(event('a'));
    await expect.poll(() => seen.length).toBe(1);
    for (let i = 0; i < answers.length; i++) await next();
    expect(time.pauses.at(-1)).toBe(seconds * 1000);
    await grid.stop();
  });
  it.each([200, 201, 202, 203, 204])('end with %i', async (status) => {
    const { create, seen, files } = open(`end-${status}`, [status]);
    const grid = await create();
    await grid.publish(event('a'));
    await expect.poll(files).toEqual([]);
    await grid.stop();
    expect(seen).toHaveLength(1);
  });
  it.each([206, 301, 400, 403, 413, 500])('do not end well with %i', async (status) => {
    const { create, seen, time, letters } = open(`bad-${status}`, [status]);
    const grid = await create();
    await grid.publish(event('a'));
    await expect.poll(async () => time.sleeping() + (await letters()).letters.length).toBe(1);
    expect(seen).toHaveLength(1);
    await grid.stop();
  });
  it('pass faster where they are accelerated, lifetime included', async () => {
    const policy = { maxDeliveryAttempts: 30, eventTimeToLiveMinutes: 1 };
    const { create, seen, time, letters } = open('fast', new Array<Answer>(9).fill(500), {
      acceleration: 10,
      policy,
    });
    const grid = await create();
    await grid.publish(event('a'));
    for (const pause of [1000, 3000, 6000]) {
      await expect.poll(() => time.pauses.at(-1)).toBe(pause);
      await time.advance(pause);
    }
    await expect.poll(async () => (await letters()).letters.length).toBe(1);
    expect(times(seen)).toEqual([0, 1, 4]);
    await grid.stop();
  });
});

describe(`limits [${DOCUMENT}]`, () => {
  it('end the tries at maxDeliveryAttempts, if that comes first', async () => {
    const policy = { maxDeliveryAttempts: 3, eventTimeToLiveMinutes: 1440 };
    const { create, seen, next, letters } = open('attempts', [500, 500, 404], { policy });
    const grid = await create();
    await grid.publish(event('a'));
    await expect.poll(() => seen.length).toBe(1);
    await next();
    await next();
    await expect
      .poll(async () => (await letters()).letters)
      .toEqual([
        {
          ...event('a'),
          deadLetterReason: 'MaxDeliveryAttemptsExceeded',
          deliveryAttempts: 3,
          lastDeliveryOutcome: 'NotFound',
          publishTime: NOON,
          lastDeliveryAttemptTime: '2026-06-01T12:00:40.000Z',
        },
      ]);
    expect((await letters()).names[0]).toMatch(/^dead-letter\/LAZARET\/2026\/6\/1\/12\/[\w-]+\.json$/);
    await grid.stop();
  });
  it('end them at eventTimeToLive, if that comes first, when a try is due', async () => {
    const policy = { maxDeliveryAttempts: 30, eventTimeToLiveMinutes: 1 };
    const { create, seen, next, time, letters } = open('life', [500, 500, 500, 500], { policy });
    const grid = await create();
    await grid.publish(event('a'));
    await expect.poll(() => seen.length).toBe(1);
    await next();
    await next();
    await expect.poll(time.sleeping).toBe(1);
    await time.advance(59_000);
    expect((await letters()).letters).toEqual([]);
    await time.advance(1000);
    await expect
      .poll(async () => (await letters()).letters)
      .toMatchObject([{ deadLetterReason: 'TimeToLiveExceeded', deliveryAttempts: 3 }]);
    expect(seen).toHaveLength(3);
    await grid.stop();
  });
  it.each([
    { maxDeliveryAttempts: 0, eventTimeToLiveMinutes: 1 },
    { maxDeliveryAttempts: 31, eventTimeToLiveMinutes: 1 },
    { maxDeliveryAttempts: 1, eventTimeToLiveMinutes: 1441 },
    { maxDeliveryAttempts: 1.5, eventTimeToLiveMinutes: 1 },
  ])('are refused where the service refuses them: %j', async (policy) => {
    await expect(open('refused', [], { policy }).create()).rejects.toThrow('from 1 to');
  });
  it.each([
    [400, 'UndeliverableDueToHttpBadRequest', 'BadRequest'],
    [403, 'UndeliverableDueToHttpForbidden', 'Forbidden'],
    [413, 'UndeliverableDueToHttpPayloadTooLarge', 'PayloadTooLarge'],
  ])('do not matter to a %i, which no repetition mends', async (status, deadLetterReason, lastDeliveryOutcome) => {
    const { create, letters } = open(`never-${status}`, [status], { schema: 'cloudevents' });
    const grid = await create();
    await grid.publish(event('a'));
    await expect
      .poll(async () => (await letters()).letters)
      .toEqual([
        {
          ...inSchema(event('a'), 'cloudevents'),
          deadletterreason: deadLetterReason,
          deliveryattempts: 1,
          lastdeliveryoutcome: lastDeliveryOutcome,
          publishtime: NOON,
          lastdeliveryattempttime: NOON,
        },
      ]);
    await grid.stop();
  });
  it('leave twelve hours between all later tries', () => {
    expect([10, 11, 29].map((attempts) => pauseSeconds(attempts, 500))).toEqual([12 * HOUR, 12 * HOUR, 12 * HOUR]);
  });
});

describe('an event', () => {
  it('survives a restart with its count and its time', async () => {
    const { create, seen, next, time, letters } = open('restart', [500, 500, 500], {
      policy: { maxDeliveryAttempts: 3, eventTimeToLiveMinutes: 1440 },
    });
    const before = await create();
    await before.publish(event('a'));
    await expect.poll(time.sleeping).toBe(1);
    await next();
    await expect.poll(time.sleeping).toBe(1);
    await before.stop();
    await time.advance(5000);
    const after = await create();
    await expect.poll(() => time.pauses.at(-1)).toBe(25_000);
    expect(seen).toHaveLength(2);
    await time.advance(25_000);
    await expect.poll(async () => (await letters()).letters).toMatchObject([{ deliveryAttempts: 3 }]);
    await after.stop();
  });
  it('survives a kill: what was published is there without any stop', async () => {
    const { create, seen, files } = open('kill', []);
    // The first grid is never stopped, and never hears an answer.
    const killed = await create({ deliver: () => new Promise(() => undefined) });
    await killed.publish(event('a'));
    await killed.publish(event('b'));
    const after = await create();
    await expect.poll(() => seen.map(([id]) => id).sort()).toEqual(['a', 'b']);
    await expect.poll(files).toEqual([]);
    await after.stop();
  });
  it('comes again as often as the script says, after it was taken', async () => {
    const { create, seen, files } = open('again', [], { repeats: ({ id }) => (id === 'twice' ? 2 : 0) });
    const grid = await create();
    await grid.publish(event('twice'));
    await grid.publish(event('once'));
    await expect.poll(files).toEqual([]);
    await grid.stop();
    expect(seen.map(([id]) => id).sort()).toEqual(['once', 'twice', 'twice', 'twice']);
  });
  it('does not wait for another one that fails; at most 32 are under way', async () => {
    let under = 0;
    let most = 0;
    const { create, files } = open('many', [], {
      deliver: async ({ id }) => {
        most = Math.max(most, ++under);
        await settle();
        under -= 1;
        return id === '0' ? 500 : 202;
      },
    });
    const grid = await create();
    for (let i = 0; i < 100; i++) await grid.publish(event(String(i)));
    await expect.poll(files).toHaveLength(1);
    await grid.stop();
    expect(most).toBeLessThanOrEqual(32);
  });
});

describe('destinations', () => {
  const cloud = {
    specversion: '1.0',
    id: 'a',
    source: event('a').topic,
    type: event('a').eventType,
    subject: 'shop/api:v1',
    time: NOON,
    data: event('a').data,
  };
  it('have both schemas read by the pipeline as the same push', () => {
    const read = (schema: 'eventgrid' | 'cloudevents') =>
      parseRegistryEvent(inSchema(event('a'), schema), new Date('2026-06-01T12:00:01Z'));
    expect(inSchema(event('a'), 'cloudevents')).toEqual(cloud);
    expect(read('cloudevents')).toEqual(read('eventgrid'));
  });
  it.each([
    ['eventgrid', 'application/json; charset=utf-8', [event('a')]],
    ['cloudevents', 'application/cloudevents+json; charset=utf-8', cloud],
  ] as const)('function, %s', async (schema, contentType, body) => {
    const { url, requests, close } = await listen(202);
    const deliver = deliverToFunction(() => url, { functionName: 'receive', schema });
    expect(await deliver(event('a'), { attempts: 2 })).toBe(202);
    await close();
    expect(requests).toEqual([
      {
        path: '/runtime/webhooks/EventGrid?functionName=receive',
        type: contentType,
        event: 'Notification',
        count: '2',
        body,
      },
    ]);
    expect(
      await deliverToFunction(() => undefined, { functionName: 'receive', schema })(event('a'), { attempts: 0 }),
    ).toBe('none');
  });
  it.each(['eventgrid', 'cloudevents'] as const)('queue, %s', async (schema) => {
    const { connectionString } = await sharedAzurite();
    const { queues } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
    const queue = queues.getQueueClient(`events-${schema}`);
    const deliver = deliverToQueue(queue, schema);
    expect(await deliver(event('a'), { attempts: 0 })).toBe(404);
    await queue.create();
    expect(await deliver(event('a'), { attempts: 0 })).toBe(201);
    expect(await deliver({ ...event('a'), data: 'x'.repeat(50_000) }, { attempts: 0 })).toBe(413);
    const [message] = (await queue.receiveMessages()).receivedMessageItems;
    const text = Buffer.from(message!.messageText, 'base64').toString();
    expect(JSON.parse(text)).toEqual(schema === 'eventgrid' ? event('a') : cloud);
  });
});
