import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../../local/functions-host/timer/schedule.js';
import {
  type ScheduleMonitor,
  type ScheduleStatus,
  createScheduleMonitor,
} from '../../../local/functions-host/timer/schedule-status.js';
import { NEVER } from '../../../local/functions-host/timer/dot-net-time.js';
import { type TimerOptions, startTimer } from '../../../local/functions-host/timer/timer-listener.js';
import { connectStorage } from '../../../shared/connect.js';
import { sharedAzurite } from '../../support/line.js';
import { SOURCE, contract, createManualTime, settle } from './contract.js';

const MINUTE = 60_000;
const at = (text: string) => new Date(text);
const NOON = '2026-06-01T12:00:00.000Z';

interface TimerInput {
  readonly Schedule: unknown;
  readonly ScheduleStatus: { readonly Last: string; readonly Next: string; readonly LastUpdated: string } | null;
  readonly IsPastDue: boolean;
}

function memoryMonitor(known?: ScheduleStatus) {
  const written: ScheduleStatus[] = [];
  const monitor: ScheduleMonitor = {
    read: () => Promise.resolve(written.at(-1) ?? known),
    write: (status) => {
      written.push(status);
      return Promise.resolve();
    },
  };
  return { monitor, written };
}

/** A timer every ten minutes, started at noon. `runs` are the times at which its function ran. */
function open(options: Partial<TimerOptions> = {}, time = createManualTime(NOON)) {
  const runs: string[] = [];
  const inputs: TimerInput[] = [];
  const lines: string[] = [];
  const timer = startTimer({
    target: { name: 'reconcile', bindings: {} },
    schedule: parseSchedule('0 */10 * * * *'),
    runOnStartup: false,
    monitor: memoryMonitor().monitor,
    clock: time.clock,
    wait: time.wait,
    write: (line) => lines.push(line),
    ...options,
    invoke: async (target, invocation) => {
      runs.push(time.clock().toISOString().slice(11, 19));
      inputs.push(JSON.parse((invocation.input as { json: string }).json) as TimerInput);
      return (await options.invoke?.(target, invocation)) ?? {};
    },
  });
  return { timer, time, runs, inputs, lines };
}

