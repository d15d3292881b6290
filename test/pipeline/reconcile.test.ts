import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import type { Digest } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { AppError } from '../../shared/error/app-error.js';
import { QUEUES, type QueueName } from '../../shared/message/queue-name.js';
import { bindSteps } from '../../shared/steps.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const ASKS = onePolicy(
  'vulnerabilities: { fail: CRITICAL }\nsignature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: lock-and-untag',
);
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] };
const MINUTE = 60_000;

const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);
const keyOf = (digest: string, repository = 'app') => parseKey({ registry: LOGIN_SERVER, repository, digest });

/** What one timer does: reconcile, and all that follows from it. */
async function run(line: Line) {
  const result = await line.app.reconcile();
  await line.settle();
  return result;
}

/** Lets time pass with the timer running, as it does in Azure. */
async function waitWithTimer(line: Line, minutes: number) {
  for (let passed = 0; passed < minutes; passed += 5) {
    await line.wait(5 * MINUTE);
    await run(line);
  }
}

async function pushBad(line: Line, repository = 'app', name = 'bad') {
  const bad = await image(name);
  line.answers.set(bad.digest, CRITICAL);
  await line.registry.push(bad, repository, { tag: 'v1' });
  return bad;
}

async function quarantined(line: Line) {
  const bad = await pushBad(line);
  await line.settle();
  await run(line);
  expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('quarantined');
  return bad;
}

async function isShut(line: Line, digest: string) {
  const { state } = await line.registry.client.pullState(LOGIN_SERVER, 'app' as never, digest as Digest);
  return state === 'refused';
}

/** Everything that is sent to these queues gets lost, until `end`. */
function loseFrom(line: Line, ...queues: readonly QueueName[]) {
  const { push } = line.queued;
  const lost = { count: 0, end: () => void Object.assign(line.queued, { push }) };
  const losing = (...messages: typeof line.queued) => {
    const kept = messages.filter(({ queue }) => !queues.includes(queue));
    lost.count += messages.length - kept.length;
    return push.apply(line.queued, kept);
  };
  Object.assign(line.queued, { push: losing });
  return lost;
}

describe('a push whose event never came', () => {
  it('is found within fifteen minutes, judged and quarantined as if it had', async () => {
    const line = await createLine(LOCKS);
    await line.registry.push(await image('known'), 'app', { tag: 'v0' });
    await line.settle();
    await run(line);
    const bad = await pushBad(line);
    line.registry.events.splice(0);
    await waitWithTimer(line, 15);
    expect(await line.entry('app', bad.digest)).toMatchObject({
      decision: { verdict: 'fail' },
      enforcement: { state: 'quarantined', record: { tags: ['v1'] } },
    });
    expect(line.cards).toHaveLength(1);
  });
  it('is found in a repository that nobody has heard of, with all that belongs to it', async () => {
    const line = await createLine(
      onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: lock'),
    );
    const [amd64, arm64] = [await image('amd64'), await image('arm64')];
    const index = sample.makeIndex([
      { image: amd64, platform: { os: 'linux', architecture: 'amd64' } },
      { image: arm64, platform: { os: 'linux', architecture: 'arm64' } },
    ]);
    await line.registry.push(index, 'new/app', { tag: 'v1' });
    await line.registry.push(signBundle(index, line.keys), 'new/app');
    await line.registry.push(await sample.helmChart('shop'), 'new/app', { tag: 'chart' });
    line.registry.events.splice(0);
    await waitWithTimer(line, 15);
    for (const { digest } of [index, amd64, arm64]) {
      expect((await line.entry('new/app', digest))?.decision?.verdict).toBe('pass');
    }
  });
  it('is not enforced where the image is older than this installation, only judged and told', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    line.registry.events.splice(0);
    line.clock.advance(MINUTE);
    const later = new Date(line.clock.now());
    const ledger = { ...line.ledger, installedAt: () => Promise.resolve(later) };
    line.clock.advance(10 * MINUTE);
    await bindSteps({ ...line.services, ledger }).reconcile();
    await line.settle();
    expect(await line.entry('app', bad.digest)).toMatchObject({
      existing: true,
      decision: { verdict: 'fail', action: 'lock-and-untag', withheld: { because: 'existing' } },
      enforcement: { state: 'withheld', withheld: { because: 'existing' } },
    });
    expect(await isShut(line, bad.digest)).toBe(false);
    expect(line.cards).toHaveLength(1);
  });
  it('is left to its event while that may be on its way', async () => {
    const line = await createLine(LOCKS);
    await pushBad(line);
    expect((await line.app.reconcile()).repairs.receive).toBe(0);
  });
  it('waits behind no other sweep once its event does come', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    const [event] = line.registry.events.splice(0);
    line.clock.advance(10 * MINUTE);
    await line.app.reconcile();
    await line.app.receiveSweep(line.queued.find(({ queue }) => queue === QUEUES.sweep)?.body);
    expect(line.queued.map(({ queue }) => queue)).toContain(QUEUES.scanSweep);
    expect(line.queued.map(({ queue }) => queue)).not.toContain(QUEUES.scan);
    await line.app.receive(event);
    expect(line.queued.map(({ queue }) => queue)).toContain(QUEUES.scan);
    await line.settle();
    expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('quarantined');
  });
});

