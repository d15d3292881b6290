import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { createMemoryQueues } from '../../local/simulation/memory-queues.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { MESSAGE_VERSION, type ScanRequest, type Scanned } from '../../shared/message/queue-message.js';
import { ALL_QUEUES, QUEUES, type QueueName } from '../../shared/message/queue-name.js';
import { type DrainDeps, type Lease, drain } from '../../shared/pipeline/drain.js';
import { createSend } from '../../shared/queue/queues.js';
import { createReceiver, receiveFirst } from '../../shared/queue/receiver.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
const requestOf = (n: number): ScanRequest => ({
  v: MESSAGE_VERSION,
  scanId: '00000000-0000-4000-8000-000000000000',
  key: parseKey({ registry: LOGIN_SERVER, repository: 'app', digest: digest(n) }),
  since: '2026-01-01T00:00:00.000Z',
});
const outcomeOf = ({ key, scanId, since }: ScanRequest): Scanned => ({
  v: MESSAGE_VERSION,
  ...{ key, scanId, since, attempt: 0 },
  outcome: { kind: 'retry' },
});

/** What a drain needs besides its queues and its scanner. It ends as soon as there is nothing left. */
const rest = {
  clock: () => new Date(0),
  log: () => undefined,
  sleep: (_milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }),
  lingerMilliseconds: 0,
  pollMilliseconds: 0,
  renewMilliseconds: 1_000_000,
} satisfies Partial<DrainDeps>;

/** The two queues as the job sees them, with a log of every look at them. */
function watchedQueues() {
  const queues = createMemoryQueues({
    now: () => 0,
    lag: () => 0,
    fateOf: () => undefined,
    onVisible: () => undefined,
  });
  const looks: string[] = [];
  const receivers = [QUEUES.scan, QUEUES.scanSweep].map((queue) => {
    const receive = createReceiver(queues.getQueueClient(queue), 60);
    return async (max: number) => {
      const received = await receive(max);
      looks.push(received.length > 0 ? `${queue} taken` : `${queue} empty`);
      return received;
    };
  });
  return { looks, receive: receiveFirst(receivers), send: createSend(queues) };
}

describe.each([1, 2])('a job that scans %i at once', (concurrency) => {
  it('looks at the pushes between any two messages of a sweep', async () => {
    const { looks, receive, send } = watchedQueues();
    for (let n = 0; n < 20; n++) await send(QUEUES.scanSweep, requestOf(n));
    const scan = (request: ScanRequest) => Promise.resolve(outcomeOf(request));
    const taken = await drain({ ...rest, receive, send, scan, concurrency, stop: new AbortController().signal });
    expect(taken).toBe(20);
    const swept = looks.flatMap((look, i) => (look === 'scan-sweep taken' ? [i] : []));
    expect(swept).toHaveLength(20);
    for (const at of swept) expect(looks[at - 1]).toBe('scan empty');
  });

  it('takes a push next, whatever is left of a sweep, and comes back to the sweep', async () => {
    const { receive, send } = watchedQueues();
    for (let n = 0; n < 20; n++) await send(QUEUES.scanSweep, requestOf(n));
    const begun: string[] = [];
    let before = 0;
    const scan = async (request: ScanRequest) => {
      begun.push(request.key.digest);
      if (begun.length === 5) {
        before = begun.length;
        await send(QUEUES.scan, requestOf(1000));
      }
      return outcomeOf(request);
    };
    await drain({ ...rest, receive, send, scan, concurrency, stop: new AbortController().signal });
    expect(begun).toHaveLength(21);
    // Those that were begun with the fifth are in hand: none but they come before it.
    expect(begun.indexOf(digest(1000)) - before).toBeLessThan(concurrency);
  });
});

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };
const SWEPT = 60;
const FUNCTIONS = ALL_QUEUES.filter((queue) => queue !== QUEUES.scan && queue !== QUEUES.scanSweep);
const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);
const queuedOn = (line: Line, queue: QueueName) => line.queued.filter((message) => message.queue === queue).length;

