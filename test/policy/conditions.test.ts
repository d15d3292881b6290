import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { type Condition, opinionOf, worst } from '../../shared/policy/condition.js';
import { evaluateConditions } from '../../shared/policy/evaluate.js';
import type { Evidence, Verdict } from '../../shared/policy/evidence.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import type { Policy } from '../../shared/policy/policy.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const MINUTE = 60_000;
const ago = (minutes: number) => new Date(NOW.getTime() - minutes * MINUTE);

function policy(...lines: readonly string[]): Policy {
  const rule = ['  - repository: "**"', ...lines.map((line) => `    ${line}`)].join('\n');
  return { ...parsePolicy(`version: 1\nrules:\n${rule}`), digest: digestOf(rule), trust: digestOf('keys') };
}

const finding = (id: string, severity: 'CRITICAL' | 'HIGH', fixed?: string) => ({
  ...{ id, severity, package: 'openssl', installed: '1', target: 'os' },
  ...(fixed !== undefined && { fixed }),
});
const report = { findings: [], secrets: [], packages: 1, scannerVersion: '0', os: undefined };
type Report = Extract<Evidence['scan'], { state: 'done' }>['report'];
const scanned = (changes: object) =>
  ({ state: 'done', report: { ...report, ...changes } as unknown as Report }) as const;

function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    key: parseKey({ registry: 'team.azurecr.io', repository: 'app', digest: digestOf('x') }),
    kind: 'image',
    firstSeenAt: ago(1),
    scan: scanned({}),
    signature: { state: 'done', outcome: 'not-required', code: 'SIGNATURE_NOT_REQUIRED', message: '' },
    coveredByIndex: false,
    children: [],
    hasPassed: false,
    existing: false,
    reserved: false,
    ...changes,
  };
}

const conditionsOf = (given: Evidence, under: Policy) => {
  const { content, signature } = evaluateConditions(given, under, NOW).conditions;
  return [...content, signature];
};
const named = (name: Condition['name'], given: Evidence, under: Policy) =>
  conditionsOf(given, under).find((each) => each.name === name);

