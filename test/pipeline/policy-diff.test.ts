import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { generateKeyPair, signBundle } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import type { PolicyDiffPage } from '../../shared/pipeline/policy-diff.js';
import { type Line, type Verdictless, createLine, onePolicy } from '../support/line.js';
import { diffPage, source } from '../support/policy-doors.js';
import { LOGIN_SERVER } from '../support/registry.js';

const HOUR = 3_600_000;
const LENIENT = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const STRICT = LENIENT.replace('CRITICAL', 'HIGH').replace(
  'onPush',
  'onChange: { enforce: lock, after: 72h }\n    onPush',
);
const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 1s }\nonPush: lock');
const HIGH: Verdictless = { vulnerabilities: [{ id: 'CVE-1', severity: 'HIGH' }] };
const CRITICAL: Verdictless = { vulnerabilities: [{ id: 'CVE-2', severity: 'CRITICAL' }] };

async function pushed(line: Line, name: string, answer: Verdictless = {}, repository = 'app') {
  const image = await sample.imageOf([{ path: 'name', content: name }]);
  line.answers.set(image.digest, answer);
  await line.registry.push(image, repository, { tag: name.replaceAll(' ', '-') });
  await line.settle();
  return image;
}

/** What stands before a comparison: decided, and swept at least once. */
async function rested(line: Line) {
  await line.wait(10 * 60_000, 5 * 60_000);
  await line.app.reconcile();
  await line.settle();
}

const standing = ({ changes }: PolicyDiffPage) =>
  changes.map(({ becomes, before, after }) => [becomes, before.verdict, after.verdict, after.effect]);
const reference = (digest: string, repository = 'app') => `${LOGIN_SERVER}/${repository}@${digest}`;

