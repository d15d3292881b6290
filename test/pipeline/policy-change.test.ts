import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { generateKeyPair, signBundle } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { QUEUES } from '../../shared/message/queue-name.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { materialOfKeys } from '../../shared/signature/material.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { type App, bindSteps } from '../../shared/steps.js';
import { type Line, createLine, onePolicy } from '../support/line.js';

const UNSIGNED = onePolicy('onPush: mark');
const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: mark');

/** The same app after a deployment with another policy, or another key behind the same name. */
function redeploy(line: Line, text: string, key = line.keys.publicKey): App {
  const policy = { ...parsePolicy(text), digest: digestOf(text + key), trust: digestOf(key) };
  return bindSteps({ ...line.services, policy, material: materialOfKeys([parsePublicKey('ci.pub', key)]) });
}

/** Decides a digest under the new policy, and works off what it asks for. */
async function decideAgain(line: Line, app: App, digest: string): Promise<string | undefined> {
  const entry = await line.entry('app', digest);
  await app.decide({ v: 1, attempt: 0, since: line.clock.now().toISOString(), key: entry?.key });
  for (let next = line.queued.shift(); next !== undefined; next = line.queued.shift()) {
    if (next.queue === QUEUES.verify) await app.verify(next.body);
    if (next.queue === QUEUES.decide) await app.decide(next.body);
  }
  const after = (await line.entry('app', digest))?.decision;
  return `${after?.verdict} ${after?.reasons.map(({ code }) => code).join(' ')}`.trim();
}

async function pushed(policy: string, signed: boolean) {
  const line = await createLine(policy);
  const image = await sample.imageOf([{ path: 'name', content: String(signed) }]);
  await line.registry.push(image, 'app', { tag: 'v1' });
  if (signed) await line.registry.push(signBundle(image, line.keys), 'app');
  await line.settle();
  await line.wait(20 * 60_000);
  line.queued.splice(0);
  return { line, image };
}

describe('a decision that comes to the same', () => {
  it('changes nothing: it was decided when it was', async () => {
    const line = await createLine(onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag'));
    const image = await sample.imageOf([{ path: 'name', content: 'bad' }]);
    line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL' }] });
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    const before = await line.entry('app', image.digest);
    line.clock.advance(60_000);
    await line.decide(before?.key);
    expect((await line.entry('app', image.digest))?.decidedAt).toBe(before?.decidedAt);
  });
});

describe('an image under a policy that asks for no signature', () => {
  it('is not verified, until another policy asks', async () => {
    const { line, image } = await pushed(UNSIGNED, true);
    expect((await line.entry('app', image.digest))?.signature).toMatchObject({
      state: 'done',
      outcome: 'not-required',
      policy: line.services.policy.digest,
    });
    line.queued.splice(0);
    expect(await decideAgain(line, redeploy(line, SIGNED), image.digest)).toBe('pass');
    expect((await line.entry('app', image.digest))?.signature).toMatchObject({ outcome: 'verified' });
  });
});

describe('a signature under another policy than it was judged under', () => {
  it.each([
    ['is verified where it was not asked for before', UNSIGNED, SIGNED, true, 'pass'],
    ['is missed where it was not asked for before', UNSIGNED, SIGNED, false, 'fail SIGNATURE_MISSING'],
    ['is not asked for any more', SIGNED, UNSIGNED, false, 'pass'],
  ])('%s', async (_, before, after, signed, expected) => {
    const { line, image } = await pushed(before, signed);
    expect(await decideAgain(line, redeploy(line, after), image.digest)).toBe(expected);
  });

  it('does not count once its key is not trusted any more', async () => {
    const { line, image } = await pushed(SIGNED, true);
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
    const app = redeploy(line, SIGNED, generateKeyPair().publicKey);
    expect(await decideAgain(line, app, image.digest)).toBe('fail SIGNATURE_UNTRUSTED_KEY');
  });

  it('of an index does not count for its platforms either', async () => {
    const line = await createLine(SIGNED);
    const child = await sample.imageOf([{ path: 'name', content: 'child' }]);
    const index = sample.makeIndex([{ image: child, platform: { os: 'linux', architecture: 'amd64' } }]);
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.registry.push(signBundle(index, line.keys), 'app');
    await line.settle();
    await line.wait(20 * 60_000);
    expect((await line.entry('app', child.digest))?.decision?.verdict).toBe('pass');
    const app = redeploy(line, SIGNED, generateKeyPair().publicKey);
    expect(await decideAgain(line, app, child.digest)).toBe('fail SIGNATURE_MISSING');
    expect(await decideAgain(line, app, index.digest)).toContain('fail');
  });

  it('is looked at once for each policy, not with every decision', async () => {
    const { line, image } = await pushed(SIGNED, true);
    const app = redeploy(line, `${SIGNED}# reviewed\n`);
    expect(await decideAgain(line, app, image.digest)).toBe('pass');
    line.registry.requests.length = 0;
    expect(await decideAgain(line, app, image.digest)).toBe('pass');
    expect(line.registry.requests).toEqual([]);
  });
});