describe('a condition', () => {
  const oldSystem = { os: { family: 'alpine', name: '3.10', endOfLife: true } };
  const aSecret = { secrets: [{ rule: 'k', path: 'p', severity: 'HIGH' }] };
  const failed = { scan: { state: 'failed', code: 'LAYER_UNREADABLE', message: '' } } as const;
  const pending = { scan: { state: 'pending' } } as const;
  it.each([
    ['unscannable', {}, '', 'pass', 'inconclusive'],
    ['unscannable', pending, '', 'pending', 'inconclusive'],
    ['unscannable', failed, '', 'inconclusive', 'inconclusive'],
    ['unscannable', failed, 'unscannable: fail', 'fail', 'fail'],
    ['secrets', {}, '', 'pass', 'fail'],
    ['secrets', { scan: scanned(aSecret) }, '', 'fail', 'fail'],
    ['secrets', { scan: scanned(aSecret) }, 'secrets: accept', 'off', 'accept'],
    ['secrets', pending, '', 'unknown', 'fail'],
    ['secrets', failed, '', 'unknown', 'fail'],
    ['unrecognised', { scan: scanned({ packages: 0 }) }, '', 'inconclusive', 'inconclusive'],
    ['unrecognised', { scan: scanned({ packages: 0 }) }, 'unrecognised: fail', 'fail', 'fail'],
    ['unrecognised', { scan: scanned({ packages: 0 }) }, 'unrecognised: accept', 'off', 'accept'],
    ['endOfLife', {}, '', 'pass', 'fail'],
    ['endOfLife', { scan: scanned(oldSystem) }, '', 'fail', 'fail'],
    ['endOfLife', { scan: scanned(oldSystem) }, 'endOfLife: inconclusive', 'inconclusive', 'inconclusive'],
    ['endOfLife', { scan: scanned(oldSystem) }, 'endOfLife: accept', 'off', 'accept'],
    ['vulnerabilities.fail', {}, '', 'off', undefined],
    ['vulnerabilities.fail', {}, 'vulnerabilities: { fail: HIGH }', 'pass', 'HIGH'],
    ['vulnerabilities.failFixable', failed, 'vulnerabilities: { failFixable: HIGH }', 'unknown', 'HIGH'],
  ] as const)('%s, of %j under %j, is %s', (name, changes, line, says, asks) => {
    const found = named(name, evidence(changes), policy(...(line === '' ? ['onPush: mark'] : [line])));
    expect([found?.says, found?.asks]).toEqual([says, asks]);
  });

  it('of vulnerabilities lists what reaches its own threshold, and both tell one reason once', () => {
    const findings = [finding('A', 'CRITICAL', '2'), finding('B', 'CRITICAL'), finding('C', 'HIGH', '2')];
    const under = policy('vulnerabilities: { fail: CRITICAL, failFixable: HIGH }');
    const given = evidence({ scan: scanned({ findings: [...findings, finding('D', 'HIGH')] }) });
    const ids = (name: Condition['name']) => named(name, given, under)?.findings?.map(({ id }) => id);
    expect([ids('vulnerabilities.fail'), ids('vulnerabilities.failFixable')]).toEqual([
      ['A', 'B'],
      ['A', 'C'],
    ]);
    const { decision } = evaluateConditions(given, under, NOW);
    const message = "2 CRITICAL, 1 HIGH at or above the policy's threshold; 2 with a fix.";
    expect([decision.reasons, decision.crossing]).toEqual([[{ code: 'VULNERABILITIES', message }], ['A', 'B', 'C']]);
  });

  const asks = policy('signature: { require: any, cosign: { keys: [a.pub, b.pub] }, grace: 15m }');
  const done = (outcome: 'verified' | 'missing' | 'untrusted' | 'inconclusive' | 'not-required') =>
    ({ state: 'done', outcome, code: 'C', message: '' }) as const;
  it.each([
    ['off', {}, { outcome: 'not-required', code: 'SIGNATURE_NOT_REQUIRED' }, policy('onPush: mark')],
    ['pending', { signature: { state: 'pending' } }, { outcome: 'pending' }, policy('onPush: mark')],
    ['pass', { signature: done('verified') }, { outcome: 'verified', code: 'C' }, asks],
    ['pass', { signature: done('missing'), coveredByIndex: true }, { outcome: 'missing', byIndex: true }, asks],
    ['pending', { signature: done('missing') }, { outcome: 'missing', inGrace: true }, asks],
    ['fail', { signature: done('missing'), firstSeenAt: ago(15) }, { outcome: 'missing', inGrace: false }, asks],
    ['fail', { signature: done('untrusted'), firstSeenAt: ago(60) }, { outcome: 'untrusted', code: 'C' }, asks],
    ['inconclusive', { signature: done('inconclusive') }, { outcome: 'inconclusive' }, asks],
    ['pending', { signature: done('not-required') }, { outcome: 'pending' }, asks],
  ] as const)('of a signature is %s for %j', (says, changes, expected, under) => {
    const found = named('signature', evidence(changes), under);
    expect(found).toMatchObject({ says, signature: expected });
    if (under !== asks) return;
    expect(found?.signature?.signers).toEqual(['a.pub', 'b.pub']);
    const { firstSeenAt = ago(1) }: Partial<Evidence> = changes;
    expect(found?.signature?.graceEnd).toEqual(new Date(firstSeenAt.getTime() + 15 * MINUTE));
  });

  it.each([
    [['pass'], 'pass', undefined],
    [['pass', 'fail'], 'fail', undefined],
    [['fail', 'pending'], 'pending', 'fail'],
    [['inconclusive', 'pending'], 'pending', 'inconclusive'],
    [[], 'inconclusive', undefined],
  ] as const)('of platforms that are %j is %s', (verdicts: readonly Verdict[], says, atDeadline) => {
    const children = verdicts.map((verdict, i) => ({ digest: digestOf(String(i)), platform: `linux/${i}`, verdict }));
    const found = conditionsOf(evidence({ kind: 'index', children }), policy('onPush: lock'));
    expect(found.map(({ name }) => name)).toEqual(['platforms', 'signature']);
    expect([found[0]?.says, found[0]?.atDeadline]).toEqual([says, atDeadline]);
  });

  it('says until when results are waited for', () => {
    const { deadline } = evaluateConditions(evidence(), policy('onPush: lock'), NOW).conditions;
    expect(deadline).toEqual(new Date(ago(1).getTime() + 30 * MINUTE));
  });
});

describe('what conditions come to', () => {
  it('is never a pass for want of any', () => {
    expect([opinionOf([]).says, worst([]).says]).toEqual(['inconclusive', 'inconclusive']);
    expect(opinionOf([{ name: 'secrets', says: 'unknown', reasons: [] }]).says).toBe('inconclusive');
  });

  it('is a pass only where each of them passes, or is not asked', () => {
    const says = fc.constantFrom<Condition['says']>('pass', 'fail', 'inconclusive', 'pending', 'off', 'unknown');
    fc.assert(
      fc.property(fc.array(says, { minLength: 1 }), (all) => {
        const conditions = all.map((each): Condition => ({ name: 'secrets', says: each, reasons: [] }));
        if (opinionOf(conditions).says !== 'pass') return;
        expect(all.some((each) => ['fail', 'inconclusive', 'pending'].includes(each))).toBe(false);
        expect(all.some((each) => each === 'pass' || each === 'off')).toBe(true);
      }),
    );
  });
});