describe('another policy, before it is deployed', () => {
  it('with a stricter threshold gives what has passed its time, and asks no registry', async () => {
    const line = await createLine(LENIENT);
    const image = await pushed(line, 'high', HIGH);
    await pushed(line, 'good');
    await rested(line);
    line.registry.requests.length = 0;
    const page = await diffPage(line, { new: source(line, STRICT) });
    const until = new Date(line.clock.now().getTime() + 72 * HOUR).toISOString();
    expect(page).toMatchObject({ mode: 'enforce', compared: 2, unreadable: 0, after: null });
    expect(page.changes).toEqual([
      {
        reference: reference(image.digest),
        becomes: 'later',
        before: expect.objectContaining({ verdict: 'pass', action: 'mark', effect: 'none', codes: [] }) as unknown,
        after: {
          ...{ verdict: 'fail', action: 'lock', withheld: 'change', effect: 'later', until },
          codes: ['VULNERABILITIES'],
          rule: { index: 0, registry: null, repository: '**' },
        },
      },
    ]);
    expect(line.registry.requests).toEqual([]);
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
  });

  it('that is the same changes nothing, deployed or sent', async () => {
    const line = await createLine(SIGNED);
    await pushed(line, 'unsigned', CRITICAL);
    await line.registry.push(signBundle(await pushed(line, 'signed'), line.keys), 'app');
    await rested(line);
    const same = source(line, SIGNED);
    for (const body of [{ new: same }, { old: same, new: same }]) {
      expect(await diffPage(line, body)).toMatchObject({ compared: 2, changes: [] });
    }
  });

  it('judges stored signatures by its own keys', async () => {
    const line = await createLine(
      SIGNED.replace('onPush: lock', 'onPush: lock\n    onChange: { enforce: lock, after: 1h }'),
    );
    const image = await pushed(line, 'signed');
    await line.registry.push(signBundle(image, line.keys), 'app');
    await rested(line);
    expect((await line.entry('app', image.digest))?.decision?.verdict).toBe('pass');
    const other = generateKeyPair().publicKey;
    const changes = SIGNED.replace('onPush: lock', 'onPush: lock\n    onChange: { enforce: lock, after: 1h }');
    const page = await diffPage(line, { new: source(line, changes, other) });
    expect(standing(page)).toEqual([['later', 'pass', 'fail', 'later']]);
    expect(page.changes[0]?.after.codes).toEqual(['SIGNATURE_UNTRUSTED_KEY']);
    expect((await diffPage(line, { new: source(line, changes) })).changes).toEqual([]);
  });

  it('says of a signature that was never looked for that nobody can tell yet', async () => {
    const line = await createLine(LENIENT);
    await pushed(line, 'unknown');
    // It fails whoever has signed it.
    await pushed(line, 'bad', CRITICAL);
    await rested(line);
    const page = await diffPage(line, { new: source(line, `${SIGNED}    vulnerabilities: { fail: CRITICAL }\n`) });
    expect(standing(page)).toEqual(
      expect.arrayContaining([
        ['to-be-verified', 'pass', 'pass', 'none'],
        ['told', 'fail', 'fail', 'stays'],
      ]),
    );
    const unverified = page.changes.find(({ becomes }) => becomes === 'to-be-verified');
    expect(unverified?.unsigned?.after).toMatchObject({ verdict: 'fail', codes: ['SIGNATURE_MISSING'] });
  });

  it('says the same where another policy has signatures looked for elsewhere', async () => {
    const line = await createLine(SIGNED);
    const signed = await pushed(line, 'signed');
    await line.registry.push(signBundle(signed, line.keys), 'app');
    await pushed(line, 'unsigned');
    await rested(line);
    const imported = SIGNED.replace('grace: 1s', 'grace: 1s, signaturesFrom: [base/app]');
    const page = await diffPage(line, { new: source(line, imported) });
    // What was found counts wherever else is looked.
    expect(standing(page)).toEqual([['to-be-verified', 'fail', 'pass', 'lifts']]);
  });

  it.each([
    ['that is gone', 'EVIDENCE_MISSING', undefined],
    ['that is of another form', 'EVIDENCE_MALFORMED', '{"subject":"x"}'],
    ['that is no JSON', 'EVIDENCE_MALFORMED', 'no'],
  ])('does not pass by evidence %s', async (_, code, text) => {
    const line = await createLine(SIGNED);
    const image = await pushed(line, 'signed');
    await line.registry.push(signBundle(image, line.keys), 'app');
    await rested(line);
    const stored = await line.reports.put(Buffer.from(text ?? 'something else'), 'application/json');
    const evidence = text === undefined ? { ...stored, digest: digestOf('lost') } : stored;
    await line.ledger.update((await line.entry('app', image.digest))!.key, (entry) =>
      entry.signature.state === 'done' ? { ...entry, signature: { ...entry.signature, evidence } } : undefined,
    );
    const page = await diffPage(line, { new: source(line, `# reviewed\n${SIGNED}`) });
    expect(page.changes[0]?.after).toMatchObject({ verdict: 'inconclusive', action: 'mark', codes: [code] });
  });

  it('that fails everything is one cause', async () => {
    const line = await createLine(LENIENT);
    const low = { vulnerabilities: [{ id: 'CVE-3', severity: 'LOW' }] };
    for (let i = 0; i < 5; i++) await pushed(line, `low ${i}`, low);
    await rested(line);
    const all = LENIENT.replace('CRITICAL', 'UNKNOWN').replace(
      'onPush',
      'onChange: { enforce: lock, after: 0s }\n    onPush',
    );
    const page = await diffPage(line, { new: source(line, all) });
    expect(standing(page)).toEqual(Array.from({ length: 5 }, () => ['quarantined', 'pass', 'fail', 'quarantine']));
    expect(new Set(page.changes.map(({ after }) => JSON.stringify(after))).size).toBe(1);
  });

  it('that is milder releases what passes, and softens no quarantine that it only marks', async () => {
    const line = await createLine(STRICT);
    const image = await pushed(line, 'high', HIGH);
    await rested(line);
    expect((await line.entry('app', image.digest))?.enforcement.state).toBe('quarantined');
    expect(standing(await diffPage(line, { new: source(line, LENIENT) }))).toEqual([
      ['released', 'fail', 'pass', 'lifts'],
    ]);
    const marks = STRICT.replace('onPush: lock-and-untag', 'onPush: mark');
    expect(standing(await diffPage(line, { new: source(line, marks) }))).toEqual([['told', 'fail', 'fail', 'stays']]);
  });

  it('compares two policies, neither of which is deployed', async () => {
    const line = await createLine(onePolicy('onPush: mark'), { mode: 'observe' });
    await pushed(line, 'high', HIGH);
    await rested(line);
    const page = await diffPage(line, { old: source(line, STRICT), new: source(line, LENIENT) });
    expect([page.mode, standing(page)]).toEqual(['observe', [['told', 'fail', 'pass', 'none']]]);
  });
});