describe('schedules', () => {
  const next = (text: string, from = NOON) => parseSchedule(text).nextAfter(at(from)).toISOString();
  it.each([
    ['0 */5 * * * *', '2026-06-01T12:05:00.000Z'],
    ['*/5 * * * *', '2026-06-01T12:05:00.000Z'],
    ['*/20 * * * * *', '2026-06-01T12:00:20.000Z'],
    ['30 15 2 * * *', '2026-06-02T02:15:30.000Z'],
    ['0 0 9-17 * * MON-FRI', '2026-06-01T13:00:00.000Z'],
    ['0 0 0 1 jan *', '2027-01-01T00:00:00.000Z'],
    ['0 5,35 * * * *', '2026-06-01T12:05:00.000Z'],
    // Both day fields have to match: the next Sunday that is a 14th.
    ['0 0 0 14 * 0', '2026-06-14T00:00:00.000Z'],
    ['0 0 0 13 * 5', '2026-11-13T00:00:00.000Z'],
    ['0 0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
    // Europe's clocks change on that night; UTC's do not.
    ['0 30 2 29 3 *', '2027-03-29T02:30:00.000Z'],
  ])(`%s, from noon of the first of June 2026 [${SOURCE.ncrontab}]`, (text, expected) => {
    expect(next(text)).toBe(expected);
  });
  it('excludes the time from which it looks', () => {
    expect(next('0 0 12 * * *')).toBe('2026-06-02T12:00:00.000Z');
    expect(next('0 0 12 * * *', '2026-06-01T11:59:59.999Z')).toBe(NOON);
  });
  it.each([
    '',
    '* * * *',
    '* * * * * * *',
    '60 * * * * *',
    '0 0 24 * * *',
    '0 0 0 0 * *',
    '0 0 0 * 13 *',
    '0 0 0 * * 7',
    '0 0 0 L * *',
    '0 0 0 15W * *',
    '0 0 0 * * MON#2',
    '0 0 0 ? * *',
    '0 */0 * * * *',
    '@hourly',
    '00:05:00',
    '0 0 0 30 2 *',
  ])('refuses %j', (text) => {
    expect(() => parseSchedule(text)).toThrow();
  });
});

describe('timers', () => {
  contract([
    {
      behaviour: 'a function runs at each occurrence, and never at the start',
      source: SOURCE.timerListener,
      proof: async () => {
        const { timer, time, runs, inputs } = open();
        await settle();
        expect(runs).toEqual([]);
        for (let i = 0; i < 3; i++) await time.advance(10 * MINUTE);
        await timer.stop();
        expect(runs).toEqual(['12:10:00', '12:20:00', '12:30:00']);
        expect(inputs.map(({ IsPastDue }) => IsPastDue)).toEqual([false, false, false]);
      },
    },
    {
      behaviour: 'it is told the schedule, and when it ran last and will run next',
      source: SOURCE.timerListener,
      proof: async () => {
        const { timer, time, inputs } = open();
        await settle();
        await time.advance(10 * MINUTE);
        await time.advance(10 * MINUTE);
        await timer.stop();
        expect(inputs[1]).toEqual({
          Schedule: { AdjustForDST: true },
          ScheduleStatus: {
            Last: '2026-06-01T12:10:00+00:00',
            Next: '2026-06-01T12:20:00+00:00',
            LastUpdated: '2026-06-01T12:10:00+00:00',
          },
          IsPastDue: false,
        });
        expect(inputs[0]?.ScheduleStatus?.Last).toBe('0001-01-01T00:00:00+00:00');
      },
    },
    {
      behaviour: 'a timer that is new writes its next occurrence before it ever ran',
      source: SOURCE.scheduleMonitor,
      proof: async () => {
        const { monitor, written } = memoryMonitor();
        const { timer } = open({ monitor });
        await settle();
        await timer.stop();
        expect(written).toEqual([{ last: NEVER, next: at('2026-06-01T12:10:00Z'), lastUpdated: at(NOON) }]);
      },
    },
    {
      behaviour: 'occurrences that were missed are made up for at the start, once, with isPastDue',
      source: SOURCE.scheduleMonitor,
      proof: async () => {
        const last = at('2026-06-01T10:00:00Z');
        const { monitor, written } = memoryMonitor({ last, next: at('2026-06-01T10:10:00Z'), lastUpdated: last });
        const { timer, time, runs, inputs } = open({ monitor }, createManualTime('2026-06-01T12:03:00Z'));
        await settle();
        await time.advance(7 * MINUTE);
        await timer.stop();
        expect(runs).toEqual(['12:03:00', '12:10:00']);
        expect(inputs.map(({ IsPastDue }) => IsPastDue)).toEqual([true, false]);
        expect(written.at(-1)?.next).toEqual(at('2026-06-01T12:20:00Z'));
      },
    },
    {
      behaviour: 'a new timer that never ran, but was due, is past due as well',
      source: SOURCE.scheduleMonitor,
      proof: async () => {
        const { monitor } = memoryMonitor({
          last: NEVER,
          next: at('2026-06-01T11:10:00Z'),
          lastUpdated: at('2026-06-01T11:05:00Z'),
        });
        const { timer, inputs } = open({ monitor });
        await settle();
        await timer.stop();
        expect(inputs.map(({ IsPastDue }) => IsPastDue)).toEqual([true]);
      },
    },
    {
      behaviour: 'what a schedule would have missed before it was changed does not count',
      source: SOURCE.scheduleMonitor,
      proof: async () => {
        const last = at('2026-06-01T10:00:00Z');
        const { monitor, written } = memoryMonitor({ last, next: at('2026-06-01T10:45:00Z'), lastUpdated: last });
        const { timer, runs } = open({ monitor });
        await settle();
        await timer.stop();
        expect(runs).toEqual([]);
        expect(written).toEqual([{ last: NEVER, next: at('2026-06-01T12:10:00Z'), lastUpdated: at(NOON) }]);
      },
    },
    {
      behaviour: 'runOnStartup runs it at the start too',
      source: SOURCE.timerListener,
      proof: async () => {
        const { timer, time, runs, inputs } = open({ runOnStartup: true }, createManualTime('2026-06-01T12:03:00Z'));
        await settle();
        await time.advance(7 * MINUTE);
        await timer.stop();
        expect(runs).toEqual(['12:03:00', '12:10:00']);
        expect(inputs[0]?.IsPastDue).toBe(false);
      },
    },
    {
      behaviour: 'without a monitor nothing is remembered and nothing is past due',
      source: SOURCE.timerListener,
      proof: async () => {
        const { timer, time, inputs } = open({ monitor: undefined });
        await settle();
        await time.advance(10 * MINUTE);
        await timer.stop();
        expect(inputs).toEqual([{ Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false }]);
      },
    },
    {
      behaviour: 'no occurrence overlaps another: those that fall into a long run are one, right after it',
      source: SOURCE.timerListener,
      proof: async () => {
        const time = createManualTime(NOON);
        const { timer, runs } = open({ invoke: () => time.wait(25 * MINUTE).then(() => ({})) }, time);
        await settle();
        await time.advance(10 * MINUTE);
        await time.advance(10 * MINUTE);
        await time.advance(10 * MINUTE);
        expect(runs).toEqual(['12:10:00']);
        await time.advance(5 * MINUTE);
        expect(runs).toEqual(['12:10:00', '12:35:00']);
        const stopped = timer.stop();
        await time.advance(25 * MINUTE);
        await stopped;
      },
    },
    {
      behaviour: 'a failure stops nothing, and is remembered as a run',
      source: SOURCE.timerListener,
      proof: async () => {
        const { monitor, written } = memoryMonitor();
        const { timer, time, runs } = open({ monitor, invoke: () => Promise.reject(new Error('bad')) });
        await settle();
        await time.advance(10 * MINUTE);
        await time.advance(10 * MINUTE);
        await timer.stop();
        expect(runs).toEqual(['12:10:00', '12:20:00']);
        expect(written.at(-1)?.last).toEqual(at('2026-06-01T12:20:00Z'));
      },
    },
    {
      behaviour: 'a machine timer that is early by a little stands for its occurrence, which does not come twice',
      source: SOURCE.timerListener,
      proof: async () => {
        const time = createManualTime(NOON);
        const { timer, runs } = open({ wait: (milliseconds, signal) => time.wait(milliseconds - 5, signal) }, time);
        await settle();
        await time.advance(10 * MINUTE - 5);
        await time.advance(20);
        await timer.stop();
        expect(runs).toHaveLength(1);
      },
    },
    {
      behaviour: 'a stop waits for the run in hand',
      source: SOURCE.timerListener,
      proof: async () => {
        const run = Promise.withResolvers<object>();
        const { monitor, written } = memoryMonitor();
        const { timer, time } = open({ monitor, invoke: () => run.promise });
        await settle();
        await time.advance(10 * MINUTE);
        let stopped = false;
        const stopping = timer.stop().then(() => {
          stopped = true;
        });
        await settle();
        expect(stopped).toBe(false);
        run.resolve({});
        await stopping;
        expect(written.at(-1)?.last).toEqual(at('2026-06-01T12:10:00Z'));
      },
    },
    {
      behaviour: 'a status that cannot be written stops nothing; one that cannot be read is asked for again',
      source: SOURCE.storageMonitor,
      proof: async () => {
        let reads = 0;
        const monitor: ScheduleMonitor = {
          read: () => (++reads === 1 ? Promise.reject(new Error('away')) : Promise.resolve(undefined)),
          write: () => Promise.reject(new Error('away')),
        };
        const { timer, time, runs, lines } = open({ monitor });
        await settle();
        await time.advance(5000);
        await time.advance(10 * MINUTE);
        await timer.stop();
        expect(runs).toEqual(['12:10:05']);
        expect(lines.length).toBeGreaterThanOrEqual(2);
      },
    },
    {
      behaviour: 'the status is in azure-webjobs-hosts, timers/{host id}/Host.Functions.{name}/status, in .NET’s form',
      source: SOURCE.storageMonitor,
      proof: async () => {
        const { connectionString } = await sharedAzurite();
        const { blobs } = connectStorage({ kind: 'connection-string', connectionString }, undefined);
        const hostId = randomUUID();
        const monitor = createScheduleMonitor(Promise.resolve(blobs), { hostId, functionName: 'reconcile' });
        expect(await monitor.read()).toBeUndefined();
        const status = { last: NEVER, next: at('2026-06-01T12:10:00Z'), lastUpdated: at(NOON) };
        await monitor.write(status);
        const blob = blobs
          .getContainerClient('azure-webjobs-hosts')
          .getBlockBlobClient(`timers/${hostId}/Host.Functions.reconcile/status`);
        expect((await blob.downloadToBuffer()).toString()).toBe(
          '{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-06-01T12:10:00+00:00","LastUpdated":"2026-06-01T12:00:00+00:00"}',
        );
        expect(await monitor.read()).toEqual(status);
        // As the real host may have written it.
        const real =
          '{"Last":"2026-06-01T11:50:00.0012345+00:00","Next":"2026-06-01T12:00:00Z","LastUpdated":"2026-06-01T11:50:00+00:00"}';
        await blob.upload(real, real.length);
        expect((await monitor.read())?.last).toEqual(at('2026-06-01T11:50:00.001Z'));
      },
    },
    {
      behaviour: 'a schedule of more than one occurrence a minute is not remembered',
      source: SOURCE.timerSchedule,
      proof: () => {
        const remembered = (text: string) => !parseSchedule(text).isSubMinute(at('2026-06-01T12:00:07Z'));
        expect(['*/10 * * * * *', '0,1 * * * * *', '* * * * * *'].map(remembered)).toEqual([false, false, false]);
        expect(['0 * * * * *', '* * * * *', '*/30 5 * * * *'].map(remembered)).toEqual([true, true, true]);
      },
    },
  ]);
});
