import { describe, expect, it } from 'vitest';
import { parseHostSettings, parseTimeSpan } from '../../../local/functions-host/host-settings.js';
import { createBackoff } from '../../../local/functions-host/queue/backoff.js';
import { listenToQueue } from '../../../local/functions-host/queue/queue-listener.js';
import { triggerMetadata } from '../../../local/functions-host/queue/trigger-metadata.js';
import { connectStorage } from '../../../shared/connect.js';
import { sharedAzurite } from '../../support/line.js';
import { SOURCE, contract, createManualTime } from './contract.js';

const queues = (more: object = {}) => parseHostSettings({ version: '2.0', extensions: { queues: more } }).queues;
const pauses = (random: () => number, found: readonly boolean[], longest = 60_000) => {
  const next = createBackoff(longest, random);
  return found.map((one) => Math.round(next(one)));
};
const none = (count: number) => Array.from({ length: count }, () => false);

describe('pauses', () => {
  contract([
    {
      behaviour: 'after a message the pause is 100 ms, then it grows by 100, 200, 400 ms, … up to maxPollingInterval',
      source: SOURCE.backoff,
      proof: () => {
        expect(pauses(() => 0.5, [true, ...none(5)], 1000)).toEqual([100, 200, 300, 500, 900, 1000]);
        expect(pauses(() => 0.5, [...none(6), true, false], 1000)).toEqual([100, 200, 300, 500, 900, 1000, 100, 200]);
      },
    },
    {
      behaviour: 'the growth is spread by 20 % to either side',
      source: SOURCE.backoff,
      proof: () => {
        expect(pauses(() => 0, [true, ...none(3)])).toEqual([100, 180, 260, 420]);
        expect(pauses(() => 1, [true, ...none(3)])).toEqual([100, 220, 340, 580]);
      },
    },
    {
      behaviour: 'maxPollingInterval is a minute where nothing is said, and not less than 100 ms',
      source: SOURCE.options,
      proof: () => {
        expect(queues().maxPollingInterval).toBe(60_000);
        expect(queues({ maxPollingInterval: '00:00:00.1' }).maxPollingInterval).toBe(100);
        expect(() => queues({ maxPollingInterval: '00:00:00.099' })).toThrow();
      },
    },
    {
      behaviour: 'a queue that is not there is looked for again, not made; being woken ends the pause',
      source: SOURCE.listener,
      proof: async () => {
        const { connectionString } = await sharedAzurite();
        const { queues: service } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
        const queue = service.getQueueClient('not-there');
        const time = createManualTime();
        const seen: unknown[] = [];
        const listener = listenToQueue({
          queue,
          poison: undefined,
          target: { name: 'f', bindings: {} },
          settings: queues(),
          processors: 1,
          leaseSeconds: 30,
          invoke: (_, { input }) => {
            seen.push(input);
            return Promise.resolve({});
          },
          ready: () => Promise.resolve(),
          wait: time.wait,
          random: () => 0.5,
          notify: () => undefined,
          write: () => undefined,
        });
        await expect.poll(() => time.pauses).toEqual([100]);
        await time.advance(100);
        await expect.poll(() => time.pauses).toEqual([100, 200]);
        expect(await queue.exists()).toBe(false);
        await queue.create();
        await queue.sendMessage(Buffer.from('m').toString('base64'));
        listener.wake();
        await expect.poll(() => seen).toEqual([{ string: 'm' }]);
        await listener.stop();
      },
    },
  ]);
});

