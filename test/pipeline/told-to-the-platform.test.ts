import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createLine, onePolicy } from '../support/line.js';

// Alerts of the infrastructure (infra/alerts.tf) read these lines; test/infra compares the names.
describe('what the platform is told in the log', () => {
  it('hears of what has been in a registry, and unknown to us, for six hours, as long as it is', async () => {
    const logged: Readonly<Record<string, unknown>>[] = [];
    const line = await createLine(onePolicy('onPush: mark'), {
      log: (level, event, fields = {}) => void logged.push({ level, event, ...fields }),
    });
    const image = await sample.imageOf([{ path: 'a', content: 'unknown' }]);
    await line.registry.push(image, 'app', { tag: 'one' });
    line.registry.events.splice(0);
    const lookAgain = async (hours: number) => {
      line.clock.advance(hours * 3_600_000);
      await line.app.reconcile();
      // Whatever is asked for gets lost.
      return line.queued.splice(0);
    };
    const told = () => logged.filter(({ event }) => event === 'unaccounted');
    await lookAgain(1);
    for (let hours = 1; hours < 6; hours++) await lookAgain(1);
    expect(told()).toEqual([]);
    const asked = await lookAgain(1);
    expect(told()).toMatchObject([{ level: 'error', repository: 'app', manifests: 1, seconds: 6 * 3600 }]);
    line.queued.push(...asked);
    await line.settle();
    await lookAgain(25);
    expect(told()).toHaveLength(1);
    expect(await line.entry('app', image.digest)).toMatchObject({ decision: { verdict: 'pass' } });
  });

  it('hears how long a first verdict took, once, and of every card about Lazaret itself', async () => {
    const logged: Readonly<Record<string, unknown>>[] = [];
    const line = await createLine(onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock'), {
      log: (level, event, fields = {}) => void logged.push({ level, event, ...fields }),
    });
    for (const name of ['one', 'two']) {
      const image = await sample.imageOf([{ path: 'a', content: name }]);
      line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
      await line.registry.push(image, 'app', { tag: name });
    }
    await line.settle();
    const decided = logged.filter(({ event }) => event === 'decided');
    expect(decided.map(({ verdict, seconds }) => [verdict, typeof seconds])).toEqual([
      ['fail', 'number'],
      ['fail', 'number'],
    ]);
    await line.app.poison(QUEUES.decide, 'nonsense');
    await line.settle();
    const told = logged.filter(({ event }) => event === 'told-of-itself');
    expect(told.map(({ code }) => code)).toEqual(['POISONED']);
    await line.settle();
    expect(logged.filter(({ event }) => event === 'decided').length).toBe(2);
  });
});
