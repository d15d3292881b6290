import { QueueServiceClient } from '@azure/storage-queue';
import type { Handler } from '../web/node-adapter.js';
import type { Wait } from '../wait.js';
import { type AppSettings, connectionString, isDisabled, resolveSettings } from './app-settings.js';
import { checkFunctions } from './check-functions.js';
import type { HostSettings } from './host-settings.js';
import { createDoors } from './http/doors.js';
import { type FunctionMetadata, type Invocation, type Invoke, messageOf, triggerOf } from './protocol.js';
import { type QueueListener, listenToQueue, poisonQueueName } from './queue/queue-listener.js';
import { manualMetadata } from './queue/trigger-metadata.js';
import { type ScheduleMonitor, createScheduleMonitor } from './timer/schedule-status.js';
import { parseSchedule } from './timer/schedule.js';
import { type TimerListener, startTimer, toInvocation } from './timer/timer-listener.js';

/** What {@link createHost} needs. */
export interface HostOptions {
  readonly functions: readonly FunctionMetadata[];
  readonly host: HostSettings;
  readonly settings: AppSettings;
  readonly hostId: string;
  /** The lease of a message in seconds. The real host's is fixed at ten minutes. */
  readonly queueLeaseSeconds: number;
  readonly invoke: Invoke;
  /** Resolves when there is a worker. */
  readonly ready: () => Promise<unknown>;
  readonly effects: HostEffects;
  readonly write: (line: string) => void;
}

/** Time, chance and machine. */
export interface HostEffects {
  readonly clock: () => Date;
  readonly wait: Wait;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly processors: number;
}

/** A host that listens to queues and timers, and answers requests. */
export interface Host {
  readonly handle: Handler;
  /** No further message and no further occurrence. Resolves when everything in hand is done. */
  readonly stop: () => Promise<void>;
}

/** Opens a host over an app's functions. Throws where the app wants something that is not served. */
export function createHost(options: HostOptions): Host {
  const { functions, host, settings, effects, invoke, write } = options;
  checkFunctions(functions, { settings, routePrefix: host.routePrefix });
  const enabled = functions.filter(({ name }) => !isDisabled(name, settings));
  for (const { name } of functions) if (isDisabled(name, settings)) write(`information host: ${name} is disabled`);
  const services = new Map<string, QueueServiceClient>();
  const serviceOf = (text: string) => {
    const service = services.get(text) ?? QueueServiceClient.fromConnectionString(text);
    services.set(text, service);
    return service;
  };
  const queueListeners: QueueListener[] = [];
  const openQueue = (target: FunctionMetadata, queueName: string, connection: string | undefined) => {
    const service = serviceOf(connectionString(connection, settings));
    const name = resolveSettings(queueName, settings).toLowerCase();
    const poison = poisonQueueName(name);
    return listenToQueue({
      queue: service.getQueueClient(name),
      poison: poison === undefined ? undefined : service.getQueueClient(poison),
      target,
      settings: host.queues,
      leaseSeconds: options.queueLeaseSeconds,
      invoke,
      ready: options.ready,
      ...effects,
      // Whoever listens to the poison queue in this host need not wait for its next look.
      notify: (changed) => {
        for (const listener of queueListeners) if (listener.queueName === changed) listener.wake();
      },
      write,
    });
  };
  const monitorOf = createMonitors(options);
  const timers: TimerListener[] = [];
  for (const target of enabled) {
    const trigger = triggerOf(target);
    if (trigger?.type === 'queueTrigger') {
      queueListeners.push(openQueue(target, trigger.queueName ?? '', trigger.connection));
    } else if (trigger?.type === 'timerTrigger') {
      const { runOnStartup = false, schedule = '' } = trigger;
      timers.push(
        startTimer({
          target,
          schedule: parseSchedule(resolveSettings(schedule, settings)),
          runOnStartup,
          monitor: monitorOf.get(target.name),
          invoke,
          ...effects,
          write,
        }),
      );
    }
  }

  const manual = async (target: FunctionMetadata, input: string): Promise<Invocation> => {
    const reason = 'This function was programmatically called via the host APIs.';
    switch (triggerOf(target)?.type ?? '') {
      case 'queueTrigger':
        return { input: { string: input }, triggerMetadata: manualMetadata(input, effects.clock()), reason };
      case 'timerTrigger': {
        const status = await monitorOf.get(target.name)?.read();
        return { ...toInvocation(effects.clock(), status, 'schedule'), reason };
      }
      default:
        return { input: { json: JSON.stringify(JSON.parse(input)) }, triggerMetadata: {}, reason };
    }
  };
  const started = effects.clock().getTime();
  const byHand = new Set<Promise<unknown>>();
  const handle = createDoors({
    functions: enabled,
    invoke,
    routePrefix: host.routePrefix,
    admin: {
      functions,
      hostId: options.hostId,
      version: '4.0.0',
      toInvocation: (target, input) => (triggerOf(target)?.type === 'httpTrigger' ? undefined : manual(target, input)),
      run: (target, invocation) => {
        const run = invoke(target, invocation)
          .catch((error: unknown) =>
            write(`warning host: ${target.name} by hand: ${messageOf(error).split('\n', 1)[0] ?? ''}`),
          )
          .finally(() => byHand.delete(run));
        byHand.add(run);
      },
      uptimeMilliseconds: () => effects.clock().getTime() - started,
    },
  });
  return {
    handle,
    stop: async () => {
      await Promise.all([...queueListeners, ...timers].map((listener) => listener.stop()));
      await Promise.all(byHand);
    },
  };
}

/**
 * The monitors of the timers that are remembered. The blob client is large: it is loaded only where there is one, and while
 * the host listens already.
 */
function createMonitors(options: HostOptions): ReadonlyMap<string, ScheduleMonitor> {
  const { functions, settings, hostId, effects } = options;
  const remembered = functions.filter((target) => {
    const trigger = triggerOf(target);
    if (trigger?.type !== 'timerTrigger' || trigger.useMonitor === false) return false;
    return !parseSchedule(resolveSettings(trigger.schedule ?? '', settings)).isSubMinute(effects.clock());
  });
  if (remembered.length === 0) return new Map();
  const text = connectionString(undefined, settings);
  const loading = import('@azure/storage-blob').then(({ BlobServiceClient }) =>
    BlobServiceClient.fromConnectionString(text),
  );
  // Whoever reads or writes hears of it.
  loading.catch(() => undefined);
  return new Map(remembered.map(({ name }) => [name, createScheduleMonitor(loading, { hostId, functionName: name })]));
}
