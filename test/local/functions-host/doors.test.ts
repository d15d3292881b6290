import { describe, expect, it } from 'vitest';
import { parseHostSettings } from '../../../local/functions-host/host-settings.js';
import { createHost } from '../../../local/functions-host/host.js';
import type { Binding, FunctionMetadata, Invocation, Invoke } from '../../../local/functions-host/protocol.js';
import { connectStorage } from '../../../shared/connect.js';
import { sharedAzurite } from '../../support/line.js';
import { SOURCE, contract, createManualTime, quickWait, settle } from './contract.js';

const named = (name: string, binding: Partial<Binding>, more: Partial<FunctionMetadata> = {}): FunctionMetadata => ({
  name,
  bindings: { trigger: { type: 'httpTrigger', direction: 'in', ...binding } },
  ...more,
});
const storage = async () => (await sharedAzurite()).connectionString;

/** A host over these functions, whose worker remembers what it is asked and fails at `explode`. */
async function open(
  functions: readonly FunctionMetadata[],
  { settings = {}, http = {} }: { readonly settings?: Record<string, string>; readonly http?: object } = {},
) {
  const invoked: { readonly name: string; readonly invocation: Invocation }[] = [];
  const time = createManualTime();
  const invoke: Invoke = (target, invocation) => {
    invoked.push({ name: target.name, invocation });
    if (JSON.stringify(invocation.input).includes('explode')) return Promise.reject(new Error('it exploded'));
    return Promise.resolve({ http: { statusCode: '201', headers: { a: 'b' }, body: { string: 'ok' } } });
  };
  const host = createHost({
    functions,
    host: parseHostSettings({ version: '2.0', extensions: { http } }),
    settings: { AzureWebJobsStorage: await storage(), ...settings },
    hostId: 'test-host',
    queueLeaseSeconds: 30,
    invoke,
    ready: () => Promise.resolve(),
    effects: { clock: time.clock, wait: quickWait, random: () => 0.5, processors: 1 },
    write: () => undefined,
  });
  const ask = (path: string, init?: RequestInit) => host.handle(new Request(`http://h${path}`, init));
  return { host, ask, invoked };
}

