import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { AppError } from '../../shared/error/app-error.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }\nonPush: lock-and-untag');
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL', fixed: '2' }] };

const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);

async function pullStates(
  line: Awaited<ReturnType<typeof createLine>>,
  repository: string,
  references: readonly string[],
) {
  return Promise.all(
    references.map(async (reference) => {
      const found = await line.registry.client.pullState(LOGIN_SERVER, repository as never, reference as never);
      return found.state;
    }),
  );
}

describe('the way of one push', () => {
  it('passes a clean image, marks it, and sends no card', async () => {
    const line = await createLine(LOCKS);
    const clean = await image('clean');
    await line.registry.push(clean, 'app', { tag: 'v1' });
    await line.settle();
    const entry = await line.entry('app', clean.digest);
    expect(entry?.decision?.verdict).toBe('pass');
    expect(entry?.marks.map(({ kind }) => kind)).toEqual(['sbom', 'sarif']);
    expect(line.cards).toEqual([]);
    expect(await pullStates(line, 'app', [clean.digest, 'v1'])).toEqual(['served', 'served']);
  });

  it('locks and untags what fails, records what stood before, and sends one card', async () => {
    const line = await createLine(LOCKS);
    const bad = await image('bad');
    line.answers.set(bad.digest, CRITICAL);
    await line.registry.push(bad, 'app', { tag: 'v1' });
    await line.registry.push(bad, 'app', { tag: 'latest' });
    await line.settle();
    const entry = await line.entry('app', bad.digest);
    expect(entry?.decision?.reasons.map(({ code }) => code)).toEqual(['VULNERABILITIES']);
    expect(entry?.enforcement.state).toBe('quarantined');
    expect(entry?.enforcement.record).toMatchObject({ attributes: { readEnabled: true }, tags: ['v1', 'latest'] });
    expect(await pullStates(line, 'app', [bad.digest, 'v1', 'latest'])).toEqual(['refused', 'absent', 'absent']);
    expect(line.cards).toHaveLength(1);
    expect(line.cards[0]).toMatchObject({
      kind: 'image',
      verdict: 'fail',
      cause: 'push',
      findings: [{ id: 'CVE-1', fixed: '2' }],
    });
  });

  it('writes down what it would do, and does nothing, while enforcement is off', async () => {
    const line = await createLine(LOCKS, { mode: 'observe' });
    const bad = await image('bad');
    line.answers.set(bad.digest, CRITICAL);
    await line.registry.push(bad, 'app', { tag: 'v1' });
    await line.settle();
    const entry = await line.entry('app', bad.digest);
    expect(entry?.enforcement).toMatchObject({
      state: 'withheld',
      operations: [{ kind: 'untag', outcome: 'withheld' }, { kind: 'lock' }],
    });
    expect(await pullStates(line, 'app', [bad.digest, 'v1'])).toEqual(['served', 'served']);
    expect(line.cards).toHaveLength(1);
  });

  it('scans an image once however often its event comes', async () => {
    const line = await createLine(LOCKS);
    const clean = await image('clean');
    await line.registry.push(clean, 'app', { tag: 'v1' });
    const [event] = line.registry.events;
    for (let i = 0; i < 4; i++) await line.app.receive(event);
    await line.settle();
    expect(line.scans).toEqual([clean.digest]);
  });

  it('takes the tag off a quarantined digest that is pushed again under another name', async () => {
    const line = await createLine(LOCKS);
    const bad = await image('bad');
    line.answers.set(bad.digest, CRITICAL);
    await line.registry.push(bad, 'app', { tag: 'v1' });
    await line.settle();
    await line.registry.push(bad, 'app', { tag: 'sneaky' });
    await line.settle();
    expect(await pullStates(line, 'app', ['sneaky'])).toEqual(['absent']);
    expect((await line.entry('app', bad.digest))?.enforcement.record?.tags).toEqual(['v1', 'sneaky']);
    expect(line.cards).toHaveLength(1);
  });

  it('judges the platforms of an index each for itself, and the index by them', async () => {
    const line = await createLine(LOCKS);
    const [good, bad] = [await image('amd64'), await image('arm64')];
    line.answers.set(bad.digest, CRITICAL);
    const platform = (architecture: string) => ({ os: 'linux', architecture });
    const index = sample.makeIndex([
      { image: good, platform: platform('amd64') },
      { image: bad, platform: platform('arm64') },
    ]);
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.settle();
    const verdicts = await Promise.all(
      [index, good, bad].map(async ({ digest }) => (await line.entry('app', digest))?.decision?.verdict),
    );
    expect(verdicts).toEqual(['fail', 'pass', 'fail']);
    expect(await pullStates(line, 'app', [index.digest, good.digest, bad.digest])).toEqual([
      'refused',
      'served',
      'refused',
    ]);
    expect(line.scans.toSorted()).toEqual([good.digest, bad.digest].toSorted());
  });

  it('gives an image its verdict whatever subject or type it claims', async () => {
    const line = await createLine(LOCKS);
    const clean = await image('clean');
    const layer = clean.blobs[1]!;
    const disguised = sample.makeArtifact({
      configType: 'application/vnd.oci.image.config.v1+json',
      config: clean.blobs[0]!,
      layers: [{ type: 'application/vnd.oci.image.layer.v1.tar+gzip', blob: layer }],
      extra: {
        artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        subject: { mediaType: clean.mediaType, digest: clean.digest, size: clean.bytes.byteLength },
      },
    });
    line.answers.set(disguised.digest, CRITICAL);
    await line.registry.push(clean, 'app', { tag: 'v1' });
    await line.registry.push(disguised, 'app', { tag: 'v2' });
    await line.settle();
    expect((await line.entry('app', disguised.digest))?.decision?.verdict).toBe('fail');
  });

  it('leaves a chart alone', async () => {
    const line = await createLine(LOCKS);
    const chart = await sample.helmChart('shop');
    await line.registry.push(chart, 'charts/shop', { tag: '1.0.0' });
    await line.settle();
    expect(await line.entry('charts/shop', chart.digest)).toBeUndefined();
    expect(line.scans).toEqual([]);
  });
});