describe('a verdict that never arrived', () => {
  it.each([
    ['the scan', QUEUES.scan],
    ['its outcome', QUEUES.scanned],
    ['the verification', QUEUES.verify],
    ['the decision', QUEUES.decide],
  ])('arrives although %s was lost', async (_, queue) => {
    const line = await createLine(ASKS);
    const bad = await pushBad(line);
    const lost = loseFrom(line, queue);
    await line.settle();
    expect(lost.count).toBeGreaterThan(0);
    lost.end();
    await waitWithTimer(line, 25);
    expect(await line.entry('app', bad.digest)).toMatchObject({
      decision: { verdict: 'fail' },
      enforcement: { state: 'quarantined' },
    });
    expect(line.cards).toHaveLength(1);
  });
  it('arrives although another scan fails and is tried again and again', async () => {
    const line = await createLine(LOCKS);
    const broken = await image('broken');
    line.answers.set(broken.digest, new AppError('REGISTRY_THROTTLED', 'away', { retryable: true }));
    await line.registry.push(broken, 'app', { tag: 'v2' });
    await line.settle();
    await waitWithTimer(line, 5);
    expect(line.queued.some(({ queue }) => queue === QUEUES.scanned)).toBe(true);
    const bad = await pushBad(line);
    const lost = loseFrom(line, QUEUES.scanned);
    await line.settle();
    lost.end();
    await waitWithTimer(line, 20);
    expect((await line.entry('app', bad.digest))?.decision?.verdict).toBe('fail');
  });

  it('arrives although the scanner was away so long that the digest was locked unseen', async () => {
    const line = await createLine(LOCKS);
    const [bad, good] = [await pushBad(line), await image('good')];
    await line.registry.push(good, 'app', { tag: 'v2' });
    const lost = loseFrom(line, QUEUES.scan, QUEUES.scanSweep);
    await waitWithTimer(line, 40);
    expect(await isShut(line, good.digest)).toBe(true);
    lost.end();
    await waitWithTimer(line, 60);
    expect(await line.entry('app', bad.digest)).toMatchObject({
      decision: { verdict: 'fail', reasons: [{ code: 'VULNERABILITIES' }] },
      enforcement: { state: 'quarantined' },
    });
    expect(await isShut(line, bad.digest)).toBe(true);
    expect((await line.entry('app', good.digest))?.decision?.verdict).toBe('pass');
    expect(await line.registry.client.resolveTag(LOGIN_SERVER, 'app' as never, 'v2' as never)).toBe(good.digest);
  });
  it('does not open a digest again and again for a scanner that stays away', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    loseFrom(line, QUEUES.scan, QUEUES.scanSweep);
    let open = 0;
    for (let hours = 0; hours < 100; hours++) {
      await line.wait(60 * MINUTE, 30 * MINUTE);
      await run(line);
      if (!(await isShut(line, bad.digest))) open += 1;
    }
    expect((await line.entry('app', bad.digest))?.reopened).toBe(3);
    // Once before the first deadline, and then three times, ever less often.
    expect(open).toBe(1 + 3);
    expect(await isShut(line, bad.digest)).toBe(true);
  });
  it('is not asked for twice while its scan may still be queued', async () => {
    const line = await createLine(LOCKS);
    await pushBad(line);
    await line.deliverEvents();
    line.clock.advance(20 * MINUTE);
    expect((await line.app.reconcile()).repairs).toMatchObject({ scan: 0, verify: 0 });
  });
  it('arrives although its outcome was poisoned', async () => {
    const line = await createLine(LOCKS);
    const bad = await pushBad(line);
    await line.deliverEvents();
    const scan = line.queued.find(({ queue }) => queue === QUEUES.scan)?.body as { scanId: string };
    line.queued.splice(0);
    const at = line.clock.now().toISOString();
    const scanned = {
      v: 1,
      attempt: 0,
      since: at,
      scanId: scan.scanId,
      key: keyOf(bad.digest),
      outcome: { kind: 'retry' },
    };
    await line.app.poison(QUEUES.scanned, scanned);
    await line.app.poison(QUEUES.verify, { v: 1, attempt: 0, since: at, key: keyOf(bad.digest), again: false });
    await line.settle();
    expect((await line.entry('app', bad.digest))?.scan).toMatchObject({ state: 'failed', code: 'POISONED' });
    await waitWithTimer(line, 90);
    expect(await line.entry('app', bad.digest)).toMatchObject({
      scan: { state: 'done' },
      signature: { code: 'SIGNATURE_NOT_REQUIRED' },
      decision: { verdict: 'fail' },
    });
  });
});

