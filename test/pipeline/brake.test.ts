import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { type BrakeState, defaultLimit, letGo, step } from '../../shared/pipeline/brake.js';
import { type Line, createLine, onePolicy } from '../support/line.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const MINUTE = 60_000;
const after = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE);
const request = { cause: 'policy', finding: 'CVE-1', package: 'openssl', again: false } as const;

/** Asks so many times, and says how often it was let through. */
function ask(before: BrakeState | undefined, times: number, { now = NOW, limit = 10 } = {}) {
  let state = before;
  let allowed = 0;
  for (let i = 0; i < times; i++) {
    const next = step(state, { now, limit, request });
    state = next.state;
    if (next.allowed) allowed += 1;
  }
  return { state: state!, allowed };
}

describe('the brake', () => {
  it('lets as many through as the limit says, and holds from then on', () => {
    const { state, allowed } = ask(undefined, 25);
    expect(allowed).toBe(10);
    expect(state.tripped).toEqual({
      ...{ at: NOW.toISOString(), limit: 10, withheld: 15 },
      causes: [{ name: 'policy', count: 25 }],
      findings: [{ name: 'CVE-1', count: 25 }],
      packages: [{ name: 'openssl', count: 25 }],
    });
    // Time does not let go; a person does.
    expect(ask(state, 5, { now: after(600) }).allowed).toBe(0);
  });

  it('counts the last hour only', () => {
    let state: BrakeState | undefined;
    for (let minute = 0; minute < 24 * 60; minute += 12) {
      const next = ask(state, 2, { now: after(minute) });
      expect(next.allowed).toBe(2);
      state = next.state;
    }
    expect(state?.recent.length).toBeLessThan(13);
    expect(ask(state, 3, { now: after(24 * 60) }).state.tripped).toBeDefined();
  });

  it('lets what was withheld through once somebody lets go, and trips again beyond that', () => {
    const { state } = ask(undefined, 25);
    const gone = letGo(state, { by: 'ann', reason: 'real', at: after(5).toISOString(), allowed: undefined });
    expect(gone).toMatchObject({ allowance: 15, resumed: { by: 'ann', allowed: 15 } });
    const second = ask(gone, 16, { now: after(6) });
    expect([second.allowed, second.state.tripped?.withheld]).toEqual([15, 1]);
    const few = letGo(state, { by: 'ann', reason: 'a few', at: after(5).toISOString(), allowed: 3 });
    expect(ask(few, 16, { now: after(6) }).allowed).toBe(3);
  });

  it('counts one that comes again once', () => {
    const { state } = ask(undefined, 11);
    const again = step(state, { now: NOW, limit: 10, request: { ...request, again: true } });
    expect(again).toEqual({ allowed: false, state });
  });

  it('names no more than it can keep', () => {
    let state: BrakeState | undefined;
    for (let i = 0; i < 1000; i++)
      state = step(state, { now: NOW, limit: 10, request: { ...request, finding: `CVE-${i}` } }).state;
    const { findings } = state!.tripped!;
    expect(findings.length).toBeLessThanOrEqual(21);
    expect(findings.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
  });

  it.each([
    [0, 10],
    [500, 10],
    [501, 11],
    [10_000, 200],
  ])('has a limit that grows with the registry: %i digests, %i an hour', (known, limit) => {
    expect(defaultLimit(known)).toBe(limit);
  });
});

const LENIENT = onePolicy('onPush: lock\nonChange: { enforce: lock, after: 0s }');
const STRICT = LENIENT.replace('onPush', 'vulnerabilities: { fail: CRITICAL }\n    onPush');
const COUNT = 30;

/** Images that pass, all with the same finding. */
async function fleet(line: Line) {
  const images = await Promise.all(
    Array.from({ length: COUNT }, (_, i) => sample.imageOf([{ path: 'name', content: `image ${i}` }])),
  );
  for (const [i, image] of images.entries()) {
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    await line.registry.push(image, 'app', { tag: `v${i}` });
  }
  await line.settle();
  await line.wait(10 * MINUTE, 5 * MINUTE);
  await line.app.reconcile();
  await line.settle();
  return images;
}

async function timer(line: Line, minutes: number) {
  for (let passed = 0; passed < minutes; passed += 5) {
    await line.wait(5 * MINUTE, 5 * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

async function countLocked(line: Line, images: readonly { readonly digest: string }[]) {
  const states = await Promise.all(images.map(async ({ digest }) => (await line.entry('app', digest))?.enforcement));
  return {
    locked: states.filter((each) => each?.state === 'quarantined').length,
    withheld: states.filter((each) => each?.state === 'withheld' && each.withheld?.because === 'brake').length,
  };
}

const door = (body: object = {}) => ({
  headers: new Headers({ 'x-lazaret-caller': 'ann' }),
  query: new URLSearchParams(),
  text: () => Promise.resolve(JSON.stringify(body)),
});

describe('a policy edit that would fail everything', () => {
  it('is stopped: nothing is locked beyond the limit, one card says why, and a person resumes', async () => {
    const line = await createLine(LENIENT, { maxNewQuarantinesPerHour: undefined });
    const images = await fleet(line);
    line.cards.splice(0);
    line.redeploy({ policyText: STRICT, maxNewQuarantinesPerHour: undefined });
    await timer(line, 15);
    expect(await countLocked(line, images)).toEqual({ locked: 10, withheld: 20 });
    const told = line.cards.filter((card) => card.kind === 'system');
    expect(told).toMatchObject([{ code: 'BRAKE_TRIPPED' }]);
    const facts = told[0]?.kind === 'system' ? told[0].facts : [];
    expect(Object.fromEntries(facts.map(({ name, value }) => [name, value]))).toEqual({
      'What changed': '30 × the policy has changed',
      'They fail by': '30 × CVE-1',
      'In packages': '30 × openssl',
      'Changed lately': expect.stringMatching(
        /^the policy at 2026-.*: sha256:[0-9a-f]{12} → sha256:[0-9a-f]{12}$/,
      ) as string,
      'Withheld so far': '20',
      'Limit an hour': '10',
    });
    await timer(line, 120);
    expect(await countLocked(line, images)).toEqual({ locked: 10, withheld: 20 });
    expect(line.cards.filter((card) => card.kind === 'system')).toHaveLength(1);
    expect((await line.app.coverage(door())).body).toMatchObject({ braked: 20, quarantined: 10, observed: 0 });
    expect(await line.app.brake(door())).toMatchObject({ status: 200, body: { on: true, limit: 10 } });
    expect(await line.app.letGo(door({ reason: '' }))).toMatchObject({ status: 400 });
    expect(await line.app.letGo(door({ reason: 'they are really bad' }))).toMatchObject({
      status: 200,
      body: { on: false, resumed: { by: 'ann', reason: 'they are really bad', allowed: 20 } },
    });
    await timer(line, 10);
    expect(await countLocked(line, images)).toEqual({ locked: 30, withheld: 0 });
  });

  it('is undone by the policy before it: what was withheld is forgotten', async () => {
    const line = await createLine(LENIENT, { maxNewQuarantinesPerHour: 5 });
    const images = await fleet(line);
    line.redeploy({ policyText: STRICT });
    await timer(line, 10);
    expect(await countLocked(line, images)).toEqual({ locked: 5, withheld: 25 });
    line.redeploy({ policyText: LENIENT });
    await timer(line, 10);
    expect(await countLocked(line, images)).toEqual({ locked: 0, withheld: 0 });
  });
});

describe('enforcement that is switched on for a full registry', () => {
  it('trips the brake, which says so', async () => {
    const line = await createLine(STRICT, { mode: 'observe', maxNewQuarantinesPerHour: 7 });
    const images = await fleet(line);
    line.cards.splice(0);
    line.redeploy({ mode: 'enforce' });
    await timer(line, 15);
    expect(await countLocked(line, images)).toEqual({ locked: 7, withheld: 23 });
    const told = line.cards.filter((card) => card.kind === 'system');
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told)).toContain('30 × enforcement was switched on');
  });
});