describe('settings of host.json', () => {
  contract([
    {
      behaviour: 'an app setting AzureFunctionsJobHost__a__b stands above the member a.b',
      source: SOURCE.hostJson,
      proof: () => {
        const env = {
          AzureFunctionsJobHost__extensions__queues__batchSize: '3',
          AzureFunctionsJobHost__extensions__http__routePrefix: '',
          AzureFunctionsJobHost__functionTimeout: '-1',
        };
        const settings = parseHostSettings({ version: '2.0', extensions: { queues: { batchSize: 8 } } }, env);
        expect(settings).toMatchObject({ routePrefix: '', queues: { batchSize: 3 } });
        expect(settings.functionTimeoutMilliseconds).toBeUndefined();
      },
    },
    {
      behaviour: 'functionTimeout is half an hour where nothing is said, at least a second, and -1 is for ever',
      source: SOURCE.timeout,
      proof: () => {
        const of = (functionTimeout?: string) =>
          parseHostSettings({ version: '2.0', ...(functionTimeout !== undefined && { functionTimeout }) })
            .functionTimeoutMilliseconds;
        expect(of()).toBe(1_800_000);
        expect(of('00:00:01')).toBe(1000);
        expect(of('-1')).toBeUndefined();
        for (const bad of ['00:00:00.5', 'ten minutes', '-5']) expect(() => of(bad)).toThrow();
      },
    },
  ]);
  it.each([
    ['00:00:30', 30_000],
    ['1.02:03:04', 93_784_000],
    ['00:00:00.25', 250],
    ['02:00', 7_200_000],
  ])('reads the time span %s', (text, milliseconds) => expect(parseTimeSpan(text)).toBe(milliseconds));
  it.each(['', '30', '24:00:00', '00:60:00', '-00:00:30', 'PT5M', '00:00:00.12345678'])(
    'refuses the time span %j',
    (text) => {
      expect(() => parseTimeSpan(text)).toThrow();
    },
  );
  it.each([[{ version: '1.0' }], [{ version: '2.0', concurrency: { dynamicConcurrencyEnabled: true } }]])(
    'refuses %j',
    (json) => {
      expect(() => parseHostSettings(json)).toThrow();
    },
  );
});

describe('what a function is told of a message', () => {
  const at = (text: string) => new Date(text);
  const item = {
    messageId: 'real-id',
    popReceipt: 'real-receipt',
    dequeueCount: 2,
    insertedOn: at('2026-06-01T12:00:00Z'),
    expiresOn: at('9999-12-31T23:59:59Z'),
    nextVisibleOn: at('2026-06-01T12:10:00.250Z'),
  };
  const told = (text: string) => triggerMetadata(text, item);
  contract([
    {
      behaviour: 'its text, id, receipt, count and times',
      source: SOURCE.triggerBinding,
      proof: () => {
        expect(told('plain')).toEqual({
          QueueTrigger: { string: 'plain' },
          DequeueCount: { json: '2' },
          Id: { string: 'real-id' },
          PopReceipt: { string: 'real-receipt' },
          InsertionTime: { json: '"2026-06-01T12:00:00+00:00"' },
          ExpirationTime: { json: '"9999-12-31T23:59:59+00:00"' },
          NextVisibleTime: { json: '"2026-06-01T12:10:00.25+00:00"' },
        });
      },
    },
    {
      behaviour: 'members of a JSON message overwrite all of it, whatever their case',
      source: SOURCE.bindingData,
      proof: () => {
        const overwritten = told('{"dequeueCount":99,"ID":"mine","popreceipt":"mine","queueTrigger":"mine"}');
        expect(overwritten).toMatchObject({
          DequeueCount: { string: '99' },
          Id: { string: 'mine' },
          PopReceipt: { string: 'mine' },
          QueueTrigger: { string: 'mine' },
        });
        expect(Object.keys(overwritten)).toHaveLength(7);
      },
    },
    {
      behaviour: 'scalars become text, objects stay, arrays and nulls are passed over',
      source: SOURCE.bindingData,
      proof: () => {
        const { a, b, c, d, e, f } = told('{"a":1.5,"b":true,"c":"x","d":{"y":[1]},"e":[1],"f":null}');
        expect({ a, b, c, d, e, f }).toEqual({
          a: { string: '1.5' },
          b: { string: 'True' },
          c: { string: 'x' },
          d: { json: '{"y":[1]}' },
          e: undefined,
          f: undefined,
        });
      },
    },
    {
      behaviour: 'a message that is no JSON object overwrites nothing',
      source: SOURCE.bindingData,
      proof: () => {
        for (const text of ['[{"id":"mine"}]', '"id"', '{"id":', '7'])
          expect(told(text)['Id']).toEqual({ string: 'real-id' });
      },
    },
  ]);
});