describe('a quarantine that somebody undoes', () => {
  it('is in force again: the lock', async () => {
    const line = await createLine(LOCKS);
    const bad = await quarantined(line);
    const open = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
    await line.registry.client.unlock(keyOf(bad.digest), open);
    expect(await isShut(line, bad.digest)).toBe(false);
    await waitWithTimer(line, 10);
    expect(await isShut(line, bad.digest)).toBe(true);
    expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('quarantined');
  });
  it('is in force again within the hour, even where the registry does not tell that anything has changed', async () => {
    const line = await createLine(LOCKS);
    const bad = await quarantined(line);
    const long = new Date(0);
    const { listManifests } = line.registry.client;
    Object.assign(line.registry.client, {
      repositoryUpdatedAt: () => Promise.resolve(long),
      listManifests: async (...args: Parameters<typeof listManifests>) => {
        const { items, next } = await listManifests(...args);
        return { items: items.map((item) => ({ ...item, updatedAt: long })), next };
      },
    });
    await waitWithTimer(line, 10);
    const open = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
    await line.registry.client.unlock(keyOf(bad.digest), open);
    await waitWithTimer(line, 65);
    expect(await isShut(line, bad.digest)).toBe(true);
  });
  it('is in force again: a new tag, of which no event told', async () => {
    const line = await createLine(LOCKS);
    const bad = await quarantined(line);
    await line.registry.push(bad, 'app', { tag: 'again' });
    line.registry.events.splice(0);
    await waitWithTimer(line, 10);
    expect(await line.registry.client.resolveTag(LOGIN_SERVER, 'app' as never, 'again' as never)).toBeUndefined();
  });
  it('reaches the same digest in another repository', async () => {
    const line = await createLine(LOCKS);
    const bad = await quarantined(line);
    await line.registry.push(bad, 'copy/app', { tag: 'v1' });
    line.registry.events.splice(0);
    await waitWithTimer(line, 10);
    expect((await line.entry('copy/app', bad.digest))?.enforcement.state).toBe('quarantined');
  });
  it('is left alone where a person has released it', async () => {
    const line = await createLine(LOCKS);
    const bad = await quarantined(line);
    const text = () =>
      Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app@${bad.digest}`, reason: 'needed' }));
    await line.app.release({ headers: new Headers(), query: new URLSearchParams(), text });
    await line.settle();
    await waitWithTimer(line, 10);
    expect(await isShut(line, bad.digest)).toBe(false);
  });
});

describe('what is not there any more', () => {
  it('is put back: a tag that our removal of it from another digest took along', async () => {
    const line = await createLine(LOCKS);
    const bad = await quarantined(line);
    const fix = await image('fix');
    await line.registry.push(fix, 'app', { tag: 'v1' });
    await line.settle();
    expect((await line.entry('app', fix.digest))?.decision?.verdict).toBe('pass');
    // A machine that stood still goes on: its removal of v1 meant the bad one, and by name it meets the fix.
    const at = line.clock.now().toISOString();
    const tag = { registry: LOGIN_SERVER, repository: 'app' as never, tag: 'v1' as never };
    await line.ledger.updateTag(tag, (row) => row && { ...row, removed: { digest: bad.digest, at, until: at } });
    await line.registry.client.untag(tag.registry, tag.repository, tag.tag);
    await waitWithTimer(line, 15);
    expect(await line.registry.client.resolveTag(tag.registry, tag.repository, tag.tag)).toBe(fix.digest);
  });
  it('is remembered as gone: a manifest, and comes back with the next push', async () => {
    const line = await createLine(LOCKS);
    const good = await image('good');
    await line.registry.push(good, 'app', { tag: 'v1' });
    await line.settle();
    await run(line);
    await line.registry.remove('app', good.digest);
    line.registry.events.splice(0);
    await line.wait(25 * 60 * MINUTE, 60 * MINUTE);
    await run(line);
    expect((await line.entry('app', good.digest))?.goneAt).toBeDefined();
    await line.registry.push(good, 'app', { tag: 'v1' });
    line.registry.events.splice(0);
    await waitWithTimer(line, 15);
    expect(await line.entry('app', good.digest)).toMatchObject({ decision: { verdict: 'pass' } });
    expect((await line.entry('app', good.digest))?.goneAt).toBeUndefined();
  });
});

describe('a run', () => {
  it('finds nothing to do twice', async () => {
    const line = await createLine(LOCKS);
    await quarantined(line);
    await line.registry.push(await sample.helmChart('shop'), 'charts/shop', { tag: 'v1' });
    await line.settle();
    await waitWithTimer(line, 15);
    const before = line.registry.requests.filter((request) => !request.startsWith('GET')).length;
    const { repairs } = await run(line);
    expect(Object.values(repairs).every((count) => count === 0)).toBe(true);
    expect(line.registry.requests.filter((request) => !request.startsWith('GET'))).toHaveLength(before);
  });
  it('keeps to its budget and goes on where it stopped, until everything is found', async () => {
    const line = await createLine(LOCKS, { reconcileCallsPerMinute: 2 });
    const names = Array.from({ length: 24 }, (_, i) => `many/app-${i}`);
    for (const name of names) await line.registry.push(await image(name), name, { tag: 'v1' });
    line.registry.events.splice(0);
    line.clock.advance(10 * MINUTE);
    const first = await run(line);
    expect(first).toMatchObject({ repositories: 24, complete: false });
    expect(first.calls).toBeLessThanOrEqual(2 * 5 + 1);
    let runs = 1;
    for (; runs < 40; runs++) {
      line.clock.advance(5 * MINUTE);
      await run(line);
      const known = await Promise.all(
        names.map(async (name) => (await line.entry(name, (await image(name)).digest))?.decision?.verdict),
      );
      if (known.every((verdict) => verdict === 'pass')) break;
    }
    expect(runs).toBeGreaterThan(2);
    expect(runs).toBeLessThan(15);
  });
  it('is not kept by one repository from looking at the others', async () => {
    const line = await createLine(LOCKS);
    for (const name of ['a/app', 'b/app', 'c/app']) await line.registry.push(await image(name), name, { tag: 'v1' });
    line.registry.events.splice(0);
    line.clock.advance(10 * MINUTE);
    const { listManifests } = line.registry.client;
    Object.assign(line.registry.client, {
      listManifests: (...args: Parameters<typeof listManifests>) =>
        args[0].repository === 'b/app'
          ? Promise.reject(new AppError('REGISTRY_DENIED', 'no', { retryable: true }))
          : listManifests(...args),
    });
    expect(await run(line)).toMatchObject({ walked: 2, failed: 1, complete: false, repairs: { receive: 2 } });
  });
});
