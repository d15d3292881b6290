import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import type { Coverage } from '../../shared/pipeline/coverage.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const MINUTE = 60_000;
const LOCKS = onePolicy(
  'vulnerabilities: { fail: CRITICAL }\nsignature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: lock',
);
const request = (query = '') => ({
  headers: new Headers({ 'x-lazaret-caller': 'alice' }),
  query: new URLSearchParams(query),
  text: () => Promise.resolve(''),
});

async function coverageOf(line: Line): Promise<Coverage> {
  const { status, body } = await line.app.coverage(request());
  expect(status).toBe(200);
  return body as Coverage;
}

describe('coverage', () => {
  it('counts every manifest of the registry once, and leaves none out', async () => {
    const line = await createLine(LOCKS);
    const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);
    const [good, bad] = [await image('good'), await image('bad')];
    line.answers.set(bad.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    for (const [repository, pushed] of [
      ['team-a/app', good],
      ['team-b/app', bad],
    ] as const) {
      await line.registry.push(pushed, repository, { tag: 'v1' });
      await line.registry.push(signBundle(pushed, line.keys), repository);
    }
    await line.registry.push(await sample.helmChart('shop'), 'charts/shop', { tag: 'v1' });
    await line.settle();
    await line.wait(10 * MINUTE);
    await line.registry.push(await image('on its way'), 'team-c/app', { tag: 'v1' });
    const found = await coverageOf(line);
    expect(found).toMatchObject({
      // Two images with a signature and two marks each, a chart, and one image whose event is on its way.
      manifests: 2 * 4 + 1 + 1,
      pass: 1,
      fail: 1,
      inconclusive: 0,
      pending: 1,
      signatures: 2,
      others: 2 * 2 + 1,
      shut: 0,
      unaccounted: 0,
      quarantined: 1,
      recovered: 0,
      stale: 0,
      unseen: 0,
    });
    const { pass, fail, inconclusive, pending, signatures, others, shut, unaccounted } = found;
    const sum = pass + fail + inconclusive + pending + signatures + others + shut + unaccounted;
    expect(sum).toBe(found.manifests);
  });

  it('tells what nobody has heard of, changes nothing, and tells of it no more once it is found', async () => {
    const line = await createLine(onePolicy('onPush: mark'));
    await line.registry.push(await sample.imageOf([{ path: 'name', content: 'lost' }]), 'app', { tag: 'v1' });
    line.registry.events.splice(0);
    line.clock.advance(10 * MINUTE);
    expect(await coverageOf(line)).toMatchObject({ manifests: 1, unaccounted: 1 });
    expect(line.queued).toEqual([]);
    const { status, body } = await line.app.reconcileNow(request(`since=${line.clock.now().toISOString()}`));
    expect([status, body]).toMatchObject([200, { repairs: { receive: 1 }, complete: true }]);
    expect(line.queued.map(({ queue }) => queue)).toEqual([QUEUES.sweep]);
    await line.settle();
    expect(await coverageOf(line)).toMatchObject({ manifests: 3, pass: 1, others: 2, unaccounted: 0, recovered: 1 });
  });

  it('knows what somebody else has locked before we saw it, and has it judged once it is opened', async () => {
    const line = await createLine(onePolicy('onPush: mark'));
    const image = await sample.imageOf([{ path: 'name', content: 'locked' }]);
    await line.registry.push(image, 'app', { tag: 'v1' });
    line.registry.events.splice(0);
    const key = parseKey({ registry: LOGIN_SERVER, repository: 'app', digest: image.digest });
    await line.registry.client.lock(key);
    line.clock.advance(10 * MINUTE);
    expect((await line.app.reconcile()).repairs.receive).toBe(0);
    expect(await coverageOf(line)).toMatchObject({ manifests: 1, shut: 1, unaccounted: 0 });
    const open = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
    await line.registry.client.unlock(key, open);
    for (let i = 0; i < 14; i++) {
      line.clock.advance(5 * MINUTE);
      await line.app.reconcile();
      await line.settle();
    }
    expect(await coverageOf(line)).toMatchObject({ pass: 1, shut: 0, recovered: 1 });
  });

  it('tells how long the longest pending one has waited', async () => {
    const line = await createLine(onePolicy('onPush: mark'));
    await line.registry.push(await sample.imageOf([{ path: 'name', content: 'slow' }]), 'app', { tag: 'v1' });
    await line.deliverEvents();
    const since = line.clock.now().toISOString();
    line.clock.advance(20 * MINUTE);
    expect(await coverageOf(line)).toMatchObject({ pending: 1, oldestPending: since });
  });

  it('tells how many verdicts are older than the policy lets them be', async () => {
    const line = await createLine(onePolicy('onPush: mark').replace('rules:', 'maxAge: 48h\nrules:'));
    await line.registry.push(await sample.imageOf([{ path: 'name', content: 'old' }]), 'app', { tag: 'v1' });
    await line.settle();
    const scannedAt = line.clock.now().toISOString();
    line.clock.advance(47 * 60 * MINUTE);
    expect(await coverageOf(line)).toMatchObject({ pass: 1, aged: 0, oldestVerdict: scannedAt });
    await line.registry.push(await sample.imageOf([{ path: 'name', content: 'new' }]), 'app', { tag: 'v2' });
    await line.settle();
    line.clock.advance(2 * 60 * MINUTE);
    expect(await coverageOf(line)).toMatchObject({ pass: 2, aged: 1, oldestVerdict: scannedAt });
  });

  it("says what a registry's retention policy threatens", async () => {
    const line = await createLine(onePolicy('onPush: mark'), {
      readRetention: () => Promise.resolve({ state: 'on', days: 7 }),
    });
    const { retention } = await coverageOf(line);
    expect(retention).toMatchObject([{ state: 'on', days: 7 }]);
    expect(retention[0]?.danger).toContain('7 days');
  });

  it.each(['tomorrow', '2999-01-01T00:00:00Z'])('is not made anew since %s', async (since) => {
    const line = await createLine(onePolicy('onPush: mark'));
    expect(await line.app.reconcileNow(request(`since=${since}`))).toMatchObject({
      status: 400,
      body: { error: { code: 'REQUEST_MALFORMED' } },
    });
  });

  it('is no figure at all where a registry does not answer: half a figure would say that all is well', async () => {
    const line = await createLine(onePolicy('onPush: mark'));
    line.registry.faults.push(({ url }) =>
      url.includes('_catalog') ? new Response(null, { status: 403 }) : undefined,
    );
    expect((await line.app.coverage(request())).status).toBe(503);
  });
});
