import { describe, expect, it } from 'vitest';
import { QUEUES } from '../../shared/message/queue-name.js';
import type { JournalEvent } from '../../shared/pipeline/effects.js';
import type { LedgerCondition } from '../../shared/pipeline/loss.js';
import type { Rebuilt } from '../../shared/pipeline/rebuild.js';
import { recordName } from '../../shared/pipeline/record.js';
import type { Services } from '../../shared/steps.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import {
  changes,
  CRITICAL,
  door,
  image,
  keyOf,
  minutes,
  pushed,
  rebuilt,
  releaseOf,
  stateOf,
} from '../support/lost-world.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const OPEN = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
const DAY = 24 * 60 * 60_000;
const MINUTE = 60_000;

const observe = (line: Line, digest: string) => line.registry.client.observe(keyOf('app', digest));
const namesOf = async (line: Line) =>
  (await line.services.reports.listNamed('quarantine', { prefix: 'entries/', max: 1000 })).names;
const systemCards = (line: Line) => line.cards.flatMap((card) => (card.kind === 'system' ? [card.code] : []));

/** A line that notes what is journalled. */
async function journalled(overrides: Partial<Services> = {}) {
  const lines: JournalEvent[] = [];
  const journal = (event: JournalEvent) => {
    lines.push(event);
    return Promise.resolve();
  };
  return { line: await createLine(LOCKS, { journal, ...overrides }), lines };
}

/** The machine dies at the first call of this change. */
function dieAt(line: Line, call: 'lock' | 'untag') {
  const { client } = line.registry;
  const real = { lock: client.lock, untag: client.untag };
  Object.assign(client, { [call]: () => Promise.reject(new Error('the machine dies')) });
  return () => void Object.assign(client, real);
}

describe('a quarantine that was under way when the ledger was lost', () => {
  it.each([
    ['between the record and the change', 'untag', ['v1']],
    ['in the middle of the change', 'lock', []],
  ] as const)('is carried out after the rebuild: %s', async (_, call, left) => {
    const line = await createLine(LOCKS);
    const heal = dieAt(line, call);
    const digest = await pushed(line, 'app', 'bad');
    expect([await stateOf(line, 'app', digest), (await observe(line, digest))?.tags]).toEqual(['applying', left]);
    line.queued.splice(0);
    await line.loseLedger();
    heal();
    const cards = line.cards.length;
    expect(await rebuilt(line)).toMatchObject({ restored: 1, unreadable: 0, tags: left.length === 0 ? 1 : 0 });
    expect((await line.entry('app', digest))?.enforcement).toMatchObject({
      state: 'applying',
      record: { tags: ['v1'], attributes: OPEN },
    });
    await minutes(line, 30);
    expect(await observe(line, digest)).toMatchObject({ attributes: { readEnabled: false }, tags: [] });
    // Nobody has been told of it before.
    expect(line.cards.length - cards).toBe(1);
    await releaseOf(line, keyOf('app', digest));
    expect(await observe(line, digest)).toEqual({ attributes: OPEN, tags: ['v1'] });
  });

  it('is known although the ledger never heard of the change', async () => {
    const line = await createLine(LOCKS);
    const { replace } = line.ledger;
    // The record is written, the registry is changed, and the ledger takes nothing any more but the record.
    Object.assign(line.ledger, {
      replace: (...what: Parameters<typeof replace>) =>
        what[0].settledAt === undefined ? replace(...what) : Promise.reject(new Error('the table is gone')),
    });
    const digest = await pushed(line, 'app', 'bad');
    expect((await observe(line, digest))?.attributes.readEnabled).toBe(false);
    line.queued.splice(0);
    await line.loseLedger();
    await rebuilt(line);
    expect((await line.entry('app', digest))?.enforcement).toMatchObject({
      state: 'quarantined',
      record: { tags: ['v1'], attributes: OPEN },
    });
    await releaseOf(line, keyOf('app', digest));
    expect(await observe(line, digest)).toEqual({ attributes: OPEN, tags: ['v1'] });
  });
});

