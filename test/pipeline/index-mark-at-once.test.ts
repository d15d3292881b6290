import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import type { ArtifactKey } from '../../shared/artifact/reference.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { Services } from '../../shared/steps.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { keyOf, reportsOn } from '../support/marks.js';

const HOUR = 3_600_000;
const POLICY = `maxAge: 48h\n${onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock')}`;
const PLATFORMS = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));

/** An index that has been marked; its platforms are being scanned once more. */
async function scannedAgain() {
  const line = await createLine(POLICY);
  const images = await Promise.all(
    PLATFORMS.map((platform) => sample.imageOf([{ path: 'name', content: platform.architecture }], platform)),
  );
  const index = sample.makeIndex(images.map((image, i) => ({ image, platform: PLATFORMS[i]! })));
  await line.registry.push(index, 'app', { tag: 'v1' });
  await line.settle();
  line.clock.advance(49 * HOUR);
  line.queued.splice(0);
  await line.app.reconcile();
  const key = keyOf(index.digest);
  // What is found now differs from what was found before.
  images.forEach(({ digest }, i) =>
    line.answers.set(digest, { vulnerabilities: [{ id: `CVE-${i}`, severity: 'LOW' }] }),
  );
  const [first, second] = line.queued.splice(0);
  return { line, key, first: first!, second: second! };
}

/** One platform's scan comes to its end, and is decided on. */
async function work(line: Line, message: Line['queued'][number]) {
  line.queued.push(message);
  await line.workOff([QUEUES.scanSweep, QUEUES.scanned]);
  const index = line.queued.findIndex(({ queue }) => queue === QUEUES.decide);
  const [decision] = line.queued.splice(index, 1);
  await line.app.decide(decision?.body);
  line.queued.splice(0);
}

const digestsOn = async (line: Line, { digest }: ArtifactKey) =>
  (await reportsOn(line, digest)).map((report) => report.digest);

type Push = Services['registry']['pushReferrer'];

/** The next report on this digest is pushed as `instead` does. */
function hold(line: Line, key: ArtifactKey, instead: (push: Push) => Push) {
  const { pushReferrer } = line.registry.client;
  Object.assign(line.registry.client, {
    pushReferrer: (...[subject, referrer]: Parameters<Push>) => {
      if (subject.key.digest !== key.digest) return pushReferrer(subject, referrer);
      Object.assign(line.registry.client, { pushReferrer });
      return instead(pushReferrer)(subject, referrer);
    },
  });
}

/** Stands still once its mark is announced, until `open` is called. */
function standStill(line: Line, key: ArtifactKey) {
  const announced = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  hold(line, key, (push) => (subject, referrer) => {
    const announce = async (digest: ArtifactKey['digest']) => {
      await referrer.announce?.(digest);
      announced.resolve(undefined);
      await gate.promise;
    };
    return push(subject, { ...referrer, announce });
  });
  return { announced: announced.promise, open: () => gate.resolve(undefined) };
}

describe('the report on an index, with several deciders at once', () => {
  it.each<readonly [string, (world: Awaited<ReturnType<typeof scannedAgain>>) => Promise<void>]>([
    [
      'the newest scans alone, whoever was slow',
      async ({ line, key, second }) => {
        await work(line, second);
        await line.decide(key);
        await line.settle();
      },
    ],
    ['whoever was first, where both have the same before them', ({ line, key }) => line.decide(key)],
  ])('is that of %s', async (_, meanwhile) => {
    const world = await scannedAgain();
    const { line, key, first } = world;
    await work(line, first);
    const gate = standStill(line, key);
    const slow = line.decide(key);
    await gate.announced;
    await meanwhile(world);
    const [newest] = await digestsOn(line, key);
    gate.open();
    await slow.catch(() => undefined);
    await line.settle();
    expect(await digestsOn(line, key)).toEqual([newest]);
    expect((await line.entry('app', key.digest))?.marks).toMatchObject([{ digest: newest }]);
  });

  it.each([
    ['before it was there', false],
    ['after it was there', true],
  ])('leaves nothing of one that died %s, although a newer scan came before anybody looked', async (_, pushes) => {
    const { line, key, first, second } = await scannedAgain();
    await work(line, first);
    hold(line, key, (push) => async (subject, referrer) => {
      const announce = async (digest: ArtifactKey['digest']) => {
        await referrer.announce?.(digest);
        if (!pushes) throw new Error('died');
      };
      await push(subject, { ...referrer, announce });
      throw new Error('died');
    });
    await expect(line.decide(key)).rejects.toThrow('died');
    expect((await line.entry('app', key.digest))?.drafts).toHaveLength(1);
    expect(await digestsOn(line, key)).toHaveLength(pushes ? 2 : 1);
    await work(line, second);
    await line.decide(key);
    await line.settle();
    const entry = await line.entry('app', key.digest);
    expect(await digestsOn(line, key)).toEqual(entry?.marks.map(({ digest }) => digest));
    expect(entry?.drafts).toBeUndefined();
  });

  it('is the same one where a repeat finishes what one began that died', async () => {
    const { line, key, first } = await scannedAgain();
    await work(line, first);
    hold(line, key, (push) => async (subject, referrer) => {
      await push(subject, referrer);
      throw new Error('died');
    });
    await expect(line.decide(key)).rejects.toThrow('died');
    const drafts = (await line.entry('app', key.digest))?.drafts;
    await line.decide(key);
    expect(await digestsOn(line, key)).toEqual(drafts);
  });
});
