import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import type { Coverage } from '../../shared/pipeline/coverage.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { type ProgressState, noted, progressOf } from '../../shared/pipeline/progress.js';
import { type Line, createLine, onePolicy } from '../support/line.js';

const MINUTE = 60_000;
const START = Date.UTC(2026, 5, 1, 12);
const at = (minutes: number) => new Date(START + minutes * MINUTE);

describe('progress', () => {
  const run = (judged: readonly number[], every = 5): ProgressState | undefined =>
    judged.reduce<ProgressState | undefined>(
      (state, count, i) => noted(state, { digests: 1000, judged: count, now: at(i * every) }),
      undefined,
    );

  it('has no rate before it has been looked at twice', () => {
    const nothing = { judged: 0, remaining: 10, perHour: null, left: null };
    expect(progressOf(undefined, { judged: 0, remaining: 10, now: at(0) })).toEqual(nothing);
    expect(progressOf(run([0]), { judged: 0, remaining: 10, now: at(0) })).toEqual(nothing);
  });

  it('goes by the last hour alone', () => {
    // Slow for two hours, and quicker since.
    const steps = [
      ...Array.from({ length: 25 }, (_, i) => i),
      ...Array.from({ length: 12 }, (_, i) => 24 + (i + 1) * 10),
    ];
    expect(progressOf(run(steps), { judged: 144, remaining: 60, now: at(180) })).toMatchObject({
      ...{ judged: 144, remaining: 60, left: expect.any(Number) as number },
      perHour: expect.toSatisfy((rate: number) => Math.abs(rate - 120) <= 12) as number,
    });
  });

  it('says that nothing goes on where nothing does', () => {
    expect(progressOf(run([5, 5, 5]), { judged: 5, remaining: 60, now: at(600) })).toMatchObject({
      perHour: 0,
      left: null,
    });
  });

  it('is done where nothing remains', () => {
    expect(progressOf(run([5, 9]), { judged: 9, remaining: 0, now: at(10) })).toMatchObject({ left: 0 });
  });

  it('never runs backwards', () => {
    expect(progressOf(run([9, 5]), { judged: 5, remaining: 1, now: at(10) })).toMatchObject({ perHour: 0, left: null });
  });

  it('writes nothing where nothing has changed, and forgets what is long over', () => {
    const state = run([1, 2]);
    expect(noted(state, { digests: 1000, judged: 2, now: at(30) })).toBe(state);
    expect(run(Array.from({ length: 100 }, (_, i) => i))?.steps).toHaveLength(13);
  });
});

describe('a new installation on a registry that is full', () => {
  /** What `lazaret coverage` is told. */
  const coverageOf = async (line: Line) => {
    const { body } = await line.app.coverage({
      headers: new Headers({ 'x-lazaret-caller': 'ann' }),
      query: new URLSearchParams(),
      text: () => Promise.resolve(''),
    });
    return body as Coverage;
  };

  it('says how far it is, how fast it goes, and what would be locked; and locks nothing', async () => {
    const line = await createLine(onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag'));
    for (let i = 0; i < 12; i++) {
      const image = await sample.imageOf([{ path: 'name', content: `older ${i}` }]);
      if (i % 3 === 0) line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
      await line.registry.push(image, `team/app-${i % 4}`, { tag: `v${i}` });
    }
    line.registry.events.splice(0);
    line.redeploy({ ledger: { ...line.ledger, installedAt: () => Promise.resolve(at(24 * 60)) } });
    line.clock.advance(24 * 60 * MINUTE);
    line.registry.requests.length = 0;
    await line.app.reconcile();
    expect((await coverageOf(line)).progress).toMatchObject({ judged: 0, remaining: 12, wouldQuarantine: 0 });
    // Half of them are judged, one every minute, with the timer running.
    let scanned = 0;
    for (let minutes = 0; minutes < 30; minutes += 5) {
      await line.workOff([QUEUES.sweep, QUEUES.verifySweep, QUEUES.decide, QUEUES.scanned]);
      for (const message of line.queued.filter(({ queue }) => queue === QUEUES.scanSweep).slice(0, 1)) {
        line.queued.splice(line.queued.indexOf(message), 1);
        await line.app.recordScan(await line.scanRequest(message.body as never));
        scanned += 1;
      }
      await line.workOff([QUEUES.decide]);
      line.clock.advance(5 * MINUTE);
      await line.app.reconcile();
    }
    const half = await coverageOf(line);
    expect(half.progress).toMatchObject({ judged: scanned, remaining: 12 - scanned });
    expect(half.progress.perHour).toBeGreaterThanOrEqual(10);
    expect(half.progress.left).toBeGreaterThan(0);
    await line.wait(60 * MINUTE, 5 * MINUTE);
    await line.app.reconcile();
    const end = await coverageOf(line);
    expect(end.progress).toMatchObject({ judged: 12, remaining: 0, left: 0, wouldQuarantine: 4 });
    expect(end).toMatchObject({ existing: 4, quarantined: 0, unaccounted: 0 });
    expect(line.registry.requests.filter((request) => /^(PATCH|DELETE)/.test(request))).toEqual([]);
  });
});