describe('a rebuild', () => {
  it('that is killed half-way goes on where it is begun again', async () => {
    const line = await createLine(LOCKS);
    const digests = [];
    for (let i = 0; i < 20; i++)
      digests.push(await pushed(line, 'app', `image ${i}`, { good: i % 2 === 0, tag: `v${i}` }));
    await line.loseLedger();
    const { create } = line.ledger;
    let created = 0;
    Object.assign(line.ledger, {
      create: (...what: Parameters<typeof create>) =>
        (created += 1) > 11 ? Promise.reject(new Error('the machine dies')) : create(...what),
    });
    await expect(line.app.rebuildLedger(door())).rejects.toThrow('the machine dies');
    Object.assign(line.ledger, { create });
    await expect(line.app.reconcile()).rejects.toMatchObject({ code: 'LEDGER_LOST' });
    const again = await rebuilt(line);
    expect(again.restored + again.kept).toBe(20);
    expect(again.kept).toBeGreaterThanOrEqual(11);
    for (const [i, digest] of digests.entries()) {
      expect(await stateOf(line, 'app', digest)).toBe(i % 2 === 0 ? 'none' : 'quarantined');
    }
    await line.app.reconcile();
  });

  it('answers after twenty seconds at the latest, and goes on from there', async () => {
    const line = await createLine(LOCKS);
    for (let i = 0; i < 20; i++) await pushed(line, 'app', `image ${i}`, { good: true, tag: `v${i}` });
    for (const name of ['entries/a', 'entries/z']) {
      await line.services.reports.createOnce('quarantine', name, Buffer.from(name));
    }
    await line.loseLedger();
    const { observe: look } = line.registry.client;
    Object.assign(line.registry.client, {
      observe: (...what: Parameters<typeof look>) => {
        line.clock.advance(4000);
        return look(...what);
      },
    });
    const first = (await line.app.rebuildLedger(door())).body as Rebuilt;
    expect([first.restored, typeof first.next]).toEqual([8, 'string']);
    expect(await line.app.rebuildLedger(door({ after: 'nonsense' }))).toMatchObject({ status: 400 });
    const second = (await line.app.rebuildLedger(door({ after: first.next }))).body as typeof first;
    const third = (await line.app.rebuildLedger(door({ after: second.next }))).body as typeof first;
    expect([second.restored, third.restored, third.next]).toEqual([8, 4, undefined]);
    expect([first, second, third].map(({ problems }) => problems)).toEqual([['entries/a'], [], ['entries/z']]);
  });

  it.each([1, 2, 3, 5])('reads on where a page of %i ends in the middle of a digest', async (max) => {
    const line = await createLine(LOCKS);
    const digests = [];
    for (let i = 0; i < 6; i++) digests.push(await pushed(line, 'app', `image ${i}`, { tag: `v${i}` }));
    for (const digest of digests.slice(0, 3)) await releaseOf(line, keyOf('app', digest));
    await line.loseLedger();
    const listNamed: Services['reports']['listNamed'] = (container, options) =>
      line.reports.listNamed(container, { ...options, max });
    line.redeploy({ reports: { ...line.reports, listNamed } });
    expect(await rebuilt(line)).toMatchObject({ restored: 6, kept: 0, unreadable: 0 });
    const states = await Promise.all(digests.map((digest) => stateOf(line, 'app', digest)));
    expect(states).toEqual([...Array<string>(3).fill('released'), ...Array<string>(3).fill('quarantined')]);
  });

  it('tells what it cannot read by name, goes by the record before it, and has the digest judged again', async () => {
    const { line } = await journalled();
    const digest = await pushed(line, 'app', 'bad');
    const entry = (await line.entry('app', digest))!;
    const at = new Date(line.clock.now().getTime() + 1000).toISOString();
    const corrupt = recordName(entry, at, Buffer.from('something else'));
    await line.services.reports.createOnce('quarantine', corrupt, Buffer.from('{"v":1}'));
    const foreign = 'entries/readme.txt';
    await line.services.reports.createOnce('quarantine', foreign, Buffer.from('hello'));
    const future = Buffer.from(JSON.stringify({ v: 2, at, because: 'settled', entry }));
    const newer = recordName(entry, at, future);
    await line.services.reports.createOnce('quarantine', newer, future);
    await line.loseLedger();
    const { problems, ...counts } = await rebuilt(line);
    expect(counts).toMatchObject({ restored: 1, unreadable: 3 });
    expect(problems.toSorted()).toEqual([corrupt, foreign, newer].toSorted());
    const restored = await line.entry('app', digest);
    expect([restored?.decision, restored?.enforcement.state]).toEqual([undefined, 'quarantined']);
    const cards = line.cards.length;
    await minutes(line, 30);
    expect(await line.entry('app', digest)).toMatchObject({
      decision: { verdict: 'fail' },
      enforcement: { state: 'quarantined', record: { tags: ['v1'] } },
    });
    expect(line.cards).toHaveLength(cards);
  });

  it('remembers what the registry does not hold any more, and brings it back once it is pushed', async () => {
    const line = await createLine(LOCKS);
    const digest = await pushed(line, 'app', 'good', { good: true });
    const { passedAt } = (await line.entry('app', digest))!;
    await line.registry.remove('app', digest);
    line.registry.events.splice(0);
    await line.loseLedger();
    expect(await rebuilt(line)).toMatchObject({ restored: 0, gone: 1 });
    expect((await line.entry('app', digest))?.goneAt).toBeDefined();
    line.clock.advance(DAY);
    expect(await pushed(line, 'app', 'good', { good: true })).toBe(digest);
    expect(await line.entry('app', digest)).toMatchObject({ passedAt, decision: { verdict: 'pass' } });
    expect((await line.entry('app', digest))?.goneAt).toBeUndefined();
  });
});

