import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { diffPolicies } from '../../cli/policy-diff.js';
import { policyCommand } from '../../cli/policy.js';
import { explainPolicy } from '../../cli/policy-explain.js';
import type { Explanation } from '../../shared/pipeline/explain.js';
import type { Change, PolicyDiffPage } from '../../shared/pipeline/policy-diff.js';
import type { Standing } from '../../shared/pipeline/standing.js';

const HOST = 'team.azurecr.test';
const PASS: Standing = {
  ...{ verdict: 'pass', action: 'mark', withheld: null, effect: 'none', until: null, codes: [] },
  rule: { index: 0, registry: null, repository: '**' },
};
const FAIL: Standing = { ...PASS, verdict: 'fail', action: 'lock', effect: 'quarantine', codes: ['VULNERABILITIES'] };
const later = (until: string): Standing => ({ ...FAIL, withheld: 'change', effect: 'later', until });
const change = (name: string, after: Standing, becomes: Change['becomes']): Change => ({
  ...{ reference: `${HOST}/app@${name}`, becomes, before: PASS, after },
});

const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A deployment that answers with these pages, one after the other, and keeps what it was asked. */
async function deployment(pages: readonly Partial<PolicyDiffPage>[]) {
  const asked: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      asked.push(body as Record<string, unknown>);
      const page = pages[asked.length - 1] ?? {};
      if ('error' in page) response.statusCode = 'problems' in (page.error as object) ? 400 : 503;
      const base = {
        ...{ policies: { before: 'a', after: 'b' }, mode: 'enforce', at: '2026-01-01T00:00:00.000Z' },
        ...{ compared: 2000, unreadable: 0, known: 12_345, limit: 10, changes: [], after: null },
      };
      response.end(JSON.stringify({ ...base, ...page }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function run(pages: readonly Partial<PolicyDiffPage>[], json = false) {
  const { endpoint, asked } = await deployment(pages);
  const printed: string[] = [];
  const notes: string[] = [];
  const options = { endpoint, json, note: (text: string) => void notes.push(text) };
  const sources = { before: undefined, after: { policy: 'p', files: {} } };
  const code = await diffPolicies(sources, options, (text) => void printed.push(text));
  return { code, text: printed.join('\n'), notes, asked };
}

const from = (digest: string) => ({ registry: HOST, repository: 'app', digest }) as unknown as PolicyDiffPage['after'];

describe('a comparison on the command line', () => {
  it('asks page after page, tells how far it is, and groups by cause, the largest first', async () => {
    const bad = Array.from({ length: 7 }, (_, i) => change(`bad${i}`, FAIL, 'quarantined'));
    const { code, text, notes, asked } = await run([
      { after: from('x'), changes: [change('slow1', later('2026-03-01T00:00:00.000Z'), 'later'), ...bad.slice(0, 3)] },
      { after: from('y'), changes: bad.slice(3) },
      { compared: 204, changes: [change('slow2', later('2026-02-01T00:00:00.000Z'), 'later')] },
    ]);
    expect(code).toBe(1);
    expect(text.split('\n')).toEqual([
      '9 of 4,204 digests change: 7 would be quarantined at once, 2 from 2026-02-01T00:00:00.000Z; 0 released',
      '',
      '7 × pass → fail (VULNERABILITIES), lock: quarantined at once',
      '  rule      rules[0] ** → rules[0] **',
      ...[0, 1, 2, 3, 4].map((i) => `  ${HOST}/app@bad${i}`),
      '  and 2 more',
      '',
      '2 × pass → fail (VULNERABILITIES), lock, withheld: change: quarantined later, the first at 2026-02-01T00:00:00.000Z',
      '  rule      rules[0] ** → rules[0] **',
      `  ${HOST}/app@slow1`,
      `  ${HOST}/app@slow2`,
    ]);
    expect(notes).toEqual(['2,000 of about 12,345 digests so far', '4,000 of about 12,345 digests so far']);
    const at = '2026-01-01T00:00:00.000Z';
    expect(asked.map((body) => [body['at'], body['after'], 'old' in body])).toEqual([
      [undefined, undefined, false],
      [at, from('x'), false],
      [at, from('y'), false],
    ]);
  });

  it('says what observe mode, the brake, and evidence that is lost mean for it', async () => {
    const all = Array.from({ length: 11 }, (_, i) => change(`d${i}`, FAIL, 'quarantined'));
    const { text } = await run([{ mode: 'observe', unreadable: 3, changes: all }]);
    expect(text).toContain('11 would be quarantined at once, once enforcement is on, 0 later; 0 released');
    expect(text).toContain('3 cannot be told: their stored reports cannot be read');
    expect(text).toContain('the brake lets 10 an hour through');
  });

  it('prints nothing but one object for a program, with every digest', async () => {
    const { text, notes } = await run([{ after: from('x'), changes: [change('a', FAIL, 'quarantined')] }, {}], true);
    expect(JSON.parse(text)).toMatchObject({ compared: 4000, changed: 1, changes: [{ becomes: 'quarantined' }] });
    expect(notes).toEqual([]);
  });

  it('counts what has to be verified first by itself, and does not call it nothing', async () => {
    const unsigned = { before: PASS, after: FAIL };
    const { code, text } = await run([{ changes: [{ ...change('a', PASS, 'to-be-verified'), unsigned }] }]);
    expect(code).toBe(1);
    expect(text).toContain('0 of 2,000 digests change');
    expect(text).toContain('1 more depend on signatures that have never been looked for');
  });

  it('obeys nothing that a deployment sends to a terminal', async () => {
    const hostile = '\u001b[31mred\u202e';
    const rule = { index: 0, registry: hostile, repository: hostile };
    const bad = { ...FAIL, codes: [hostile], rule };
    const changes = [{ ...change('a', bad, 'quarantined'), reference: hostile }];
    const { text } = await run([{ changes }]);
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  it('asks again for a page that is refused for the moment', { timeout: 20_000 }, async () => {
    const away = { error: { code: 'LEDGER_UNAVAILABLE', message: 'away' } } as never;
    const { code, asked } = await run([{ after: from('x') }, away, { changes: [change('a', FAIL, 'quarantined')] }]);
    expect([code, asked.length]).toEqual([1, 3]);
    expect(asked[2]).toEqual(asked[1]);
    await expect(run([away])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });

  it('lists the problems that a stricter deployment finds', async () => {
    const problems = [{ path: 'new rules[0]', message: '\u001b[31mno' }];
    const { endpoint } = await deployment([{ error: { code: 'POLICY_INVALID', message: 'm', problems } } as never]);
    const printed: string[] = [];
    const options = { endpoint, json: false, note: () => undefined };
    const code = await policyCommand(['diff', 'policy/policy.yaml'], options, (text) => void printed.push(text));
    expect([code, printed]).toEqual([4, ['new rules[0]: [31mno']]);
  });

  it.each([
    ['another policy is deployed meanwhile', { policies: { before: 'c', after: 'b' } as never }, 'POLICY_CHANGED'],
    ['the answers do not come to an end', { after: from('x') }, 'REFUSED'],
  ])('gives up where %s', async (_, second, code) => {
    await expect(run([{ after: from('x') }, second])).rejects.toMatchObject({ code });
  });
});

/** What a deployment that explains one artifact answers. */
async function explained(answer: object): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const server = createServer((_, response) => void response.end(JSON.stringify(answer)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const printed: string[] = [];
  const code = await explainPolicy(`${HOST}/app:v1`, { endpoint, json: false }, (text) => void printed.push(text));
  return { code, lines: printed.join('\n').split('\n') };
}

describe('an explanation on the command line', () => {
  const BASE = {
    ...{ reference: `${HOST}/app@sha256:0`, policy: 'sha256:1', verdict: 'fail', recorded: 'fail', reasons: [] },
    rule: { ...PASS.rule, passedOver: [], passedOverMore: 0 },
    ...{ conditions: [], platforms: [], deadline: '2026-01-01T00:30:00.000Z', waitUntil: null, release: null },
    ...{ because: 'push', action: 'lock', withheld: null, effect: 'none', mode: 'enforce' },
    enforcement: { state: 'none' },
  } satisfies Omit<Explanation, 'reference' | 'policy'> & { reference: string; policy: string };

  it.each([
    [
      'reserved',
      { withheld: { because: 'reserved' } },
      'the repository is reserved: Lazaret or the cluster depends on it',
    ],
    ['existing', { withheld: { because: 'existing' } }, 'it is older than this installation'],
    ['change', { withheld: { because: 'change', until: '2026-02-01' } }, 'until 2026-02-01: it has passed before'],
    [
      'brake',
      { enforcement: { state: 'withheld', withheld: { because: 'brake' } } },
      'the brake is on; see lazaret brake',
    ],
    ['observe', { enforcement: { state: 'withheld', withheld: { because: 'observe' } } }, 'enforcement is off'],
  ])('says what withholds an action: %s', async (_, changes, why) => {
    expect((await explained({ ...BASE, ...changes })).lines).toContain(`  withheld     ${why}`);
  });

  it.each([
    ['pass', 0],
    ['fail', 1],
    ['inconclusive', 2],
    ['pending', 2],
  ])('exits for %s with %i, and tells what is recorded where it differs', async (verdict, code) => {
    const found = await explained({ ...BASE, verdict, recorded: 'unknown' });
    expect([found.code, found.lines.some((line) => line.startsWith('  recorded     unknown'))]).toEqual([code, true]);
  });

  it('obeys nothing that a deployment sends to a terminal, and shortens what is long', async () => {
    const hostile = '\u001b[31mred\u202e';
    const finding = { id: hostile, severity: 'HIGH', package: hostile, installed: hostile, target: '' };
    const passedOver = Array.from({ length: 12 }, (_, index) => ({
      ...{ index, registry: hostile, repository: hostile, because: 'registry' },
    }));
    const { lines } = await explained({
      ...BASE,
      ...{ reference: hostile, policy: hostile, deadline: hostile, reasons: [{ code: hostile, message: hostile }] },
      rule: { ...BASE.rule, repository: hostile, passedOver, passedOverMore: 3 },
      conditions: [
        {
          ...{ name: 'vulnerabilities.fail', asks: hostile, says: 'fail', reasons: [], signature: null },
          findings: { total: 40, list: [finding] },
        },
      ],
      platforms: [{ platform: hostile, digest: hostile, verdict: hostile }],
      release: { by: hostile, reason: hostile, at: hostile },
      enforcement: { state: hostile },
    });
    expect(lines.join('\n')).not.toMatch(/[\u001b\u202e]/);
    expect(lines).toContain('  no match     and 5 more');
    expect(lines).toContain('    and 39 more; see lazaret status');
  });
});
