import { describe, expect } from 'vitest';
import type { FromWorker, ToWorker } from '../../../local/functions-host/protocol.js';
import { createWorkerChannel } from '../../../local/functions-host/worker/worker-channel.js';
import { SOURCE, contract, createManualTime, settle } from './contract.js';

const invocation = { input: { string: 'm' }, reason: 'a test' };

/** A channel whose workers are objects, in time that is moved by hand. */
function open({
  functionTimeout,
  stubborn = false,
  slow = false,
}: { readonly functionTimeout?: number; readonly stubborn?: boolean; readonly slow?: boolean } = {}) {
  const time = createManualTime();
  const workers: ReturnType<typeof createWorker>[] = [];
  function createWorker(pid: number) {
    const exited = Promise.withResolvers<string>();
    const sent: ToWorker[] = [];
    let listener: (message: FromWorker) => void = () => undefined;
    return {
      sent,
      say: async (message: FromWorker) => {
        listener(message);
        await settle();
      },
      die: async (how = 'SIGKILL') => {
        exited.resolve(how);
        await settle();
      },
      connection: {
        pid,
        send: (message: ToWorker) => {
          sent.push(message);
          if (message.kind === 'stop' && !stubborn) exited.resolve('code 0');
        },
        onMessage: (given: typeof listener) => {
          listener = given;
        },
        exited: exited.promise,
        kill: () => {
          if (!slow) exited.resolve('SIGKILL');
        },
      },
    };
  }
  const channel = createWorkerChannel({
    connect: () => {
      const worker = createWorker(workers.length + 1);
      workers.push(worker);
      return worker.connection;
    },
    functionTimeoutMilliseconds: () => functionTimeout,
    wait: time.wait,
    write: () => undefined,
  });
  const last = () => workers.at(-1)!;
  const getReady = () => last().say({ kind: 'ready', functions: [{ name: 'f', bindings: {} }] });
  const outcome = (id: string) =>
    channel.invoke(id, 'f', invocation).then(
      () => 'done',
      (error: unknown) => (error as Error).message,
    );
  return { channel, time, workers, last, getReady, outcome };
}