describe('a push while the ledger is lost', () => {
  it('of an image that is waiting to be judged takes over what was known of it', async () => {
    const line = await createLine(LOCKS);
    const digest = await pushed(line, 'app', 'good', { good: true });
    const before = (await line.entry('app', digest))!;
    await line.loseLedger();
    line.clock.advance(MINUTE);
    await line.registry.push(await image('good'), 'app', { tag: 'v2' });
    await line.deliverEvents();
    expect(await line.entry('app', digest)).toMatchObject({ scan: { state: 'open' }, tags: ['v2'] });
    expect(await rebuilt(line)).toMatchObject({ restored: 1 });
    await line.settle();
    const { passedAt, firstSeenAt, scan } = before;
    expect(await line.entry('app', digest)).toMatchObject({ passedAt, firstSeenAt, scan, tags: ['v1', 'v2'] });
  });

  it('of an image that was released, and is quarantined anew since nobody knows, is released again', async () => {
    const line = await createLine(LOCKS);
    const digest = await pushed(line, 'app', 'bad');
    await releaseOf(line, keyOf('app', digest));
    await line.loseLedger();
    line.clock.advance(MINUTE);
    await line.registry.push(await image('bad'), 'app', { tag: 'v2' });
    await line.settle();
    expect(await stateOf(line, 'app', digest)).toBe('quarantined');
    expect(await rebuilt(line)).toMatchObject({ restored: 1 });
    await minutes(line, 30);
    expect(await line.entry('app', digest)).toMatchObject({
      release: { by: 'ann' },
      enforcement: { state: 'released' },
    });
    expect((await observe(line, digest))?.attributes).toEqual(OPEN);
    expect((await observe(line, digest))?.tags.toSorted()).toEqual(['v1', 'v2']);
    expect(await rebuilt(line)).toMatchObject({ restored: 0, kept: 1 });
  });

  it('is judged as ever during the rebuild', async () => {
    const line = await createLine(LOCKS);
    const old = await pushed(line, 'app', 'bad');
    await line.loseLedger();
    const { observe: look } = line.registry.client;
    let fresh = '';
    Object.assign(line.registry.client, {
      observe: async (...what: Parameters<typeof look>) => {
        Object.assign(line.registry.client, { observe: look });
        fresh = await pushed(line, 'app', 'bad too', { tag: 'v2' });
        return look(...what);
      },
    });
    await rebuilt(line);
    expect([await stateOf(line, 'app', old), await stateOf(line, 'app', fresh)]).toEqual([
      'quarantined',
      'quarantined',
    ]);
    await minutes(line, 30);
    expect(line.cards).toHaveLength(2);
  });
});

