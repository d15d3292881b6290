import { describe, expect, it } from 'vitest';
import { DEFAULT_SWITCHES, SWITCH_NAMES, type Switches, flipped } from '../../local/registry/switches.js';
import * as sample from '../../local/sample/image.js';
import { signBundle } from '../../local/signer/signer.js';
import { type Line, createLine, onePolicy } from '../support/line.js';
import { LOGIN_SERVER } from '../support/registry.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
const SIGNED = onePolicy('signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }\nonPush: lock-and-untag');
const CRITICAL = { vulnerabilities: [{ id: 'CVE-1', severity: 'CRITICAL', fixed: '2' }] };

const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);
const all = Object.assign({}, ...SWITCH_NAMES.map(flipped)) as Switches;
const worlds: readonly (readonly [string, Partial<Switches>])[] = [
  ['nothing', {}],
  ...SWITCH_NAMES.map((name) => [name, flipped(name)] as const),
  ['everything', all],
];

/** What a client gets: bytes or not. How it is refused is the registry's business. */
async function isServed(line: Line, references: readonly string[]): Promise<readonly boolean[]> {
  const statuses: boolean[] = [];
  for (const reference of references) statuses.push((await line.registry.pull('app', reference)) === 200);
  return statuses;
}

async function quarantined(switches: Partial<Switches>) {
  const line = await createLine(LOCKS, {}, { switches });
  const bad = await image('bad');
  line.answers.set(bad.digest, CRITICAL);
  await line.registry.push(bad, 'app', { tag: 'v1' });
  await line.settle();
  return { line, bad };
}

const verdictOf = async (line: Line, digest: string) => (await line.entry('app', digest))?.decision?.verdict;

describe('whatever the registry answers where no source says', () => {
  it('has two answers for each question', () => {
    for (const name of SWITCH_NAMES) expect(all[name], name).not.toBe(DEFAULT_SWITCHES[name]);
  });

  describe.each(worlds)('with %s flipped', (_, switches) => {
    it('a bad image is shut and loses its tag, and its marks can be found', async () => {
      const { line, bad } = await quarantined(switches);
      const entry = await line.entry('app', bad.digest);
      expect(entry?.decision?.verdict).toBe('fail');
      expect(entry?.enforcement.state).toBe('quarantined');
      expect(await isServed(line, [bad.digest, 'v1'])).toEqual([false, false]);
      const key = entry!.key;
      expect(await line.registry.client.observe(key)).toMatchObject({
        attributes: { readEnabled: false, deleteEnabled: false, writeEnabled: true },
        tags: [],
      });
      const { descriptors } = await line.registry.client.listReferrers(key, { maxDescriptors: 10, maxPages: 5 });
      expect(descriptors.map(({ digest }) => digest).toSorted()).toEqual(
        entry!.marks.map(({ digest }) => digest).toSorted(),
      );
      expect(entry?.marks).toHaveLength(2);
    });

    it('a bad image that is pushed again under another tag is not served by it', async () => {
      const { line, bad } = await quarantined(switches);
      await line.registry.push(bad, 'app', { tag: 'sneaky' });
      await line.settle();
      expect(await isServed(line, [bad.digest, 'v1', 'sneaky'])).toEqual([false, false, false]);
      expect(await verdictOf(line, bad.digest)).toBe('fail');
    });

    it('the fix takes the tag', async () => {
      const { line, bad } = await quarantined(switches);
      const fix = await image('fix');
      await line.registry.push(fix, 'app', { tag: 'v1', headFirst: true });
      await line.settle();
      expect(await verdictOf(line, fix.digest)).toBe('pass');
      expect(await isServed(line, ['v1', fix.digest, bad.digest])).toEqual([true, true, false]);
    });

    it('a signature that comes within the grace lets the image pass', async () => {
      const line = await createLine(SIGNED, {}, { switches });
      const late = await image('late');
      await line.registry.push(late, 'app', { tag: 'v1' });
      await line.settle();
      expect(await verdictOf(line, late.digest)).toBe('pending');
      line.clock.advance(60_000);
      await line.registry.push(signBundle(late, line.keys), 'app');
      await line.wait(20 * 60_000);
      expect(await verdictOf(line, late.digest)).toBe('pass');
      expect(await isServed(line, ['v1', late.digest])).toEqual([true, true]);
    });

    it('an unsigned image is shut when the grace is over', async () => {
      const line = await createLine(SIGNED, {}, { switches });
      const never = await image('never');
      await line.registry.push(never, 'app', { tag: 'v1' });
      await line.wait(20 * 60_000);
      expect((await line.entry('app', never.digest))?.decision).toMatchObject({
        verdict: 'fail',
        reasons: [{ code: 'SIGNATURE_MISSING' }],
      });
      expect(await isServed(line, ['v1', never.digest])).toEqual([false, false]);
    });

    it('a release brings back what was', async () => {
      const { line, bad } = await quarantined(switches);
      const body = JSON.stringify({ reference: `${LOGIN_SERVER}/app:v1`, reason: 'accepted' });
      const request = {
        headers: new Headers({ 'x-lazaret-caller': 'alice' }),
        query: new URLSearchParams(),
        text: () => Promise.resolve(body),
      };
      expect((await line.app.release(request)).status).toBe(202);
      await line.settle();
      expect((await line.entry('app', bad.digest))?.enforcement.state).toBe('released');
      expect(await isServed(line, ['v1', bad.digest])).toEqual([true, true]);
    });
  });
});