describe("Event Grid's door", () => {
  const functions = [named('receive', { type: 'eventGridTrigger' }), named('verdict', {})];
  const post = async (kind: string | undefined, body: unknown, name = 'receive') => {
    const { ask, invoked } = await open(functions);
    const response = await ask(`/runtime/webhooks/EventGrid?functionName=${name}`, {
      method: 'POST',
      headers: { ...(kind !== undefined && { 'aeg-event-type': kind }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, text: await response.text(), invoked };
  };
  const note = 'Notification';
  it.each([
    ['an array of one event', note, [{ id: '1' }], 'receive', 202],
    ['one event as an object (CloudEvents)', note, { id: '1' }, 'receive', 202],
    ['a function’s name in other letters', 'notification', [{ id: '1' }], 'RECEIVE', 202],
    ['no events', note, [], 'receive', 202],
    ['a failure', note, [{ id: 'explode' }], 'receive', 500],
    ['one failure of two', note, [{ id: '1' }, { id: 'explode' }], 'receive', 500],
    ['no JSON', note, '{', 'receive', 500],
    ['JSON that is no event', note, '7', 'receive', 500],
    ['no header', undefined, [{ id: '1' }], 'receive', 400],
    ['another header', 'Telemetry', [{ id: '1' }], 'receive', 400],
    ['the end of a subscription', 'Unsubscribe', {}, 'receive', 202],
    ['an unknown function', note, [{ id: '1' }], 'nothing', 404],
    ['a function of another kind', note, [{ id: '1' }], 'verdict', 404],
    ['a handshake without a code', 'SubscriptionValidation', [{ data: {} }], 'receive', 500],
  ])(`answers %s [${SOURCE.eventGrid}]`, async (_, kind, body, name, status) => {
    expect((await post(kind, body, name)).status).toBe(status);
  });
  contract([
    {
      behaviour: 'every event of a delivery is an invocation of its own, handed over unchanged',
      source: SOURCE.eventGrid,
      proof: async () => {
        const events = [
          { id: '1', topic: 't', data: { a: 1 } },
          { id: '2', specversion: '1.0', data: { b: 2 } },
        ];
        const { invoked } = await post(note, events);
        expect(invoked.map(({ invocation }) => invocation)).toMatchObject([
          { input: { json: JSON.stringify(events[0]) }, triggerMetadata: { data: { json: '{"a":1}' } } },
          { input: { json: JSON.stringify(events[1]) }, triggerMetadata: { data: { json: '{"b":2}' } } },
        ]);
      },
    },
    {
      behaviour: 'a failure and an unknown function are told by their messages',
      source: SOURCE.eventGrid,
      proof: async () => {
        expect((await post(note, [{ id: 'explode' }])).text).toBe('it exploded');
        expect((await post(note, [], 'nothing')).text).toBe("cannot find function: 'nothing'");
      },
    },
    {
      behaviour: "the handshake of Event Grid's schema returns the code; that of CloudEvents reads JSON within JSON",
      source: SOURCE.eventGrid,
      proof: async () => {
        const kind = 'SubscriptionValidation';
        const grid = await post(kind, [{ data: { validationCode: '7' } }]);
        const cloud = await post(kind, { data: JSON.stringify({ validationCode: '8' }) });
        expect([grid, cloud].map(({ status, text }) => [status, text])).toEqual([
          [200, '{"validationResponse":"7"}'],
          [200, '{"validationResponse":"8"}'],
        ]);
      },
    },
    {
      behaviour: 'the handshake of CloudEvents by OPTIONS allows Event Grid’s origin',
      source: SOURCE.eventGrid,
      proof: async () => {
        const { ask } = await open(functions);
        const response = await ask('/runtime/webhooks/eventgrid?functionName=receive', {
          method: 'OPTIONS',
          headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
        });
        expect([response.status, response.headers.get('webhook-allowed-origin')]).toEqual([200, 'eventgrid.azure.net']);
      },
    },
  ]);
});

describe('HTTP routes', () => {
  const functions = [
    named('verdict', { methods: ['GET'] }),
    named('plain', {}),
    named('item', { route: 'items/{id}', methods: ['get'] }),
    named('special', { route: 'items/special' }),
  ];
  const status = async (path: string, method = 'GET', http: object = {}) =>
    (await (await open(functions, { http })).ask(path, { method })).status;
  it.each([
    ['/api/verdict', 'GET', 201],
    ['/API/Verdict', 'GET', 201],
    ['/api/verdict', 'POST', 404],
    ['/api/verdict', 'HEAD', 404],
    ['/api/plain', 'POST', 201],
    ['/api/plain', 'PUT', 404],
    ['/verdict', 'GET', 404],
    ['/api/items/7', 'GET', 201],
    ['/api/items', 'GET', 404],
    ['/api/items/7/more', 'GET', 404],
    ['/api/nothing', 'GET', 404],
    ['/', 'GET', 404],
  ])(`%s, %s: %i [${SOURCE.http}]`, async (path, method, expected) => {
    expect(await status(path, method)).toBe(expected);
  });
  contract([
    {
      behaviour: 'the prefix is a setting, and may be empty',
      source: SOURCE.http,
      proof: async () => {
        expect(await status('/verdict', 'GET', { routePrefix: '' })).toBe(201);
        expect(await status('/v1/verdict', 'GET', { routePrefix: 'v1' })).toBe(201);
        expect(await status('/api/verdict', 'GET', { routePrefix: 'v1' })).toBe(404);
      },
    },
    {
      behaviour: 'a literal stands before a parameter, whose value is decoded',
      source: SOURCE.http,
      proof: async () => {
        const { ask, invoked } = await open(functions);
        await ask('/api/items/special');
        await ask('/api/items/a%2Fb?x=1&y');
        expect(invoked.map(({ name }) => name)).toEqual(['special', 'item']);
        expect(invoked[1]?.invocation.input).toMatchObject({
          http: { nullableParams: { id: { value: 'a/b' } }, nullableQuery: { x: { value: '1' }, y: { value: '' } } },
        });
      },
    },
    {
      behaviour: 'a function that fails is a 500 without a body',
      source: SOURCE.http,
      proof: async () => {
        const failed = await (await open(functions)).ask('/api/plain?explode');
        expect([failed.status, await failed.text()]).toEqual([500, '']);
      },
    },
  ]);
});

describe('the admin API', () => {
  const json = { 'content-type': 'application/json' };
  const post = (body: unknown): RequestInit => ({ method: 'POST', headers: json, body: JSON.stringify(body) });
  const functions = [
    named('work', { type: 'queueTrigger', queueName: 'admin-work', connection: 'Storage' }),
    named('tick', { type: 'timerTrigger', schedule: '0 0 3 * * *' }),
    named('receive', { type: 'eventGridTrigger' }),
    named('verdict', {}),
  ];
  const openAll = () => open(functions, { settings: { 'AzureWebJobs.work.Disabled': 'true' } });
  contract([
    {
      behaviour: 'ping answers, and status says that the host runs and who it is',
      source: SOURCE.hostController,
      proof: async () => {
        const { host, ask } = await openAll();
        for (const method of ['GET', 'POST']) expect((await ask('/admin/host/ping', { method })).status).toBe(200);
        expect(await (await ask('/admin/host/status')).json()).toMatchObject({ id: 'test-host', state: 'Running' });
        await host.stop();
      },
    },
    {
      behaviour: 'a function is run with the text it is given as its trigger, and 202 does not wait for it',
      source: SOURCE.functionsController,
      proof: async () => {
        const { host, ask, invoked } = await openAll();
        const codes = [
          await ask('/admin/functions/WORK', post({ input: '{"explode":1}' })),
          await ask('/admin/functions/tick', post({ input: '' })),
          await ask('/admin/functions/receive', post({ input: '{"id":"1"}' })),
        ].map(({ status }) => status);
        expect(codes).toEqual([202, 202, 202]);
        await host.stop();
        expect(invoked.map(({ name }) => name)).toEqual(['work', 'tick', 'receive']);
        expect(invoked[0]?.invocation).toMatchObject({
          input: { string: '{"explode":1}' },
          triggerMetadata: { DequeueCount: { json: '0' }, explode: { string: '1' } },
        });
        expect(JSON.parse((invoked[1]?.invocation.input as { json: string }).json)).toMatchObject({ IsPastDue: false });
        expect(invoked[2]?.invocation.input).toEqual({ json: '{"id":"1"}' });
      },
    },
    {
      behaviour: 'an unknown function is 404, a missing body 400, another content type 415',
      source: SOURCE.functionsController,
      proof: async () => {
        const { host, ask, invoked } = await openAll();
        const codes = [
          await ask('/admin/functions/nothing', post({ input: '' })),
          await ask('/admin/functions/tick', { method: 'POST', headers: json }),
          await ask('/admin/functions/tick', { method: 'POST', body: '{"input":""}' }),
          await ask('/admin/functions/verdict', post({ input: '' })),
        ].map(({ status }) => status);
        expect(codes).toEqual([404, 400, 415, 400]);
        await host.stop();
        expect(invoked).toEqual([]);
      },
    },
  ]);
});

describe('settings of the app', () => {
  contract([
    {
      behaviour: 'a queue’s name takes %SETTINGS%, in small letters; its connection is a setting, AzureWebJobs before',
      source: `${SOURCE.appSettings} ${SOURCE.connections}`,
      proof: async () => {
        const connectionString = await storage();
        const { queues } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
        const queue = queues.getQueueClient('named-by-setting');
        await queue.create();
        await queue.sendMessage(Buffer.from('m').toString('base64'));
        const { host, invoked } = await open(
          [named('f', { type: 'queueTrigger', queueName: '%Prefix%-By-Setting', connection: 'WORK' })],
          { settings: { PREFIX: 'NAMED', WORK: 'UseDevelopmentStorage=false', AzureWebJobsWORK: connectionString } },
        );
        await expect.poll(() => invoked.length).toBe(1);
        await host.stop();
      },
    },
    {
      behaviour:
        'a schedule takes %SETTINGS%; it is remembered unless useMonitor is off or it runs more than once a minute',
      source: `${SOURCE.appSettings} ${SOURCE.timerSchedule}`,
      proof: async () => {
        const connectionString = await storage();
        const { blobs } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
        const container = blobs.getContainerClient('azure-webjobs-hosts');
        const timer = (name: string, more: Partial<Binding>) => named(name, { type: 'timerTrigger', ...more });
        const { host } = await open(
          [
            timer('unremembered', { schedule: '0 0 4 * * *', useMonitor: false }),
            timer('often', { schedule: '*/10 * * * * *' }),
            timer('remembered', { schedule: '%WHEN%' }),
          ],
          { settings: { WHEN: '0 0 4 * * *' } },
        );
        const status = (name: string) => container.getBlobClient(`timers/test-host/Host.Functions.${name}/status`);
        await expect.poll(() => status('remembered').exists()).toBe(true);
        await host.stop();
        expect((await status('remembered').downloadToBuffer()).toString()).toContain(
          '"Next":"2026-06-02T04:00:00+00:00"',
        );
        expect(await Promise.all(['unremembered', 'often'].map((name) => status(name).exists()))).toEqual([
          false,
          false,
        ]);
      },
    },
    {
      behaviour: 'AzureWebJobs.NAME.Disabled closes a function’s listener and its door',
      source: SOURCE.disable,
      proof: async () => {
        for (const [value, expected] of [
          ['true', 404],
          ['1', 404],
          ['false', 201],
        ] as const) {
          const { ask } = await open([named('verdict', {})], { settings: { 'AzureWebJobs.Verdict.Disabled': value } });
          expect((await ask('/api/verdict')).status).toBe(expected);
        }
        const connectionString = await storage();
        const { queues } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
        await queues.getQueueClient('disabled').create();
        await queues.getQueueClient('disabled').sendMessage('bQ==');
        const { host, invoked } = await open([named('q', { type: 'queueTrigger', queueName: 'disabled' })], {
          settings: { 'AzureWebJobs.q.Disabled': 'True' },
        });
        await settle();
        await host.stop();
        expect(invoked).toEqual([]);
      },
    },
  ]);
});

describe('what is not served is refused before anything starts', () => {
  const queue = { type: 'queueTrigger', queueName: 'q-1', connection: 'Storage' };
  it.each<readonly [string, readonly FunctionMetadata[], Record<string, string>]>([
    ['another trigger', [named('f', { type: 'blobTrigger' })], {}],
    [
      'an output',
      [
        {
          ...named('f', queue),
          bindings: {
            a: { type: 'queueTrigger', direction: 'in', queueName: 'q-1' },
            b: { type: 'queue', direction: 'out' },
          },
        },
      ],
      {},
    ],
    [
      'an input',
      [
        {
          name: 'f',
          bindings: { a: { type: 'httpTrigger', direction: 'in' }, b: { type: 'blob', direction: 'in' } },
        },
      ],
      {},
    ],
    [
      'a retry policy',
      [named('f', { type: 'timerTrigger', schedule: '0 0 * * * *' }, { retryOptions: { maxRetryCount: 3 } })],
      {},
    ],
    ['a function key', [named('f', { authLevel: 'function' })], {}],
    ['a route constraint', [named('f', { route: 'a/{id:int}' })], {}],
    ['an optional parameter', [named('f', { route: 'a/{id?}' })], {}],
    ['a catch-all', [named('f', { route: '{*rest}' })], {}],
    ['a schedule that is none', [named('f', { type: 'timerTrigger', schedule: '00:05:00' })], {}],
    ['a schedule of a setting that is not there', [named('f', { type: 'timerTrigger', schedule: '%WHEN%' })], {}],
    ['a queue of a setting that is not there', [named('f', { ...queue, queueName: '%WHICH%' })], {}],
    ['a queue whose name cannot be', [named('f', { ...queue, queueName: 'a_b' })], {}],
    ['a connection that is not there', [named('f', { ...queue, connection: 'OTHER' })], {}],
    [
      'a connection by identity',
      [named('f', { ...queue, connection: 'OTHER' })],
      { OTHER__queueServiceUri: 'https://a' },
    ],
  ])('%s', async (_, functions, settings) => {
    await expect(open(functions, { settings })).rejects.toThrow('function f');
  });
  it('a route of the host’s own, where there is no prefix', async () => {
    const functions = [named('f', { route: 'admin/f' })];
    await expect(open(functions, { http: { routePrefix: '' } })).rejects.toThrow('function f');
    await (await open(functions)).host.stop();
  });
});