describe('signatures that come late', () => {
  it('is pending within the grace, and passes when the signature comes', async () => {
    const line = await createLine(SIGNED);
    const unsigned = await image('late');
    await line.registry.push(unsigned, 'app', { tag: 'v1' });
    await line.settle();
    expect((await line.entry('app', unsigned.digest))?.decision?.verdict).toBe('pending');
    line.clock.advance(60_000);
    await line.registry.push(signBundle(unsigned, line.keys), 'app');
    await line.settle();
    expect((await line.entry('app', unsigned.digest))?.decision?.verdict).toBe('pass');
  });

  it('fails when the grace is over, and is released by itself when the signature comes after all', async () => {
    const line = await createLine(SIGNED);
    const unsigned = await image('late');
    await line.registry.push(unsigned, 'app', { tag: 'v1' });
    await line.settle();
    await line.wait(16 * 60_000);
    const failed = await line.entry('app', unsigned.digest);
    expect(failed?.decision?.reasons.map(({ code }) => code)).toEqual(['SIGNATURE_MISSING']);
    expect(await pullStates(line, 'app', [unsigned.digest])).toEqual(['refused']);
    await line.registry.push(signBundle(unsigned, line.keys), 'app');
    await line.settle();
    expect((await line.entry('app', unsigned.digest))?.enforcement.state).toBe('released');
    expect(await pullStates(line, 'app', [unsigned.digest, 'v1'])).toEqual(['served', 'served']);
  });

  it('does not look again, at the end of the grace, for a signature that came', async () => {
    const line = await createLine(SIGNED);
    const signed = await image('late');
    await line.registry.push(signed, 'app', { tag: 'v1' });
    await line.settle();
    line.clock.advance(60_000);
    await line.registry.push(signBundle(signed, line.keys), 'app');
    await line.settle();
    const before = line.registry.requests.filter((request) => request.includes('/referrers/')).length;
    await line.wait(20 * 60_000);
    expect(line.registry.requests.filter((request) => request.includes('/referrers/'))).toHaveLength(before);
  });

  it('finds a signature within the grace whose own event is lost', async () => {
    const line = await createLine(SIGNED);
    const unsigned = await image('late');
    await line.registry.push(unsigned, 'app', { tag: 'v1' });
    await line.settle();
    await line.registry.push(signBundle(unsigned, line.keys), 'app');
    line.registry.events.splice(0);
    await line.wait(16 * 60_000);
    expect((await line.entry('app', unsigned.digest))?.decision?.verdict).toBe('pass');
    expect(await pullStates(line, 'app', [unsigned.digest, 'v1'])).toEqual(['served', 'served']);
  });

  it('verifies an image whose signature arrives before it', async () => {
    const line = await createLine(SIGNED);
    const signed = await image('early');
    await line.registry.push(signed, 'app', { tag: 'v1' });
    await line.registry.push(signBundle(signed, line.keys), 'app');
    line.registry.events.reverse();
    await line.settle();
    expect((await line.entry('app', signed.digest))?.decision?.verdict).toBe('pass');
  });

  it('lets a signed index speak for its platforms', async () => {
    const line = await createLine(SIGNED);
    const platform = { os: 'linux', architecture: 'amd64' };
    const child = await image('child');
    const index = sample.makeIndex([{ image: child, platform }]);
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.registry.push(signBundle(index, line.keys), 'app');
    await line.settle();
    expect((await line.entry('app', child.digest))?.decision?.verdict).toBe('pass');
    expect((await line.entry('app', index.digest))?.decision?.verdict).toBe('pass');
  });
});