/** Images that nobody was told of, found by a sweep: each of them waits for its scan. */
async function sweptLine() {
  const line = await createLine(LOCKS);
  for (let n = 0; n < SWEPT; n++) await line.registry.push(await image(`swept ${n}`), 'old/app');
  const victim = await image('swept and pushed');
  line.answers.set(victim.digest, CRITICAL);
  await line.registry.push(victim, 'old/app');
  line.registry.events.splice(0);
  line.clock.advance(10 * 60_000);
  await line.app.reconcile();
  await line.workOff([QUEUES.sweep]);
  expect(queuedOn(line, QUEUES.scanSweep)).toBe(SWEPT + 1);
  return { line, victim };
}

/** The job at work on the line's queues; the functions work off what it hands over before it takes the next one. */
async function runJob(
  line: Line,
  {
    concurrency,
    onFifth,
    until,
  }: {
    readonly concurrency: number;
    readonly onFifth: (begun: readonly string[]) => Promise<void>;
    readonly until: () => Promise<boolean>;
  },
): Promise<readonly string[]> {
  const stop = new AbortController();
  const begun: string[] = [];
  const take = (queue: QueueName) => (): Promise<readonly Lease[]> => {
    const index = line.queued.findIndex((message) => message.queue === queue);
    const [message] = index === -1 ? [] : line.queued.splice(index, 1);
    const done = () => Promise.resolve();
    return Promise.resolve(
      message === undefined
        ? []
        : [{ body: message.body, text: '', deliveries: 1, renew: done, release: done, remove: done }],
    );
  };
  const next = receiveFirst([take(QUEUES.scan), take(QUEUES.scanSweep)] as Parameters<typeof receiveFirst>[0]);
  await drain({
    ...rest,
    receive: async (max) => {
      await line.workOff(FUNCTIONS);
      if (await until()) {
        stop.abort();
        return [];
      }
      return next(max);
    },
    send: line.services.send,
    scan: async (request, signal) => {
      begun.push(request.key.digest);
      const isFifth = begun.length === 5;
      const scanned = await line.scanRequest(request, signal);
      if (isFifth) await onFifth(begun);
      return scanned;
    },
    concurrency,
    stop: stop.signal,
  });
  return begun;
}

describe.each([1, 2])('with dozens of scans of a sweep before it and %i at once, a push', (concurrency) => {
  it('has its verdict after the scans in hand', async () => {
    const { line } = await sweptLine();
    const bad = await image('pushed');
    line.answers.set(bad.digest, CRITICAL);
    const settled = async () => (await line.entry('app', bad.digest))?.enforcement.state === 'quarantined';
    let told = 0;
    const begun = await runJob(line, {
      concurrency,
      onFifth: async (scans) => {
        await line.registry.push(bad, 'app', { tag: 'v1' });
        await line.deliverEvents();
        told = scans.length;
      },
      until: settled,
    });
    expect(await settled()).toBe(true);
    expect(told).toBeLessThan(10);
    expect(begun.indexOf(bad.digest)).toBeGreaterThanOrEqual(told);
    expect(begun.indexOf(bad.digest)).toBeLessThan(told + concurrency);
    expect(queuedOn(line, QUEUES.scanSweep)).toBeGreaterThan(SWEPT - told - 2 * concurrency);
  });

  it('of a digest that the sweep has found already is scanned as a push', async () => {
    const { line, victim } = await sweptLine();
    const settled = async () => (await line.entry('old/app', victim.digest))?.enforcement.state === 'quarantined';
    let told = 0;
    const begun = await runJob(line, {
      concurrency,
      onFifth: async (scans) => {
        await line.registry.push(victim, 'old/app', { tag: 'v1' });
        await line.deliverEvents();
        told = scans.length;
      },
      until: settled,
    });
    expect(await settled()).toBe(true);
    expect(told).toBeLessThan(10);
    expect(begun.indexOf(victim.digest)).toBeLessThan(told + concurrency);
    // What the sweep has asked for as well changes nothing any more, and tells nobody twice.
    await line.settle();
    expect(line.cards).toHaveLength(1);
    expect((await line.entry('old/app', victim.digest))?.enforcement.state).toBe('quarantined');
  });
});
