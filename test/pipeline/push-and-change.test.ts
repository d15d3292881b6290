import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const HOUR = 60 * 60_000;
const LENIENT = onePolicy('onPush: lock-and-untag\nonChange: { enforce: lock-and-untag, after: 72h }');
const STRICT = LENIENT.replace('onPush', 'vulnerabilities: { fail: CRITICAL }\n    onPush');

async function pushed(line: Line) {
  const image = await sample.imageOf([{ path: 'name', content: 'runs in production' }]);
  line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
  await line.registry.push(image, 'app', { tag: 'v1' });
  await line.settle();
  return image;
}

/** Lets hours pass with the timer running. */
async function hours(line: Line, count: number, stepMinutes = 30) {
  for (let minutes = 0; minutes < count * 60; minutes += stepMinutes) {
    await line.wait(stepMinutes * 60_000, stepMinutes * 60_000);
    await line.app.reconcile();
    await line.settle();
  }
}

const pull = async (line: Line, reference: string) =>
  (await line.registry.client.pullState(LOGIN_SERVER, 'app' as never, reference as never)).state;
const enforcementOf = async (line: Line, digest: string) => (await line.entry('app', digest))?.enforcement;
const decide = async (line: Line, digest: string) => {
  const entry = await line.entry('app', digest);
  await line.decide(entry?.key);
  await line.settle();
};

/** An image that has passed, and fails under a newer policy. */
async function changed() {
  const line = await createLine(LENIENT);
  const image = await pushed(line);
  expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
  line.clock.advance(HOUR);
  line.redeploy({ policyText: STRICT });
  await decide(line, image.digest);
  return { line, image };
}

describe('an image that has passed, and fails later', () => {
  it('is told at once, with the time that is left, and locked when that is over', async () => {
    const { line, image } = await changed();
    const until = new Date(line.clock.now().getTime() + 72 * HOUR).toISOString();
    expect(await line.entry('app', image.digest)).toMatchObject({
      decision: { verdict: 'fail', because: 'change' },
      enforcement: {
        state: 'withheld',
        withheld: { because: 'change', until },
        operations: [
          { kind: 'untag', tag: 'v1', outcome: 'withheld' },
          { kind: 'lock', outcome: 'withheld' },
        ],
      },
    });
    expect(line.cards).toMatchObject([{ verdict: 'fail', previous: 'pass', withheld: { because: 'change', until } }]);
    await hours(line, 71.5);
    expect([await pull(line, 'v1'), line.cards.length]).toEqual(['served', 1]);
    await line.wait(HOUR);
    expect([await pull(line, 'v1'), await pull(line, image.digest)]).toEqual(['absent', 'refused']);
    expect(line.cards).toHaveLength(2);
  });

  it('is locked although the message that was to wake us got lost', async () => {
    const { line, image } = await changed();
    expect(line.queued.filter(({ queue }) => queue === QUEUES.decide).length).toBeGreaterThan(0);
    line.queued.splice(0);
    await hours(line, 71.5);
    expect((await enforcementOf(line, image.digest))?.state).toBe('withheld');
    await hours(line, 1.5);
    expect((await enforcementOf(line, image.digest))?.state).toBe('quarantined');
  });

  it('has all of its time again once it has passed in between', async () => {
    const { line, image } = await changed();
    await hours(line, 48);
    line.redeploy({ policyText: LENIENT });
    await decide(line, image.digest);
    expect(await line.entry('app', image.digest)).toMatchObject({
      decision: { verdict: 'pass' },
      enforcement: { state: 'none', operations: [] },
    });
    line.redeploy({ policyText: STRICT });
    await decide(line, image.digest);
    await hours(line, 48);
    expect((await enforcementOf(line, image.digest))?.state).toBe('withheld');
    await hours(line, 25);
    expect((await enforcementOf(line, image.digest))?.state).toBe('quarantined');
  });

  it('is released before its time: then it is left alone', async () => {
    const { line, image } = await changed();
    await release(line, image.digest);
    await line.settle();
    await hours(line, 80);
    expect(await pull(line, 'v1')).toBe('served');
    expect((await enforcementOf(line, image.digest))?.state).toBe('released');
  });
});