describe('an empty ledger beside records', () => {
  it('is not swept, and told once', async () => {
    const { line, lines } = await journalled();
    await pushed(line, 'app', 'bad');
    await line.loseLedger();
    line.registry.requests.splice(0);
    for (let i = 0; i < 3; i++) await expect(line.app.reconcile()).rejects.toMatchObject({ code: 'LEDGER_LOST' });
    expect(await line.app.reconcileNow(door())).toMatchObject({ status: 409 });
    await line.settle();
    expect(systemCards(line)).toEqual(['LEDGER_LOST']);
    expect(lines.filter(({ what }) => what === 'ledger-lost')).toHaveLength(1);
    expect(changes(line)).toEqual([]);
    expect(line.queued.filter(({ queue }) => queue === QUEUES.sweep)).toEqual([]);
    await rebuilt(line);
    expect(lines.filter(({ what, who }) => what === 'rebuild-ledger' && who === 'ann')).toHaveLength(1);
    await line.app.reconcile();
  });

  it('is noticed although the app does not start on it', async () => {
    const line = await createLine(LOCKS);
    await pushed(line, 'app', 'bad');
    let row: LedgerCondition | undefined;
    const updateCondition: Services['ledger']['updateCondition'] = (change) => Promise.resolve((row = change(row)));
    line.redeploy({ ledger: { ...line.ledger, updateCondition } });
    await expect(line.app.reconcile()).rejects.toMatchObject({ code: 'LEDGER_LOST' });
  });

  it('begins anew once somebody gives the records up, in a name and for a reason, and for good', async () => {
    const { line, lines } = await journalled();
    const digest = await pushed(line, 'app', 'good', { good: true });
    await line.loseLedger();
    expect(await line.app.rebuildLedger(door({ discard: true }))).toMatchObject({ status: 400 });
    await expect(line.app.reconcile()).rejects.toMatchObject({ code: 'LEDGER_LOST' });
    line.clock.advance(1000);
    expect(await line.app.rebuildLedger(door({ discard: true, reason: 'a new registry' }))).toMatchObject({
      status: 200,
    });
    expect(lines.at(-1)).toMatchObject({ what: 'records-discarded', who: 'ann', why: 'a new registry' });
    await minutes(line, 15);
    expect((await line.entry('app', digest))?.decision?.verdict).toBe('pass');
    // What has been written since is counted, when it is lost again; what was given up stays so.
    await line.loseLedger();
    expect(await rebuilt(line)).toMatchObject({ restored: 1 });
    expect((await line.entry('app', digest))?.existing).toBeUndefined();
  });

  it('that was given up and is lost before anything was judged is new', async () => {
    const line = await createLine(LOCKS);
    await pushed(line, 'app', 'good', { good: true });
    await line.loseLedger();
    line.clock.advance(1000);
    await line.app.rebuildLedger(door({ discard: true, reason: 'a drill' }));
    await line.loseLedger();
    await line.app.reconcile();
  });

  it('is no loss where nothing was ever judged', async () => {
    const line = await createLine(LOCKS);
    await line.loseLedger();
    await line.app.reconcile();
    expect(await namesOf(line)).toEqual([]);
  });

  it('is rebuilt by nobody but those who operate', async () => {
    const line = await createLine(LOCKS, { signIn: 'entra' });
    expect(await line.app.rebuildLedger(door())).toMatchObject({ status: 401 });
  });
});

describe('records', () => {
  it('are written when something is news, and not when it comes to the same', async () => {
    const line = await createLine(LOCKS);
    await pushed(line, 'app', 'good', { good: true });
    expect(await namesOf(line)).toHaveLength(1);
    const made = await image('bad');
    line.answers.set(made.digest, CRITICAL);
    await line.registry.push(made, 'other', { tag: 'v1' });
    await line.settle();
    expect(await namesOf(line)).toHaveLength(3);
    await minutes(line, 24 * 60, 60);
    expect(await namesOf(line)).toHaveLength(3);
  });

  it('keep the time of the installation, so that what was there before stays known as such', async () => {
    const line = await createLine(LOCKS);
    const began = line.clock.now();
    await pushed(line, 'app', 'good', { good: true });
    line.clock.advance(DAY);
    await line.loseLedger();
    line.clock.advance(DAY);
    expect(await line.ledger.installedAt(line.clock.now())).toEqual(began);
  });
});
