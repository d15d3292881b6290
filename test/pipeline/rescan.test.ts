import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { AppError } from '../../shared/error/app-error.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const HOUR = 3_600_000;
const POLICY = `maxAge: 48h\n${onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock\nonChange: { enforce: lock, after: 72h }')}`;

async function pushed(line: Line, name = 'scanned once') {
  const image = await sample.imageOf([{ path: 'name', content: name }]);
  await line.registry.push(image, 'app', { tag: 'v1' });
  await line.settle();
  return image;
}

/** Lets hours pass with the timer running. */
async function hours(line: Line, count: number) {
  for (let passed = 0; passed < count; passed += 1) {
    await line.wait(HOUR, HOUR);
    await line.app.reconcile();
    await line.settle();
  }
}

/** What `lazaret status` is told. */
async function statusOf(line: Line, digest: string) {
  const { body } = await line.app.verdict({
    headers: new Headers({ 'x-lazaret-caller': 'ada' }),
    query: new URLSearchParams({ reference: `${LOGIN_SERVER}/app@${digest}` }),
    text: () => Promise.resolve(''),
  });
  return body as {
    readonly verdict: string;
    readonly settled: boolean;
    readonly age: { readonly scan: number; readonly database: number } | null;
    readonly rescan: { readonly state: string; readonly code?: string } | null;
  };
}

async function marksOf(line: Line, digest: string) {
  const key = parseKey({ registry: LOGIN_SERVER, repository: 'app', digest });
  const { descriptors } = await line.registry.client.listReferrers(key, { maxDescriptors: 10, maxPages: 1 });
  return descriptors.map((each) => `${each.artifactType ?? ''} ${each.digest}`).sort();
}

/** An image that has passed two days ago. */
async function aged() {
  const line = await createLine(POLICY);
  const image = await pushed(line);
  expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
  const first = await marksOf(line, image.digest);
  line.clock.advance(49 * HOUR);
  // The deadline of its first decision.
  line.queued.splice(0);
  return { line, image, first };
}

