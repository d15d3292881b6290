import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { Alert } from '../../shared/message/alert.js';
import { deliverAlert } from '../../shared/pipeline/alert.js';
import { createClock } from '../support/clock.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }\nonPush: lock-and-untag');
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };

/** A gate that somebody waits at until it is opened. */
function createGate() {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { passed: promise, open: () => resolve(undefined) };
}

async function pushBad(line: Line) {
  const bad = await sample.imageOf([{ path: 'name', content: 'bad' }]);
  line.answers.set(bad.digest, CRITICAL);
  await line.registry.push(bad, 'app', { tag: 'v1' });
  return bad;
}

const release = (line: Line, digest: string) =>
  line.app.release({
    headers: new Headers(),
    query: new URLSearchParams(),
    text: () => Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app@${digest}`, reason: 'known' })),
  });

const pull = (line: Line, reference: string) =>
  line.registry.client.pullState(LOGIN_SERVER, 'app' as never, reference as never);

describe('a step that stands still, and goes on when others are done', () => {
  it('does not forget a signature that it was too early to see', async () => {
    const line = await createLine(SIGNED);
    const image = await sample.imageOf([{ path: 'name', content: 'signed' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.deliverEvents();
    const verification = line.queued.find(({ queue }) => queue === QUEUES.verify)?.body;
    const looked = createGate();
    const gate = createGate();
    const { listReferrers } = line.registry.client;
    Object.assign(line.registry.client, {
      listReferrers: async (...args: Parameters<typeof listReferrers>) => {
        Object.assign(line.registry.client, { listReferrers });
        const none = await listReferrers(...args);
        looked.open();
        await gate.passed;
        return none;
      },
    });
    const slow = line.app.verify(verification);
    await looked.passed;
    line.clock.advance(1000);
    await line.registry.push(signBundle(image, line.keys), 'app');
    await line.settle();
    expect((await line.entry('app', image.digest))?.signature).toMatchObject({ outcome: 'verified' });
    gate.open();
    await slow;
    await line.wait(20 * 60_000);
    expect((await line.entry('app', image.digest))?.signature).toMatchObject({ outcome: 'verified' });
    expect(await pull(line, 'v1')).toEqual({ state: 'served' });
  });

  it('leaves no lock on what was released before it came to lock it', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const gate = createGate();
    const { lock } = line.registry.client;
    const locking = createGate();
    Object.assign(line.registry.client, {
      lock: async (...args: Parameters<typeof lock>) => {
        Object.assign(line.registry.client, { lock });
        locking.open();
        await gate.passed;
        return lock(...args);
      },
    });
    const slow = line.settle();
    await locking.passed;
    expect((await release(line, bad.digest)).status).toBe(202);
    const key = (await line.entry('app', bad.digest))!.key;
    await line.decide(key);
    expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('released');
    line.clock.advance(1000);
    gate.open();
    await slow;
    await line.wait(10 * 60_000);
    expect(await pull(line, bad.digest)).toEqual({ state: 'served' });
    expect(await pull(line, 'v1')).toEqual({ state: 'served' });
  });

  it('takes off a lock that a decider put on after the release, and died', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const locking = createGate();
    const released = createGate();
    const locked = createGate();
    const { lock } = line.registry.client;
    Object.assign(line.registry.client, {
      lock: async (...args: Parameters<typeof lock>) => {
        Object.assign(line.registry.client, { lock });
        locking.open();
        await released.passed;
        await lock(...args);
        locked.open();
        return new Promise(() => undefined);
      },
    });
    void line.settle();
    await locking.passed;
    expect((await release(line, bad.digest)).status).toBe(202);
    const key = (await line.entry('app', bad.digest))!.key;
    const decide = () => line.decide(key);
    await decide();
    expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('released');
    line.clock.advance(1000);
    released.open();
    await locked.passed;
    expect(await pull(line, bad.digest)).toEqual({ state: 'refused' });
    // The message of the one that died comes again when its lease is over.
    line.clock.advance(10 * 60_000);
    await decide();
    expect(await pull(line, bad.digest)).toEqual({ state: 'served' });
    expect(await pull(line, 'v1')).toEqual({ state: 'served' });
  });

  it('tries again to restore a tag that a lock of its own kept from being restored', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    await line.settle();
    const key = (await line.entry('app', bad.digest))!.key;
    const { retag, lock } = line.registry.client;
    Object.assign(line.registry.client, {
      retag: async (...args: Parameters<typeof retag>) => {
        Object.assign(line.registry.client, { retag });
        await lock(key);
        return retag(...args);
      },
    });
    await release(line, bad.digest);
    await line.settle();
    await line.wait(5 * 60_000);
    expect(await pull(line, 'v1')).toEqual({ state: 'served' });
    expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('released');
  });

  it('is no refused event when its image has been quarantined meanwhile', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const [event] = line.registry.events;
    const gate = createGate();
    const { fetchManifest } = line.registry.client;
    Object.assign(line.registry.client, {
      fetchManifest: async (...args: Parameters<typeof fetchManifest>) => {
        Object.assign(line.registry.client, { fetchManifest });
        await gate.passed;
        return fetchManifest(...args);
      },
    });
    const slow = line.app.receive(event);
    await line.settle();
    expect(await pull(line, bad.digest)).toEqual({ state: 'refused' });
    gate.open();
    await slow;
    await line.wait(60_000);
    expect(line.cards.map(({ kind }) => kind)).toEqual(['image']);
  });

  it('tells no news when another decider has overtaken it', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const { pullState } = line.registry.client;
    // Between its last look at the registry and its card, somebody releases the image.
    Object.assign(line.registry.client, {
      pullState: async (...args: Parameters<typeof pullState>) => {
        Object.assign(line.registry.client, { pullState });
        await release(line, bad.digest);
        return pullState(...args);
      },
    });
    await line.settle();
    await line.wait(5 * 60_000);
    expect(line.cards.map((card) => card.kind === 'image' && card.operations.map(({ kind }) => kind))).toEqual([
      ['unlock', 'retag'],
    ]);
  });
});

describe('an alert that is queued twice', () => {
  it('is taken over by one delivery when the first has failed', async () => {
    const clock = createClock();
    const blobs = new Map<string, Uint8Array>([['a.json', Buffer.from(JSON.stringify({ kind: 'system' }))]]);
    const sent: Alert[] = [];
    let away = true;
    const deliver = () =>
      deliverAlert('a', {
        log: () => undefined,
        clock: clock.now,
        store: {
          readNamed: (_container, name) => Promise.resolve(blobs.get(name)),
          createOnce: (_container, name, bytes) => {
            if (blobs.has(name)) return Promise.resolve(false);
            blobs.set(name, bytes);
            return Promise.resolve(true);
          },
        },
        channelOf: () => 'common',
        takeCard: () => Promise.resolve(true),
        sendCard: (alert) => {
          if (away) return Promise.reject(new Error('away'));
          sent.push(alert);
          return Promise.resolve();
        },
      });
    const outcomes = async () => (await Promise.allSettled([deliver(), deliver()])).map(({ status }) => status);
    expect(await outcomes()).toEqual(['rejected', 'rejected']);
    away = false;
    expect(await outcomes()).toEqual(['rejected', 'rejected']);
    clock.advance(61_000);
    expect((await outcomes()).sort()).toEqual(['fulfilled', 'rejected']);
    clock.advance(61_000);
    expect(await outcomes()).toEqual(['fulfilled', 'fulfilled']);
    expect(sent).toHaveLength(1);
  });
});