describe('release', () => {
  it('undoes exactly what was done, and stays released', async () => {
    const line = await createLine(LOCKS);
    const bad = await image('bad');
    line.answers.set(bad.digest, CRITICAL);
    await line.registry.push(bad, 'app', { tag: 'v1' });
    await line.settle();
    const request = {
      headers: new Headers({ 'x-lazaret-caller': 'alice' }),
      query: new URLSearchParams(),
      text: () => Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app:v1`, reason: 'accepted' })),
    };
    expect((await line.app.release(request)).status).toBe(202);
    await line.settle();
    await line.app.decide({
      v: 1,
      attempt: 0,
      since: line.clock.now().toISOString(),
      key: (await line.entry('app', bad.digest))?.key,
    });
    await line.settle();
    const entry = await line.entry('app', bad.digest);
    expect(entry?.release).toMatchObject({ by: 'alice', reason: 'accepted' });
    expect(entry?.enforcement).toMatchObject({
      state: 'released',
      operations: [{ kind: 'unlock' }, { kind: 'retag', tag: 'v1' }],
    });
    expect(await pullStates(line, 'app', [bad.digest, 'v1'])).toEqual(['served', 'served']);
    expect(line.cards.map((card) => card.kind === 'image' && card.cause)).toEqual(['push', 'release']);
  });

  it('does not move a tag that has been pushed since', async () => {
    const line = await createLine(LOCKS);
    const [bad, fix] = [await image('bad'), await image('fix')];
    line.answers.set(bad.digest, CRITICAL);
    await line.registry.push(bad, 'app', { tag: 'v1' });
    await line.settle();
    await line.registry.push(fix, 'app', { tag: 'v1' });
    await line.settle();
    const text = () =>
      Promise.resolve(JSON.stringify({ reference: `${LOGIN_SERVER}/app@${bad.digest}`, reason: 'needed' }));
    await line.app.release({ headers: new Headers(), query: new URLSearchParams(), text });
    await line.settle();
    const resolved = await line.registry.client.resolveTag(LOGIN_SERVER, 'app' as never, 'v1' as never);
    expect(resolved).toBe(fix.digest);
    expect(await pullStates(line, 'app', [bad.digest])).toEqual(['served']);
  });
});

describe('what a scan cannot tell is not a pass', () => {
  it.each([
    ['the image cannot be read', new AppError('LAYER_UNREADABLE', 'x')],
    ['a fault that nobody knows', new AppError('SCAN_FAILED', 'x', { retryable: true })],
  ])('%s', async (_, error) => {
    const line = await createLine(LOCKS);
    const odd = await image('odd');
    line.answers.set(odd.digest, error);
    await line.registry.push(odd, 'app', { tag: 'v1' });
    await line.settle();
    await line.wait(26 * 3_600_000, 1_800_000);
    const entry = await line.entry('app', odd.digest);
    expect(entry?.decision?.verdict).toBe('inconclusive');
    expect(entry?.decision?.reasons[0]?.code).toBe(error.retryable ? 'SCAN_PENDING' : 'LAYER_UNREADABLE');
    expect(await pullStates(line, 'app', [odd.digest])).toEqual(['refused']);
  });

  it('counts an image larger than the limit as such, before any pull', async () => {
    const line = await createLine(LOCKS);
    const { randomBytes } = await import('node:crypto');
    const large = await sample.imageOf([{ path: 'large', content: randomBytes(1_200_000) }]);
    await line.registry.push(large, 'app', { tag: 'v1' });
    await line.settle();
    expect((await line.entry('app', large.digest))?.scan).toMatchObject({ state: 'failed', code: 'TOO_LARGE' });
  });

  it('does not wait for a result longer than the deadline', async () => {
    const line = await createLine(`${LOCKS}deadline: 30m\n`);
    const slow = await image('slow');
    await line.registry.push(slow, 'app', { tag: 'v1' });
    await line.deliverEvents();
    // The scan is lost.
    line.queued.splice(0, line.queued.length, ...line.queued.filter(({ queue }) => queue !== QUEUES.scan));
    await line.settle();
    await line.wait(31 * 60_000);
    expect((await line.entry('app', slow.digest))?.decision).toMatchObject({ verdict: 'inconclusive' });
  });
});
