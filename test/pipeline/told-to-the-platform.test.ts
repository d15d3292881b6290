import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createLine, onePolicy } from '../support/line.js';

// Alerts of the infrastructure (infra/alerts.tf) read these lines; test/infra compares the names.
describe('what the platform is told in the log', () => {
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
