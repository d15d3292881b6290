import { it } from 'vitest';
import type { Wait } from '../../../local/wait.js';

const SDK = 'https://github.com/Azure/azure-sdk-for-net/tree/main/sdk';
const COMMON = `${SDK}/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Common/src`;
const QUEUES = `${COMMON}/Shared/Queues`;
const TRIGGERS = `${SDK}/storage/Microsoft.Azure.WebJobs.Extensions.Storage.Queues/src`;
const TIMERS = 'https://github.com/Azure/azure-webjobs-sdk-extensions/tree/dev/src';
const HOST = 'https://github.com/Azure/azure-functions-host/tree/dev/src';
const LEARN = 'https://learn.microsoft.com/azure/azure-functions';

/** Where what is mirrored can be read. */
export const SOURCE = {
  listener: `${QUEUES}/QueueListener.cs`,
  processor: `${QUEUES}/QueueProcessor.cs`,
  options: `${QUEUES}/QueuesOptions.cs`,
  listenerFactory: `${TRIGGERS}/Listeners/QueueListenerFactory.cs`,
  clientProvider: `${TRIGGERS}/QueueServiceClientProvider.cs`,
  triggerBinding: `${TRIGGERS}/Triggers/QueueTriggerBinding.cs`,
  renewal: `${COMMON} (UpdateQueueMessageVisibilityCommand.cs)`,
  backoff: `${COMMON} (RandomizedExponentialBackoffStrategy.cs)`,
  bindingData: `${HOST}/WebJobs.Script/Utility.cs (ApplyBindingData)`,
  appSettings: `${LEARN}/functions-bindings-expressions-patterns#binding-expressions---app-settings`,
  connections: `${LEARN}/functions-reference#connections`,
  disable: `${LEARN}/disable-function`,
  hostJson: `${LEARN}/functions-host-json`,
  timeout: `${HOST}/WebJobs.Script/Config/ScriptJobHostOptionsSetup.cs`,
  timerListener: `${TIMERS}/WebJobs.Extensions/Extensions/Timers/Listener/TimerListener.cs`,
  scheduleMonitor: `${TIMERS}/WebJobs.Extensions/Extensions/Timers/Scheduling/ScheduleMonitor.cs`,
  storageMonitor: `${TIMERS}/WebJobs.Extensions.Timers.Storage/StorageScheduleMonitor.cs`,
  timerSchedule: `${TIMERS}/WebJobs.Extensions/Extensions/Timers/Scheduling/TimerSchedule.cs`,
  ncrontab: `${LEARN}/functions-bindings-timer#ncrontab-expressions`,
  eventGrid: `${SDK}/eventgrid/Microsoft.Azure.WebJobs.Extensions.EventGrid/src (HttpRequestProcessor.cs)`,
  http: `${LEARN}/functions-bindings-http-webhook-trigger`,
  hostController: `${HOST}/WebJobs.Script.WebHost/Controllers/HostController.cs`,
  functionsController: `${HOST}/WebJobs.Script.WebHost/Controllers/FunctionsController.cs`,
  dispatcher: `${HOST}/WebJobs.Script/Workers/Rpc/FunctionRegistration/RpcFunctionInvocationDispatcher.cs`,
  exceptions: `${HOST}/WebJobs.Script.WebHost/WebScriptHostExceptionHandler.cs`,
  worker: 'https://github.com/Azure/azure-functions-nodejs-worker/tree/v4.x/src',
} as const;

/** One line of the contract: what the real host does, where that can be read, and the proof that the local one does it. */
export interface Row {
  readonly behaviour: string;
  readonly source: string;
  readonly proof: () => Promise<void> | void;
}

/** Runs every row as a test of its own. */
export function contract(rows: readonly Row[]): void {
  for (const { behaviour, source, proof } of rows) it(`${behaviour} [${source}]`, async () => proof());
}

/** Time that stands still until it is moved, for whoever waits by it. */
export function createManualTime(start = '2026-06-01T12:00:00.000Z') {
  let now = Date.parse(start);
  const sleepers = new Set<{ readonly until: number; readonly resume: () => void }>();
  const pauses: number[] = [];
  const wait: Wait = (milliseconds, signal) => {
    if (milliseconds <= 0 || signal?.aborted === true) return Promise.resolve();
    pauses.push(milliseconds);
    return new Promise((resolve) => {
      const sleeper = {
        until: now + milliseconds,
        resume: () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.resume);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.resume);
    });
  };
  return {
    wait,
    clock: () => new Date(now),
    /** Every pause that was ever asked for, in milliseconds. */
    pauses,
    sleeping: () => sleepers.size,
    advance: async (milliseconds: number) => {
      now += milliseconds;
      for (const sleeper of [...sleepers].filter(({ until }) => until <= now)) sleeper.resume();
      await settle();
    },
  };
}

/** Lets everything run that waits for nothing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Short pauses in real time, and none of the long ones: whoever waits for a minute waits until it is told to stop. */
export const quickWait: Wait = (milliseconds, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const timer = milliseconds < 1000 ? setTimeout(resolve, 5) : undefined;
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
