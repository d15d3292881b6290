import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { MAX_DIFF_BODY } from '../../shared/pipeline/policy-doors.js';
import type { Change } from '../../shared/pipeline/policy-diff.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { diffPage, explainDoor, explainOf, postDiff, source } from '../support/policy-doors.js';
import { LOGIN_SERVER } from '../support/registry.js';

const LENIENT = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock');
const STRICT = LENIENT.replace('CRITICAL', 'HIGH');
const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }\nonPush: lock');

async function push(line: Line, name: string, severity?: string, repository = 'app') {
  const image = await sample.imageOf([{ path: 'name', content: name }]);
  if (severity !== undefined) line.answers.set(image.digest, { vulnerabilities: [{ id: 'CVE-1', severity }] });
  await line.registry.push(image, repository, { tag: name });
  await line.settle();
  return image;
}

describe('POST policyDiff', () => {
  it('answers in pages, each digest once, whatever its size', async () => {
    const line = await createLine(LENIENT);
    const references: string[] = [];
    for (const repository of ['app', 'b/app', 'c'])
      for (let i = 0; i < 4; i++) {
        const { digest } = await push(line, `v${i}`, 'HIGH', repository);
        references.push(`${LOGIN_SERVER}/${repository}@${digest}`);
      }
    await line.app.reconcile();
    await line.settle();
    for (const count of [1, 5, 12, 100]) {
      const changes: Change[] = [];
      const times = new Set<string>();
      let pages = 0;
      let next: object = { count, new: source(line, STRICT) };
      for (let more = true; more; pages += 1) {
        const page = await diffPage(line, next);
        expect(page.compared).toBeLessThanOrEqual(count);
        changes.push(...page.changes);
        times.add(page.at);
        more = page.after !== null;
        next = { ...next, at: page.at, after: page.after ?? undefined };
        line.clock.advance(1000);
      }
      expect(changes.map(({ reference }) => reference).toSorted()).toEqual(references.toSorted());
      expect([times.size, pages]).toEqual([1, Math.floor(12 / count) + 1]);
    }
  });

  it('ends a page when its time is over', async () => {
    const line = await createLine(LENIENT);
    for (let i = 0; i < 9; i++) await push(line, `v${i}`, 'HIGH');
    await line.app.reconcile();
    await line.settle();
    const { reports } = line.services;
    // Each report takes six seconds, so that four at once are over the time.
    line.redeploy({
      reports: {
        ...reports,
        get: (ref, max) => {
          line.clock.advance(6000);
          return reports.get(ref, max);
        },
      },
    });
    const page = await diffPage(line, { new: source(line, STRICT) });
    expect(page.compared).toBe(4);
    expect(page.after).not.toBeNull();
  });

  const body = (changes: object) => ({ new: { policy: LENIENT, files: {} }, ...changes });
  it.each([
    ['no JSON', '{', 'REQUEST_MALFORMED'],
    ['nothing', '', 'REQUEST_MALFORMED'],
    ['no policy', {}, 'REQUEST_MALFORMED'],
    ['a member that is none', body({ force: true }), 'REQUEST_MALFORMED'],
    ['a policy that is too large', body({ new: { policy: 'x'.repeat(262_145), files: {} } }), 'REQUEST_MALFORMED'],
    [
      'a file that is too large',
      body({ new: { policy: SIGNED, files: { k: 'aaaa'.repeat(350_000) } } }),
      'REQUEST_MALFORMED',
    ],
    ['a file that is not base64', body({ new: { policy: SIGNED, files: { k: 'x' } } }), 'REQUEST_MALFORMED'],
    ['a file above the policy', body({ new: { policy: SIGNED, files: { '../k': '' } } }), 'REQUEST_MALFORMED'],
    [
      'too many files',
      body({
        new: { policy: SIGNED, files: Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`k${i}`, ''])) },
      }),
      'REQUEST_MALFORMED',
    ],
    ['a page from the future', body({ at: '2100-01-01T00:00:00Z' }), 'REQUEST_MALFORMED'],
    ['a page that begins nowhere', body({ after: { registry: 'x' } }), 'REQUEST_MALFORMED'],
    ['a page of nothing', body({ count: 0 }), 'REQUEST_MALFORMED'],
    ['more than a body holds', 'x'.repeat(MAX_DIFF_BODY + 1), 'REQUEST_TOO_LARGE'],
  ])('refuses %s', async (_, sent, code) => {
    const { status, body: answer } = await postDiff(await empty, sent);
    expect([status, answer]).toEqual([
      code === 'REQUEST_TOO_LARGE' ? 413 : 400,
      { error: { code, message: expect.any(String) as string } },
    ]);
  });
  const empty = createLine(LENIENT);

  it('does not read what says that it is too large', async () => {
    const headers = { 'content-length': String(MAX_DIFF_BODY + 1) };
    expect(await postDiff(await empty, body({}), headers)).toMatchObject({ status: 413 });
  });

  it('tells all problems of both policies with their places', async () => {
    const wrong = LENIENT.replace('lock', 'burn').replace('CRITICAL', 'BAD');
    const { status, body: answer } = await postDiff(await empty, { new: { policy: wrong, files: {} } });
    expect(status).toBe(400);
    expect(answer).toMatchObject({ error: { code: 'POLICY_INVALID' } });
    const { problems } = (answer as { error: { problems: { path: string }[] } }).error;
    expect(problems.map(({ path }) => path).toSorted()).toEqual([
      'new rules[0].onPush (line 5)',
      'new rules[0].vulnerabilities.fail (line 4)',
    ]);
  });

  it.each([
    ['a key that is missing', SIGNED, {}, 'ci.pub is not beside the policy'],
    ['a key that is none', SIGNED, { 'ci.pub': 'x' }, 'ci.pub is not one PEM public key'],
    ['a key that no rule names', LENIENT, { 'old.pub': 'x' }, 'old.pub is not named by the policy'],
    // A name that every object has is no key file either.
    ['a key of a strange name', SIGNED.replace('ci.pub', 'toString'), {}, 'toString is not beside the policy'],
  ])('refuses %s', async (_, policy, texts, message) => {
    const files = Object.fromEntries(Object.entries(texts).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
    const { status, body: answer } = await postDiff(await empty, body({ old: { policy, files } }));
    expect(status).toBe(400);
    expect(answer).toMatchObject({ error: { code: 'POLICY_INVALID', problems: [{ message }] } });
    expect((answer as { error: { problems: { path: string }[] } }).error.problems[0]?.path).toMatch(/^old /);
  });

  it('is for those who may read', async () => {
    const line = await createLine(LENIENT, { signIn: 'entra' });
    expect(await postDiff(line, body({}))).toMatchObject({ status: 401 });
    expect(await explainDoor(line, `${LOGIN_SERVER}/app:v1`)).toMatchObject({ status: 401 });
  });
});