describe('a scan that is older than the policy wants', () => {
  it('is done again behind every push, and the verdict stands meanwhile', async () => {
    const { line, image } = await aged();
    expect((await line.app.reconcile()).repairs).toMatchObject({ refresh: 1 });
    expect(line.queued.map(({ queue }) => queue)).toEqual([QUEUES.scanSweep]);
    expect(await statusOf(line, image.digest)).toMatchObject({
      ...{ verdict: 'pass', settled: true, rescan: { state: 'open' } },
      age: { scan: 49 * 3600, database: 49 * 3600 },
    });
    // A second sweep asks for nothing more.
    expect((await line.app.reconcile()).repairs).toMatchObject({ refresh: 0, scan: 0 });
    await line.settle();
    expect(await statusOf(line, image.digest)).toMatchObject({ verdict: 'pass', rescan: null, age: { scan: 0 } });
    expect(line.cards).toEqual([]);
  });

  it('takes the place of its marks, so that nobody goes by the old ones', async () => {
    const { line, image, first } = await aged();
    await line.app.reconcile();
    await line.settle();
    const second = await marksOf(line, image.digest);
    expect(second).toHaveLength(2);
    expect(first.filter((mark) => second.includes(mark))).toEqual([]);
    // Nor is anything left of the old ones in the ledger.
    for (const mark of first) {
      const digest = mark.split(' ')[1] ?? '';
      const key = parseKey({ registry: LOGIN_SERVER, repository: 'app', digest });
      expect(await line.ledger.readExcluded(key)).toBeUndefined();
    }
  });

  it('makes it fail with the countdown of what has passed, and says that the database is the cause', async () => {
    const { line, image } = await aged();
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-9', severity: 'CRITICAL' }] });
    await line.app.reconcile();
    await line.settle();
    expect(await line.entry('app', image.digest)).toMatchObject({
      decision: { verdict: 'fail', withheld: { because: 'change' } },
      failing: { cause: 'evidence' },
      enforcement: { state: 'withheld' },
    });
    expect(line.cards).toMatchObject([
      { verdict: 'fail', previous: 'pass', scannedAt: line.clock.now().toISOString() },
    ]);
  });

  it.each([
    ['the scanner is away', new AppError('SCAN_FAILED', 'away', { retryable: true }), 'SCAN_FAILED'],
    ['the database is missing', new AppError('DATABASE_MISSING', 'none', { retryable: true }), 'DATABASE_MISSING'],
    ['the image cannot be read', new AppError('LAYER_MISMATCH', 'no', { retryable: false }), 'LAYER_MISMATCH'],
  ])('changes nothing for the people who ask while %s', async (_, fault, code) => {
    const { line, image } = await aged();
    line.answers.set(image.digest, fault);
    await line.app.reconcile();
    await hours(line, 30);
    expect(await statusOf(line, image.digest)).toMatchObject({
      ...{ verdict: 'pass', settled: true, rescan: { state: 'failed', code } },
      age: { scan: 79 * 3600 },
    });
    expect(line.cards).toEqual([]);
    // It is tried again with the walk of another day, and comes through.
    line.answers.delete(image.digest);
    await hours(line, 50);
    expect(await statusOf(line, image.digest)).toMatchObject({ verdict: 'pass', rescan: null });
  });

  it('is asked for again where the request got lost', async () => {
    const { line, image } = await aged();
    await line.app.reconcile();
    line.queued.splice(0);
    await hours(line, 2);
    expect(await statusOf(line, image.digest)).toMatchObject({
      rescan: null,
      age: { scan: expect.any(Number) as number },
    });
    expect(line.scans).toHaveLength(2);
  });

  it('is taken once, and from nobody who was not asked', async () => {
    const { line, image } = await aged();
    await line.app.reconcile();
    const request = line.queued.find(({ queue }) => queue === QUEUES.scanSweep)?.body as never;
    line.queued.splice(0);
    const scanned = await line.scanRequest(request);
    await line.app.recordScan({ ...scanned, scanId: '00000000-0000-4000-8000-000000000000' });
    expect((await line.entry('app', image.digest))?.rescan?.state).toBe('open');
    await line.app.recordScan(scanned);
    await line.app.recordScan(scanned);
    await line.settle();
    expect(await line.entry('app', image.digest)).toMatchObject({ scan: { scanId: scanned.scanId } });
    expect(await marksOf(line, image.digest)).toHaveLength(2);
  });

  it('just ends where our lock came before it', async () => {
    const line = await createLine(POLICY);
    const image = await sample.imageOf([{ path: 'name', content: 'locked meanwhile' }]);
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-2', severity: 'HIGH' }] });
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    line.clock.advance(49 * HOUR);
    line.queued.splice(0);
    await line.app.reconcile();
    const [request] = line.queued.splice(0);
    line.redeploy({ policyText: POLICY.replace('CRITICAL', 'HIGH').replace('72h', '0s') });
    const key = (await line.entry('app', image.digest))?.key;
    await line.decide(key);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    line.queued.push(request!);
    await line.settle();
    expect(await statusOf(line, image.digest)).toMatchObject({
      verdict: 'fail',
      rescan: { state: 'failed', code: 'QUARANTINED' },
    });
  });

  it('is not done of what has been locked since', async () => {
    const { line, image } = await aged();
    line.redeploy({ policyText: POLICY.replace('CRITICAL', 'LOW').replace('72h', '0s') });
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-3', severity: 'CRITICAL' }] });
    await hours(line, 2);
    const entry = await line.entry('app', image.digest);
    expect(entry?.enforcement.state).toBe('quarantined');
    // What is locked is judged by what is known of it.
    line.clock.advance(49 * HOUR);
    expect((await line.app.reconcile()).repairs).toMatchObject({ refresh: 0 });
  });
});

describe('a first scan that failed for a day', () => {
  it('is tried again on the next, so that a repaired scanner reaches it', async () => {
    const line = await createLine(POLICY);
    const image = await sample.imageOf([{ path: 'name', content: 'unlucky' }]);
    line.answers.set(image.digest, new AppError('DATABASE_MISSING', 'none', { retryable: true }));
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    line.redeploy({ mode: 'observe' });
    await hours(line, 30);
    expect(await statusOf(line, image.digest)).toMatchObject({ verdict: 'inconclusive' });
    line.answers.delete(image.digest);
    await hours(line, 50);
    expect(await statusOf(line, image.digest)).toMatchObject({ verdict: 'pass', rescan: null });
  });
});

describe('a mark of an earlier scan that we may not delete', () => {
  it('stays, and is journalled', async () => {
    const { line, image, first } = await aged();
    line.redeploy({ registry: { ...line.registry.client, deleteReferrer: () => Promise.resolve('refused') } });
    await line.app.reconcile();
    await line.settle();
    expect(await marksOf(line, image.digest)).toEqual(expect.arrayContaining(first));
    expect(await marksOf(line, image.digest)).toHaveLength(4);
  });
});