describe('the channel to the worker', () => {
  contract([
    {
      behaviour: 'an invocation waits for a worker, and ends as the worker says',
      source: SOURCE.worker,
      proof: async () => {
        const { channel, last, getReady, outcome } = open();
        const [good, bad] = [outcome('1'), outcome('2')];
        await settle();
        expect(last().sent).toEqual([]);
        await getReady();
        expect(await channel.ready()).toEqual([{ name: 'f', bindings: {} }]);
        expect(last().sent.map((message) => message.kind === 'invoke' && message.id)).toEqual(['1', '2']);
        await last().say({ kind: 'done', id: '1', response: {} });
        await last().say({ kind: 'failed', id: '2', message: 'bad' });
        expect(await Promise.all([good, bad])).toEqual(['done', 'bad']);
        await channel.stop();
      },
    },
    {
      behaviour: 'after a first death the next worker starts at once, after further ones later and later, up to 10 s',
      source: SOURCE.dispatcher,
      proof: async () => {
        const { channel, time, workers, last, getReady } = open();
        await getReady();
        await last().die();
        expect(workers).toHaveLength(2);
        for (const expected of [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]) {
          await getReady();
          await last().die();
          expect(time.pauses.at(-1)).toBe(expected);
          const count = workers.length;
          await time.advance(expected);
          expect(workers).toHaveLength(count + 1);
        }
        await channel.stop();
      },
    },
    {
      behaviour: 'a worker that has run something is as good as the first',
      source: SOURCE.dispatcher,
      proof: async () => {
        const { channel, time, workers, last, getReady, outcome } = open();
        for (let i = 0; i < 4; i++) {
          await getReady();
          const running = outcome(String(i));
          await settle();
          await last().say({ kind: 'failed', id: String(i), message: 'bad' });
          expect(await running).toBe('bad');
          await last().die();
        }
        expect(workers).toHaveLength(5);
        expect(time.pauses).toEqual([]);
        await channel.stop();
      },
    },
    {
      behaviour: 'what is asked for after a death goes to the next worker',
      source: SOURCE.dispatcher,
      proof: async () => {
        const { channel, last, workers, getReady, outcome } = open();
        await getReady();
        const lost = outcome('1');
        await settle();
        await last().die('code 7');
        expect(await lost).toBe('the worker process ended (code 7)');
        const kept = outcome('2');
        await settle();
        expect(workers[1]?.sent).toEqual([]);
        await getReady();
        await last().say({ kind: 'done', id: '2', response: {} });
        expect(await kept).toBe('done');
        // In the very moment of a death as well.
        const dying = last().die();
        const late = outcome('3');
        await dying;
        await getReady();
        await last().say({ kind: 'done', id: '3', response: {} });
        expect(await late).toBe('done');
        await channel.stop();
      },
    },
    {
      behaviour: 'two timeouts restart one worker, and neither counts as a death',
      source: SOURCE.exceptions,
      proof: async () => {
        const { channel, time, workers, getReady, last, outcome } = open({ functionTimeout: 1000 });
        await getReady();
        const [a, b] = [outcome('1'), outcome('2')];
        await settle();
        await time.advance(400);
        const c = outcome('3');
        await settle();
        await time.advance(600);
        expect(await Promise.all([a, b])).toEqual([
          'Timeout value of 1000 ms was exceeded by function: Functions.f',
          'Timeout value of 1000 ms was exceeded by function: Functions.f',
        ]);
        expect(await c).toBe('the worker process ended (SIGKILL)');
        expect(workers).toHaveLength(2);
        await getReady();
        await last().die();
        expect(workers).toHaveLength(3);
        await channel.stop();
      },
    },
    {
      behaviour: 'what is asked for between two timeouts goes to the worker that comes after both',
      source: SOURCE.exceptions,
      proof: async () => {
        const { channel, time, workers, getReady, last, outcome } = open({ functionTimeout: 1000, slow: true });
        await getReady();
        const first = outcome('1');
        await settle();
        await time.advance(500);
        const second = outcome('2');
        await settle();
        await time.advance(500);
        expect(await first).toContain('1000 ms');
        const kept = outcome('3');
        await time.advance(500);
        expect(await second).toContain('1000 ms');
        await last().die();
        expect(workers).toHaveLength(2);
        await getReady();
        await last().say({ kind: 'done', id: '3', response: {} });
        expect(await kept).toBe('done');
        await channel.stop();
      },
    },
    {
      behaviour: 'a worker that refuses the app is not started again; one that dies while it starts, twice',
      source: SOURCE.dispatcher,
      proof: async () => {
        const refused = open();
        await refused.last().say({ kind: 'refused', message: 'a broken app' });
        await refused.last().die('code 1');
        await expect(refused.channel.ready()).rejects.toThrow('a broken app');
        expect((await refused.channel.gone).message).toBe('a broken app');
        expect(refused.workers).toHaveLength(1);
        const dying = open();
        for (let i = 0; i < 3; i++) {
          await dying.last().die('SIGSEGV');
          await dying.time.advance(10_000);
        }
        await expect(dying.channel.ready()).rejects.toThrow('SIGSEGV');
        expect(dying.workers).toHaveLength(3);
      },
    },
    {
      behaviour: 'a stop asks the worker to end, and ends it where it does not',
      source: SOURCE.worker,
      proof: async () => {
        const { channel, last, getReady, workers } = open();
        await getReady();
        await channel.stop();
        expect(last().sent).toEqual([{ kind: 'stop' }]);
        expect(workers).toHaveLength(1);
        const stubborn = open({ stubborn: true });
        await stubborn.getReady();
        let stopped = false;
        const stopping = stubborn.channel.stop().then(() => {
          stopped = true;
        });
        await stubborn.time.advance(4999);
        expect(stopped).toBe(false);
        await stubborn.time.advance(1);
        await stopping;
      },
    },
  ]);
});