describe('GET explain', () => {
  const POLICY = `version: 1
rules:
  - { registry: other.azurecr.test, repository: "**" }
  - { repository: "team-b/**" }
  - repository: app
    vulnerabilities: { fail: CRITICAL, failFixable: HIGH }
    signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }
    endOfLife: accept
    onPush: lock
  - { repository: "**" }
`;

  it('tells the rule, each of its conditions, and what follows', async () => {
    const line = await createLine(POLICY);
    const image = await sample.imageOf([{ path: 'name', content: 'bad' }]);
    line.answers.set(image.digest, {
      vulnerabilities: [
        ...Array.from({ length: 30 }, (_, i) => ({ id: `CVE-${i}`, severity: 'CRITICAL' })),
        { id: 'CVE-fix', severity: 'HIGH', fixed: '2' },
      ],
    });
    await line.registry.push(image, 'app', { tag: 'v1' });
    await line.settle();
    const found = await explainOf(line, `app@${image.digest}`);
    expect(found).toMatchObject({
      reference: `${LOGIN_SERVER}/app@${image.digest}`,
      policy: digestOf(POLICY),
      verdict: 'fail',
      recorded: 'fail',
      rule: {
        ...{ index: 2, registry: null, repository: 'app', passedOverMore: 0 },
        passedOver: [
          { index: 0, because: 'registry' },
          { index: 1, because: 'repository' },
        ],
      },
      because: 'push',
      action: 'lock',
      withheld: null,
      effect: 'stays',
      mode: 'enforce',
      enforcement: { state: 'quarantined' },
      release: null,
    });
    expect(found.conditions.map(({ name, asks, says, findings }) => [name, asks, says, findings?.total])).toEqual([
      ['unscannable', 'inconclusive', 'pass', undefined],
      ['vulnerabilities.fail', 'CRITICAL', 'fail', 30],
      ['vulnerabilities.failFixable', 'HIGH', 'fail', 1],
      ['secrets', 'fail', 'pass', undefined],
      ['unrecognised', 'inconclusive', 'pass', undefined],
      ['endOfLife', 'accept', 'off', undefined],
      ['signature', 'any', 'pending', undefined],
    ]);
    expect(found.conditions[1]?.findings?.list).toHaveLength(25);
    const pushed = new Date((await line.entry('app', image.digest))!.firstSeenAt);
    expect(found.conditions.at(-1)?.signature).toEqual({
      ...{ signers: ['ci.pub'], outcome: 'missing', code: 'SIGNATURE_MISSING', byIndex: false, outdated: false },
      ...{ graceEnd: new Date(pushed.getTime() + 15 * 60_000).toISOString(), inGrace: true },
    });
  });

  it('judges a signature of another policy by what is stored, before it is verified again', async () => {
    const line = await createLine(SIGNED);
    const image = await push(line, 'v1');
    await line.registry.push(signBundle(image, line.keys), 'app');
    await line.settle();
    line.redeploy({ policyText: `# reviewed\n${SIGNED}` });
    const signature = (await explainOf(line, 'app:v1')).conditions.at(-1);
    expect(signature).toMatchObject({ says: 'pass', signature: { outcome: 'verified', outdated: true } });
  });

  it('lists the platforms of an index', async () => {
    const line = await createLine(LENIENT);
    const image = await sample.imageOf([{ path: 'name', content: 'child' }]);
    const index = sample.makeIndex([{ image, platform: { os: 'linux', architecture: 'amd64' } }]);
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.settle();
    const found = await explainOf(line, 'app:v1');
    expect(found.platforms).toEqual([{ digest: image.digest, platform: 'linux/amd64', verdict: 'pass' }]);
    expect(found.conditions.map(({ name, says }) => [name, says])).toEqual([
      ['platforms', 'pass'],
      ['signature', 'off'],
    ]);
  });

  it('tells what withholds an action, and a release', async () => {
    const line = await createLine(STRICT, { reserved: [{ registry: LOGIN_SERVER, repository: 'app' }] });
    const { digest } = await push(line, 'v1', 'HIGH');
    expect(await explainOf(line, 'app:v1')).toMatchObject({ action: 'lock', withheld: { because: 'reserved' } });
    const { key } = (await line.entry('app', digest))!;
    const release = { by: 'alice', reason: 'ours', at: line.clock.now().toISOString() };
    await line.ledger.update(key, (entry) => ({ ...entry, release }));
    expect(await explainOf(line, 'app:v1')).toMatchObject({ effect: 'released', release: { by: 'alice' } });
  });

  it.each([
    ['what nobody has pushed', `${LOGIN_SERVER}/app:none`, 404, 'UNKNOWN_ARTIFACT'],
    ['a digest that nobody knows', `${LOGIN_SERVER}/app@${digestOf('none')}`, 404, 'UNKNOWN_ARTIFACT'],
    ['another registry', `other.azurecr.test/app@${digestOf('none')}`, 404, 'REGISTRY_NOT_CONFIGURED'],
    ['no reference', 'app', 400, 'INVALID_REFERENCE'],
  ])('refuses %s', async (_, reference, status, code) => {
    const line = await createLine(LENIENT);
    expect(await explainDoor(line, reference)).toMatchObject({ status, body: { error: { code } } });
  });
});
