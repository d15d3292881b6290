import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const MINUTE = 60_000;
const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const OPEN = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
const keyOf = (digest: string) => parseKey({ registry: LOGIN_SERVER, repository: 'app', digest });

async function quarantined() {
  const line = await createLine(LOCKS);
  const image = await sample.imageOf([{ path: 'name', content: 'contested' }]);
  line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
  await line.registry.push(image, 'app', { tag: 'v1' });
  await line.settle();
  await minutes(line, 5);
  expect(await isShut(line, image.digest)).toBe(true);
  return { line, image };
}

async function minutes(line: Line, count: number) {
  for (let passed = 0; passed < count; passed += 5) {
    await line.wait(5 * MINUTE, 5 * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

const isShut = async (line: Line, digest: string) =>
  (await line.registry.client.pullState(LOGIN_SERVER, 'app' as never, digest as never)).state === 'refused';
const stateOf = async (line: Line, digest: string) => (await line.entry('app', digest))?.enforcement.state;

/** Somebody takes the lock off whenever it is on, and looks every five minutes. Resolves with how often that was. */
async function fight(line: Line, digest: string, forMinutes: number): Promise<number> {
  let opened = 0;
  for (let passed = 0; passed < forMinutes; passed += 5) {
    if (await isShut(line, digest)) {
      await line.registry.client.unlock(keyOf(digest), OPEN);
      opened += 1;
    }
    await minutes(line, 5);
  }
  return opened;
}

const door = (digest: string, body: object = { reason: 'agreed' }) => ({
  headers: new Headers({ 'x-lazaret-caller': 'ann' }),
  query: new URLSearchParams(),
  text: () => Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app@${digest}`, ...body })),
});

describe('a lock that somebody else takes off', () => {
  it('is put on again, once for one operator at night', async () => {
    const { line, image } = await quarantined();
    await line.registry.client.unlock(keyOf(image.digest), OPEN);
    await minutes(line, 10);
    expect(await isShut(line, image.digest)).toBe(true);
    await minutes(line, 120);
    expect((await line.entry('app', image.digest))?.enforcement).toMatchObject({ state: 'quarantined' });
    expect(line.cards).toHaveLength(1);
  });

  it('is put on again three times a day, with a growing pause, and is then left off: one card', async () => {
    const { line, image } = await quarantined();
    expect(await fight(line, image.digest, 6 * 60)).toBe(4);
    expect([await stateOf(line, image.digest), await isShut(line, image.digest)]).toEqual(['contested', false]);
    const { relockedAt = [] } = (await line.entry('app', image.digest))!.enforcement;
    const [first = 0, second = 0, third = 0] = relockedAt.map((at) => new Date(at).getTime());
    expect(second - first).toBeGreaterThanOrEqual(15 * MINUTE);
    expect(third - second).toBeGreaterThanOrEqual(60 * MINUTE);
    expect(line.cards.map((card) => card.kind === 'image' && card.contested)).toEqual([undefined, true]);
    // It still fails, and is still without its tag.
    expect(await line.entry('app', image.digest)).toMatchObject({ decision: { verdict: 'fail' } });
    await minutes(line, 24 * 60);
    expect([await stateOf(line, image.digest), line.cards.length]).toEqual(['contested', 2]);
  });

  it('is put on again once a person insists, and not by anybody who does not say why', async () => {
    const { line, image } = await quarantined();
    expect(await line.app.insist(door(image.digest))).toMatchObject({ status: 409 });
    await fight(line, image.digest, 6 * 60);
    expect(await line.app.insist(door(image.digest, { reason: '' }))).toMatchObject({ status: 400 });
    expect(await line.app.insist(door(image.digest))).toMatchObject({ status: 202, body: { by: 'ann' } });
    await line.settle();
    expect([await stateOf(line, image.digest), await isShut(line, image.digest)]).toEqual(['quarantined', true]);
    expect(await fight(line, image.digest, 6 * 60)).toBe(4);
    expect(await stateOf(line, image.digest)).toBe('contested');
  });

  it('is off for good once a person releases it', async () => {
    const { line, image } = await quarantined();
    await fight(line, image.digest, 6 * 60);
    await line.app.release(door(image.digest));
    await line.settle();
    expect(await stateOf(line, image.digest)).toBe('released');
    expect(await line.registry.client.resolveTag(LOGIN_SERVER, 'app' as never, 'v1' as never)).toBe(image.digest);
  });

  it('ends the fight of two installations on one registry', async () => {
    const { line, image } = await quarantined();
    // The other one has released it, and takes off every lock that it sees.
    let locks = 0;
    const { lock } = line.registry.client;
    Object.assign(line.registry.client, {
      lock: (...args: Parameters<typeof lock>) => {
        locks += 1;
        return lock(...args);
      },
    });
    await fight(line, image.digest, 24 * 60);
    expect(locks).toBe(3);
  });
});

describe('enforcement that is switched off in the middle of an apply', () => {
  it('leaves what was done, does no more, and goes on once it is on again', async () => {
    const line = await createLine(LOCKS);
    const image = await sample.imageOf([{ path: 'name', content: 'half' }]);
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    const { lock } = line.registry.client;
    Object.assign(line.registry.client, { lock: () => Promise.reject(new Error('the machine dies')) });
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    expect(await stateOf(line, image.digest)).toBe('applying');
    line.redeploy({ mode: 'observe' });
    Object.assign(line.registry.client, { lock });
    await minutes(line, 60);
    expect(await line.entry('app', image.digest)).toMatchObject({
      enforcement: { state: 'quarantined', operations: [{ kind: 'untag', tag: 'v1', outcome: 'done' }] },
    });
    expect(await isShut(line, image.digest)).toBe(false);
    line.redeploy({ mode: 'enforce' });
    await line.wait(24 * 60 * MINUTE, 60 * MINUTE);
    await minutes(line, 15);
    expect([await stateOf(line, image.digest), await isShut(line, image.digest)]).toEqual(['quarantined', true]);
  });
});
