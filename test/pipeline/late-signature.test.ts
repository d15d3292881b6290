import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createLine, onePolicy } from '../support/line.js';

const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }\nonPush: lock-and-untag');
const MINUTE = 60_000;

describe('a signature that nobody told us of', () => {
  it('is found within a day, and lifts the quarantine that its absence has caused', async () => {
    const line = await createLine(SIGNED);
    const image = await sample.imageOf([{ path: 'name', content: 'signed late' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    await line.wait(20 * MINUTE);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    await line.registry.push(signBundle(image, line.keys), 'app');
    line.registry.events.splice(0);
    // It has been looked at, as `signature`, but the request to verify what it signs was lost.
    await line.app.reconcile();
    line.queued.splice(0);
    for (let hours = 0; hours < 26; hours++) {
      await line.wait(60 * MINUTE, 30 * MINUTE);
      await line.app.reconcile();
      await line.settle();
    }
    expect(await line.entry('app', image.digest)).toMatchObject({
      signature: { outcome: 'verified' },
      enforcement: { state: 'released' },
    });
  });

  it('is looked for once more where looking was poisoned, though nothing in the registry changes', async () => {
    const line = await createLine(SIGNED.replace('lock-and-untag', 'mark'));
    const image = await sample.imageOf([{ path: 'name', content: 'never signed' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    await line.wait(20 * MINUTE);
    const verdict = async () => (await line.entry('app', image.digest))?.decision?.verdict;
    let poisoned = false;
    for (let minutes = 0; minutes < 28 * 60; minutes += 20) {
      await line.wait(20 * MINUTE, 20 * MINUTE);
      await line.app.reconcile();
      const index = line.queued.findIndex(({ queue }) => queue === QUEUES.verifySweep);
      if (!poisoned && index !== -1) {
        const [message] = line.queued.splice(index, 1);
        await line.app.poison(QUEUES.verifySweep, message!.body);
        poisoned = true;
      }
      await line.settle();
    }
    expect([poisoned, await verdict()]).toEqual([true, 'fail']);
  });
});