const release = (line: Line, digest: string, span?: string) =>
  line.app.release({
    headers: new Headers(),
    query: new URLSearchParams(),
    text: () =>
      Promise.resolve(
        JSON.stringify({ reference: `${LOGIN_SERVER}/app@${digest}`, reason: 'incident', ...(span && { for: span }) }),
      ),
  });

describe('a release for a time', () => {
  async function quarantined() {
    const line = await createLine(STRICT);
    const image = await pushed(line);
    expect((await enforcementOf(line, image.digest))?.state).toBe('quarantined');
    return { line, image };
  }

  it('ends by itself', async () => {
    const { line, image } = await quarantined();
    const answer = await release(line, image.digest, '2h');
    const until = new Date(line.clock.now().getTime() + 2 * HOUR).toISOString();
    expect(answer).toMatchObject({ status: 202, body: { until } });
    await line.settle();
    expect(await pull(line, 'v1')).toBe('served');
    await hours(line, 1.5);
    expect(await pull(line, 'v1')).toBe('served');
    await line.wait(HOUR);
    expect([await pull(line, 'v1'), await pull(line, image.digest)]).toEqual(['absent', 'refused']);
    expect((await line.entry('app', image.digest))?.release).toBeUndefined();
  });

  it('ends although the app was away at that moment, and its message is lost', async () => {
    const { line, image } = await quarantined();
    await release(line, image.digest, '2h');
    await line.settle();
    await line.app.reconcile();
    line.queued.splice(0);
    line.clock.advance(3 * HOUR);
    await hours(line, 0.5, 5);
    expect(await pull(line, image.digest)).toBe('refused');
  });

  it('is over where nothing has to be done for it either', async () => {
    const { line, image } = await quarantined();
    await release(line, image.digest, '2h');
    await line.settle();
    // It passes now, so that its decision comes to the same with and without the release.
    line.redeploy({ policyText: LENIENT });
    await decide(line, image.digest);
    await hours(line, 3);
    expect((await line.entry('app', image.digest))?.release).toBeUndefined();
  });

  it('ends although the app dies again and again while it locks', async () => {
    const { line, image } = await quarantined();
    await release(line, image.digest, '2h');
    await line.settle();
    line.clock.advance(2 * HOUR);
    const { journal } = line.services;
    line.redeploy({
      journal: async (event) => {
        await journal(event);
        if (event.what === 'lock-done') throw new Error('died');
      },
    });
    line.queued.splice(0);
    await hours(line, 0.5, 5);
    line.redeploy({});
    await hours(line, 1.5, 5);
    expect(await pull(line, image.digest)).toBe('refused');
    expect((await enforcementOf(line, image.digest))?.state).toBe('quarantined');
  });

  it('does not end where another for good has followed', async () => {
    const { line, image } = await quarantined();
    await release(line, image.digest, '2h');
    await line.settle();
    await release(line, image.digest);
    await hours(line, 4);
    expect(await pull(line, 'v1')).toBe('served');
  });

  it.each(['tomorrow', '0s', '99999h', '-2h'])('is not for %s', async (span) => {
    const { line, image } = await quarantined();
    expect(await release(line, image.digest, span)).toMatchObject({
      status: 400,
      body: { error: { code: 'REQUEST_MALFORMED' } },
    });
    expect((await line.entry('app', image.digest))?.release).toBeUndefined();
  });
});

