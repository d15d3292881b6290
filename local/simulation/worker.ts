import { QUEUES, type QueueName, ALL_QUEUES, poisonQueue } from '../../shared/message/queue-name.js';
import type { App } from '../../shared/steps.js';
import type { QueuedItem } from '../../shared/queue/queue-service.js';
import type { MemoryQueues } from './memory-queues.js';
import type { Process, ProcessHandlers } from './process.js';
import { type Context, type Luck, subjectOf, within } from './context.js';
import type { Schedule } from './schedule.js';

/** One instance of the function app: a host that listens to queues, and the worker that runs our code. */
export interface Instance {
  readonly alive: () => boolean;
  readonly frozen: () => boolean;
  /** Looks for messages, as a poll that is due does. */
  readonly wake: (queue: string) => void;
  /** Runs one of the app's doors that no queue opens. Rejects when the worker dies, or on its error. */
  readonly call: <T>(work: (app: App) => Promise<T>) => Promise<T>;
}

/** What {@link createInstance} needs. */
export interface InstanceOptions {
  readonly name: string;
  readonly schedule: Schedule;
  readonly luck: Luck;
  readonly queues: MemoryQueues;
  readonly start: (name: string, handlers: ProcessHandlers) => Process;
  readonly bind: (worker: Process) => App;
  /** The whole instance is gone. */
  readonly onGone: () => void;
}

/** `host.json`: batchSize, newBatchThreshold, maxDequeueCount, visibilityTimeout; the lease is the host's own. */
const HOST = { batchSize: 8, threshold: 4, maxDeliveries: 5, retrySeconds: 30, leaseSeconds: 600 } as const;

/** The queues that an instance listens to: all but the scan job's, and every poison queue. */
export const LISTENED: readonly string[] = [
  ...ALL_QUEUES.filter((queue) => queue !== QUEUES.scan && queue !== QUEUES.scanSweep),
  ...ALL_QUEUES.map(poisonQueue),
];

interface Work {
  readonly name: string;
  readonly item: QueuedItem;
  readonly body: unknown;
  readonly context: Context;
}

interface Running {
  readonly deliveries: number;
  readonly abort: (reason: Error) => void;
}

/** Starts an instance with the semantics of the Functions host: batches, leases that are renewed, five tries, poison. */
export function createInstance(options: InstanceOptions): Instance {
  const { schedule, luck, queues } = options;
  const running = new Set<Running>();
  const inFlight = new Map<string, number>();
  const handlers = {
    // After the fifth failure a message is given up, which is another story than the one that is tested here.
    mayFail: () => [...running].every(({ deliveries }) => deliveries <= 3),
    die: (whole: boolean) => {
      worker.process.kill();
      if (whole) {
        host.kill();
        options.onGone();
      } else {
        worker = startWorker();
      }
      const ended = [...running];
      running.clear();
      for (const { abort } of ended) abort(new Error('the worker has died'));
    },
    stall: (milliseconds: number) => {
      host.freeze(milliseconds);
      worker.process.freeze(milliseconds);
    },
  };
  // A host that dies takes its worker with it.
  const host = options.start(`${options.name} host`, { ...handlers, die: () => handlers.die(true) });
  const startWorker = () => {
    const process = options.start(`${options.name} worker`, handlers);
    return { process, app: options.bind(process) };
  };
  let worker = startWorker();

  const call = <T>(work: (app: App) => Promise<T>, deliveries = 1): Promise<T> =>
    new Promise((resolve, reject) => {
      const one: Running = { deliveries, abort: reject };
      running.add(one);
      work(worker.app)
        .finally(() => running.delete(one))
        .then(resolve, reject);
    });
  const wake = (name: string): void => {
    const busy = inFlight.get(name) ?? 0;
    if (!host.alive() || schedule.now() < host.frozenUntil() || busy > HOST.threshold || queues.visible(name) === 0)
      return;
    const request = { numberOfMessages: HOST.batchSize, visibilityTimeout: HOST.leaseSeconds };
    inFlight.set(name, busy + 1);
    host
      .effect('queue.receive', () => queues.getQueueClient(name).receiveMessages(request))
      .then(
        ({ receivedMessageItems: items }) => {
          inFlight.set(name, (inFlight.get(name) ?? 0) - 1 + items.length);
          for (const item of items) {
            const body: unknown = JSON.parse(Buffer.from(item.messageText, 'base64').toString('utf8'));
            const { place, label } = subjectOf(body);
            const context = { place, label, random: luck(`${name} ${label}`) };
            void within(context, () => process({ name, item, body, context }));
          }
        },
        () => {
          inFlight.set(name, (inFlight.get(name) ?? 0) - 1);
          schedule.after(5000, () => wake(name));
        },
      );
  };
  const process = async ({ name, item, body, context }: Work): Promise<void> => {
    const queue = queues.getQueueClient(name);
    let receipt = item.popReceipt;
    let over = false;
    const renew = (): void => {
      schedule.after(HOST.leaseSeconds * 500, () => {
        if (over || !host.alive()) return;
        host
          .effect('queue.update', () => queue.updateMessage(item.messageId, receipt, undefined, HOST.leaseSeconds))
          .then((answer) => {
            receipt = answer.popReceipt ?? receipt;
            renew();
          }, renew);
      });
    };
    renew();
    const step = queues.poisonOf(name, item.messageId);
    const work = step === undefined ? context : { ...context, crash: { left: step } };
    const remove = () => host.effect('queue.delete', () => queue.deleteMessage(item.messageId, receipt));
    try {
      const done =
        item.dequeueCount <= HOST.maxDeliveries &&
        (await within(work, () => call((app) => route(app, name, body), item.dequeueCount)).then(
          () => true,
          () => false,
        ));
      if (done) await remove();
      else if (item.dequeueCount < HOST.maxDeliveries || name.endsWith('-poison')) {
        await host.effect('queue.update', () =>
          queue.updateMessage(item.messageId, receipt, undefined, HOST.retrySeconds),
        );
      } else {
        const poison = queues.getQueueClient(`${name}-poison`);
        await host.effect('queue.send', () =>
          poison.sendMessage(item.messageText, { messageTimeToLive: -1, visibilityTimeout: 0 }),
        );
        await remove();
      }
    } catch {
      // The message comes back when its lease ends.
    }
    over = true;
    inFlight.set(name, (inFlight.get(name) ?? 0) - 1);
    schedule.after(context.random.below(500), () => wake(name));
  };
  return {
    alive: host.alive,
    frozen: () => schedule.now() < host.frozenUntil(),
    wake,
    call: (work) => call(work),
  };
}

function route(app: App, queue: string, body: unknown): Promise<void> {
  switch (queue) {
    case QUEUES.registryEvents:
      return app.receive(body);
    case QUEUES.sweep:
      return app.receiveSweep(body);
    case QUEUES.verify:
      return app.verify(body);
    case QUEUES.verifySweep:
      return app.verifySweep(body);
    case QUEUES.scanned:
      return app.recordScan(body);
    case QUEUES.decide:
      return app.decide(body);
    case QUEUES.alert:
      return app.alert(body);
    default:
      return app.poison(queue.replace(/-poison$/, '') as QueueName, body);
  }
}
