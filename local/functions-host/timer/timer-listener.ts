import { type FunctionMetadata, type Invocation, type Invoke, messageOf } from '../protocol.js';
import type { Wait } from '../../wait.js';
import { NEVER, toDotNetTime } from './dot-net-time.js';
import type { Schedule } from './schedule.js';
import { type ScheduleMonitor, type ScheduleStatus, checkPastDue, formatStatus } from './schedule-status.js';

/** What a timer needs. */
export interface TimerOptions {
  readonly target: FunctionMetadata;
  readonly schedule: Schedule;
  readonly runOnStartup: boolean;
  /** Undefined where nothing is remembered: the app says so, or it occurs more than once a minute. */
  readonly monitor: ScheduleMonitor | undefined;
  readonly invoke: Invoke;
  readonly clock: () => Date;
  readonly wait: Wait;
  readonly write: (line: string) => void;
}

/** A running timer. */
export interface TimerListener {
  /** No further occurrence. Resolves when the one in hand has ended. */
  readonly stop: () => Promise<void>;
}

type Cause = 'schedule' | 'past due' | 'startup';

const STORAGE_PAUSE_MILLISECONDS = 5000;

/**
 * Runs a function on its schedule, as the real host does: an occurrence that was missed while nobody listened is made up
 * for at the start, once, with `isPastDue`; the next occurrence is waited for after the one in hand has ended, so none
 * overlaps another; a failure changes nothing.
 * https://github.com/Azure/azure-webjobs-sdk-extensions (TimerListener)
 */
export function startTimer(options: TimerOptions): TimerListener {
  const { schedule, monitor, clock, wait } = options;
  const name = options.target.name;
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopped = () => signal.aborted;

  const begin = async (): Promise<{ readonly status: ScheduleStatus; readonly cause: Cause }> => {
    const startup: Cause = options.runOnStartup ? 'startup' : 'schedule';
    const now = clock();
    if (monitor === undefined) {
      return { status: { last: NEVER, next: schedule.nextAfter(now), lastUpdated: NEVER }, cause: startup };
    }
    const { status, isPastDue, changed } = checkPastDue(now, schedule, await monitor.read());
    if (changed) await remember(status);
    return { status, cause: isPastDue ? 'past due' : startup };
  };
  // A status that cannot be written costs at most the making up for one occurrence.
  const remember = async (status: ScheduleStatus): Promise<void> => {
    try {
      await monitor?.write(status);
    } catch (error) {
      options.write(`error ${name}: the timer's status cannot be written: ${messageOf(error)}`);
    }
  };
  const run = async (): Promise<void> => {
    let begun: Awaited<ReturnType<typeof begin>> | undefined;
    while (begun === undefined && !stopped()) {
      begun = await begin().catch((error: unknown) => {
        options.write(`error ${name}: the timer cannot start: ${messageOf(error)}`);
        return undefined;
      });
      if (begun === undefined) await wait(STORAGE_PAUSE_MILLISECONDS, signal);
    }
    let { status, cause } = begun ?? { status: undefined, cause: 'schedule' };
    while (status !== undefined && !stopped()) {
      if (cause === 'schedule') await wait(Math.max(status.next.getTime() - clock().getTime(), 0), signal);
      if (stopped()) return;
      const now = clock();
      await options.invoke(options.target, toInvocation(now, monitor && status, cause)).catch(() => undefined);
      // A timer of the machine may be early by a little; the occurrence that it stands for is the scheduled one.
      const ran: Date = cause === 'schedule' && status.next > now ? status.next : now;
      status = { last: ran, next: schedule.nextAfter(ran), lastUpdated: ran };
      await remember(status);
      cause = 'schedule';
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** What a timer's function is handed. `status` is undefined where nothing is remembered. */
export function toInvocation(now: Date, status: ScheduleStatus | undefined, cause: Cause): Invocation {
  const timer = {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: status === undefined ? null : formatStatus(status),
    IsPastDue: cause === 'past due',
  };
  return { input: { json: JSON.stringify(timer) }, reason: `Timer fired at ${toDotNetTime(now)}` };
}