describe('what stands whatever a policy says', () => {
  it('is a release, a reserved repository, and what was there before', async () => {
    const line = await createLine(LENIENT, { reserved: [{ registry: LOGIN_SERVER, repository: 'scanner' }] });
    const released = await pushed(line, 'released', HIGH);
    const reserved = await pushed(line, 'reserved', HIGH, 'scanner');
    const existing = await pushed(line, 'existing', HIGH);
    await rested(line);
    const at = line.clock.now().toISOString();
    // Each as if it had never passed, so that `onPush` counts.
    const change = async (repository: string, digest: string, changes: object) =>
      line.ledger.update((await line.entry(repository, digest))!.key, (entry) => ({
        ...entry,
        passedAt: undefined,
        ...changes,
      }));
    await change('app', released.digest, { release: { by: 'alice', reason: 'ours', at } });
    await change('scanner', reserved.digest, {});
    await change('app', existing.digest, { existing: true });
    const page = await diffPage(line, { new: source(line, STRICT) });
    const found = new Map(
      page.changes.map((each) => [each.reference, [each.becomes, each.after.effect, each.after.withheld]]),
    );
    expect(Object.fromEntries(found)).toEqual({
      [reference(released.digest)]: ['told', 'released', null],
      [reference(reserved.digest, 'scanner')]: ['told', 'none', 'reserved'],
      [reference(existing.digest)]: ['told', 'none', 'existing'],
    });
    const enforced = STRICT.replace('rules:', 'existing: enforce\nrules:');
    const next = await diffPage(line, { new: source(line, enforced) });
    expect(next.changes.find((each) => each.reference === reference(existing.digest))?.becomes).toBe('quarantined');
  });

  it('is nothing for a digest that is gone', async () => {
    const line = await createLine(LENIENT);
    const image = await pushed(line, 'gone', HIGH);
    await rested(line);
    const goneAt = line.clock.now().toISOString();
    await line.ledger.update((await line.entry('app', image.digest))!.key, (entry) => ({ ...entry, goneAt }));
    expect(await diffPage(line, { new: source(line, STRICT) })).toMatchObject({ compared: 0, changes: [] });
  });
});

describe('an index', () => {
  it('is judged by what its platforms come to, not by what the ledger says of them', async () => {
    const line = await createLine(LENIENT);
    const child = await sample.imageOf([{ path: 'name', content: 'platform' }]);
    const index = sample.makeIndex([{ image: child, platform: { os: 'linux', architecture: 'amd64' } }]);
    line.answers.set(child.digest, HIGH);
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.settle();
    await rested(line);
    const page = await diffPage(line, { new: source(line, STRICT) });
    const codes = new Map(page.changes.map((each) => [each.reference, each.after.codes]));
    expect(Object.fromEntries(codes)).toEqual({
      [reference(child.digest)]: ['VULNERABILITIES'],
      [reference(index.digest)]: ['PLATFORM_FAILS'],
    });
  });

  it('that is signed speaks for its platforms under the keys of each policy', async () => {
    const line = await createLine(SIGNED);
    const child = await sample.imageOf([{ path: 'name', content: 'platform' }]);
    const index = sample.makeIndex([{ image: child, platform: { os: 'linux', architecture: 'amd64' } }]);
    await line.registry.push(index, 'app', { tag: 'v1' });
    await line.registry.push(signBundle(index, line.keys), 'app');
    await line.settle();
    await rested(line);
    expect((await diffPage(line, { new: source(line, `# reviewed\n${SIGNED}`) })).changes).toEqual([]);
    const page = await diffPage(line, { new: source(line, SIGNED, generateKeyPair().publicKey) });
    const codes = new Map(page.changes.map((each) => [each.reference, each.after.codes]));
    expect(Object.fromEntries(codes)).toEqual({
      [reference(child.digest)]: ['SIGNATURE_MISSING'],
      [reference(index.digest)]: ['PLATFORM_FAILS', 'SIGNATURE_UNTRUSTED_KEY'],
    });
  });
});
