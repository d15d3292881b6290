import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createLine, onePolicy } from '../support/line.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const MINUTE = 60_000;

describe('runs of reconcile at once', () => {
  it('open a digest that was locked unseen once', async () => {
    const line = await createLine(LOCKS);
    const image = await sample.imageOf([{ path: 'name', content: 'unseen' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.deliverEvents();
    line.queued.splice(0, Infinity, ...line.queued.filter(({ queue }) => queue !== QUEUES.scan));
    await line.settle();
    await line.wait(90 * MINUTE, MINUTE);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    await Promise.all([line.app.reconcile(), line.app.reconcile(), line.app.reconcile()]);
    expect((await line.entry('app', image.digest))?.reopened).toBe(1);
    expect(line.queued.filter(({ queue }) => queue === QUEUES.scanSweep)).toHaveLength(1);
    await line.settle();
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
  });
});