describe('enforcement that is switched on', () => {
  it('does what was withheld, and off again leaves what stands', async () => {
    const line = await createLine(STRICT, { mode: 'observe' });
    const image = await pushed(line);
    expect(await enforcementOf(line, image.digest)).toMatchObject({
      state: 'withheld',
      withheld: { because: 'observe' },
    });
    await hours(line, 1, 5);
    expect([await pull(line, 'v1'), line.cards.length]).toEqual(['served', 1]);
    const asked = { headers: new Headers(), query: new URLSearchParams(), text: () => Promise.resolve('') };
    expect((await line.app.coverage(asked)).body).toMatchObject({ observed: 1, quarantined: 0 });
    line.redeploy({ mode: 'enforce' });
    await hours(line, 0.25, 5);
    expect([await pull(line, 'v1'), await pull(line, image.digest)]).toEqual(['absent', 'refused']);
    line.redeploy({ mode: 'observe' });
    const other = await sample.imageOf([{ path: 'name', content: 'another' }]);
    line.answers.set(other.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    await line.registry.push(other, 'app', { tag: 'v2' });
    await line.settle();
    await hours(line, 1, 30);
    expect([await pull(line, image.digest), await pull(line, 'v2')]).toEqual(['refused', 'served']);
  });
});

describe('another policy', () => {
  it('reaches every digest by itself, with whatever it changes', async () => {
    const line = await createLine(LENIENT);
    const image = await pushed(line);
    await hours(line, 1, 5);
    line.redeploy({ policyText: STRICT });
    await hours(line, 0.25, 5);
    expect(await line.entry('app', image.digest)).toMatchObject({
      decision: { verdict: 'fail', policy: digestOf(STRICT) },
      enforcement: { state: 'withheld', withheld: { because: 'change' } },
    });
    const decidedAt = (await line.entry('app', image.digest))?.settledAt;
    await hours(line, 2, 5);
    expect((await line.entry('app', image.digest))?.settledAt).toBe(decidedAt);
  });
});

describe('a reserved repository', () => {
  it('is judged, marked and told, and never locked: not even our own scanner', async () => {
    const reserved = [{ registry: LOGIN_SERVER, repository: 'app' }];
    const line = await createLine(STRICT, { reserved });
    const image = await pushed(line);
    await hours(line, 1);
    expect(await line.entry('app', image.digest)).toMatchObject({
      decision: { verdict: 'fail' },
      enforcement: { state: 'withheld', withheld: { because: 'reserved' } },
    });
    expect([await pull(line, 'v1'), (await line.entry('app', image.digest))?.marks.length]).toEqual(['served', 2]);
    expect(line.cards).toMatchObject([{ withheld: { because: 'reserved' } }]);
  });
});

describe('an image that was there before', () => {
  async function found(existing: string) {
    const line = await createLine(STRICT.replace('rules:', `existing: ${existing}\nrules:`));
    const image = await sample.imageOf([{ path: 'name', content: 'older than us' }]);
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    await line.registry.push(image, 'app', { tag: 'v1' });
    line.registry.events.splice(0);
    line.clock.advance(HOUR);
    const later = new Date(line.clock.now());
    line.redeploy({ ledger: { ...line.ledger, installedAt: () => Promise.resolve(later) } });
    await hours(line, 1, 5);
    return { line, image, later };
  }

  it.each([
    ['observe', 'withheld', 'served'],
    ['mark', 'none', 'served'],
    ['enforce', 'quarantined', 'refused'],
  ])('under `existing: %s` is %s', async (existing, state, pulled) => {
    const { line, image } = await found(existing);
    const entry = await line.entry('app', image.digest);
    expect([entry?.decision?.verdict, entry?.marks.length]).toEqual(['fail', 2]);
    expect([entry?.enforcement.state, await pull(line, image.digest)]).toEqual([state, pulled]);
  });

  it('is enforced once the policy says so', async () => {
    const { line, image, later } = await found('observe');
    line.redeploy({
      policyText: STRICT.replace('rules:', 'existing: enforce\nrules:'),
      ledger: { ...line.ledger, installedAt: () => Promise.resolve(later) },
    });
    await hours(line, 0.25, 5);
    expect(await pull(line, image.digest)).toBe('refused');
  });
});
