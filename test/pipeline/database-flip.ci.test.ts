import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { createMemoryBlobs } from '../../local/simulation/memory-blobs.js';
import { createMemoryTable } from '../../local/simulation/memory-table.js';
import { createLedger } from '../../shared/ledger/ledger.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createReportStore } from '../../shared/report/report-store.js';
import { type Line, createLine, onePolicy } from '../support/line.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** As many as an estate has that is built on one base image. */
const COUNT = 3000;
const LIMIT = 60;
const POLICY = `maxAge: 24h\n${onePolicy(
  'vulnerabilities: { fail: CRITICAL }\nonPush: lock\nonChange: { enforce: lock, after: 1h }',
)}`;

async function fleet(line: Line) {
  const digests: string[] = [];
  for (let i = 0; i < COUNT; i++) {
    const image = await sample.imageOf([{ path: 'name', content: `on one base ${i}` }]);
    await line.registry.push(image, `team-${i % 30}/app`, { tag: `v${i}` });
    digests.push(image.digest);
    if (i % 100 === 99) await line.settle();
  }
  return digests;
}

async function timer(line: Line, minutes: number, step = 5) {
  for (let passed = 0; passed < minutes; passed += step) {
    line.clock.advance(step * MINUTE);
    await line.app.reconcile();
    await line.settle();
  }
}

const door = (body: object = {}) => ({
  headers: new Headers({ 'x-lazaret-caller': 'ann' }),
  query: new URLSearchParams(),
  text: () => Promise.resolve(JSON.stringify(body)),
});

describe(`${COUNT} images on one base`, () => {
  it('that fail by one change of the database are told once, locked up to the limit, and the others when a person says so', async () => {
    const line = await createLine(POLICY, {
      maxNewQuarantinesPerHour: LIMIT,
      maxCardsPerHour: 30,
      reconcileCallsPerMinute: 10_000,
      // What Azurite would add is time alone.
      ledger: createLedger(createMemoryTable()),
      reports: createReportStore(createMemoryBlobs()),
    });
    const digests = await fleet(line);
    line.queued.splice(0);
    // New data knows of a flaw in the base.
    line.database.digest = 'sha256:newer';
    for (const digest of digests)
      line.answers.set(digest, { vulnerabilities: [{ id: 'CVE-BASE', severity: 'CRITICAL' }] });
    line.clock.advance(25 * HOUR);
    await timer(line, 30);
    const count = async (state: string) => {
      const { body } = await line.app.coverage(door());
      return (body as Record<string, number>)[state];
    };
    expect(await count('fail')).toBe(COUNT);
    // They have passed, so they have an hour.
    expect([await count('quarantined'), await count('waiting')]).toEqual([0, COUNT]);
    await timer(line, 120);
    const locked = await count('quarantined');
    expect(locked).toBe(LIMIT);
    expect(await count('braked')).toBe(COUNT - LIMIT);
    const told = line.cards.flatMap((card) => (card.kind === 'system' && card.code === 'BRAKE_TRIPPED' ? [card] : []));
    expect(told).toHaveLength(1);
    expect(Object.fromEntries(told[0]!.facts.map(({ name, value }) => [name, value]))).toMatchObject({
      'They fail by': expect.stringContaining('CVE-BASE') as string,
      'What changed': expect.stringContaining('the vulnerability database has changed') as string,
    });
    // Nor are there 3,000 cards: a channel's fill, and summaries of the others.
    expect(line.cards.filter(({ kind }) => kind === 'image').length).toBeLessThanOrEqual(30 * 3);
    expect(line.cards.some((card) => card.kind === 'system' && card.code === 'CARDS_HELD')).toBe(true);
    // A day later nothing more is locked.
    await timer(line, 24 * 60, 60);
    expect(await count('quarantined')).toBe(LIMIT);
    expect(await line.app.letGo(door({ reason: 'the flaw is real', allow: 500 }))).toMatchObject({ status: 200 });
    await timer(line, 30);
    expect(await count('quarantined')).toBeGreaterThanOrEqual(LIMIT + 500);
    expect(await count('quarantined')).toBeLessThanOrEqual(LIMIT + 500 + LIMIT);
    expect(line.queued.filter(({ queue }) => queue === QUEUES.scan)).toEqual([]);
  });
});
