import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import type { Decision } from '../../shared/policy/decision.js';
import type { Evidence, Verdict } from '../../shared/policy/evidence.js';
import { evaluate } from '../../shared/policy/evaluate.js';
import type { Attributes, ObservedArtifact } from '../../shared/policy/operation.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { type PlanHistory, plan } from '../../shared/policy/plan.js';
import type { Policy } from '../../shared/policy/policy.js';
import type { Finding } from '../../shared/vulnerability/finding.js';
import { SEVERITIES, type Severity } from '../../shared/vulnerability/severity.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const KEY = parseKey({ registry: 'team.azurecr.io', repository: 'app', digest: digestOf('x') });
const MINUTE = 60_000;

function policy(rule: string): Policy {
  return {
    ...parsePolicy(
      `version: 1\nrules:\n  - repository: "**"\n${rule
        .split('\n')
        .map((line) => `    ${line}`)
        .join('\n')}`,
    ),
    digest: digestOf(rule),
    trust: digestOf('keys'),
  };
}

const finding = (severity: Severity, fixed?: string): Finding => ({
  id: `CVE-${severity}`,
  package: 'openssl',
  installed: '1',
  severity,
  target: 'os',
  ...(fixed !== undefined && { fixed }),
});

function evidence(changes: Partial<Evidence> & { readonly findings?: readonly Finding[] } = {}): Evidence {
  const { findings = [], ...rest } = changes;
  return {
    key: KEY,
    kind: 'image',
    firstSeenAt: new Date(NOW.getTime() - MINUTE),
    scan: {
      state: 'done',
      report: {
        findings,
        secrets: [],
        os: { family: 'debian', name: '12', endOfLife: false },
        packages: 3,
        scannerVersion: '0.74.0',
      },
    },
    signature: { state: 'done', outcome: 'not-required', code: 'X', message: '' },
    coveredByIndex: false,
    children: [],
    hasPassed: false,
    existing: false,
    reserved: false,
    ...rest,
  };
}

const codes = ({ reasons }: Decision) => reasons.map(({ code }) => code);
const SIGNED =
  'signature: { require: any, cosign: { keys: [a.pub] }, grace: 15m }\nvulnerabilities: { fail: CRITICAL }\nonPush: lock';
const missing = { state: 'done', outcome: 'missing', code: 'SIGNATURE_MISSING', message: '' } as const;
const verified = { state: 'done', outcome: 'verified', code: 'SIGNATURE_VERIFIED', message: '' } as const;
const pendingSignature = { state: 'pending' } as const;

describe('severity thresholds', () => {
  const rule = policy('vulnerabilities: { fail: CRITICAL, failFixable: HIGH }');
  it.each([
    [[], 'pass'],
    [[finding('HIGH')], 'pass'],
    [[finding('HIGH', '2')], 'fail'],
    [[finding('CRITICAL')], 'fail'],
    [[finding('UNKNOWN', '2')], 'pass'],
    [[finding('MEDIUM', '2'), finding('LOW')], 'pass'],
  ] as const)('%j: %s', (findings, verdict) => {
    expect(evaluate(evidence({ findings }), rule, NOW).verdict).toBe(verdict);
  });
});

describe('what the scanner cannot judge', () => {
  const scan = (changes: object) =>
    ({ state: 'done', report: { findings: [], secrets: [], packages: 0, scannerVersion: '', ...changes } }) as const;
  it.each([
    ['nothing recognised', scan({}), 'inconclusive', ['UNRECOGNISED']],
    ['packages without a system', scan({ packages: 2 }), 'pass', []],
    [
      'a system without a single package',
      scan({ os: { family: 'debian', name: '12', endOfLife: false } }),
      'inconclusive',
      ['UNRECOGNISED'],
    ],
    [
      'end of life',
      scan({ packages: 1, os: { family: 'alpine', name: '3.10', endOfLife: true } }),
      'fail',
      ['END_OF_LIFE'],
    ],
    ['a secret', scan({ packages: 1, secrets: [{ rule: 'k', path: 'p', severity: 'HIGH' }] }), 'fail', ['SECRETS']],
    [
      'a scan that failed',
      { state: 'failed', code: 'LAYER_UNREADABLE', message: '' } as const,
      'inconclusive',
      ['LAYER_UNREADABLE'],
    ],
  ] as const)('%s', (_, state, verdict, reasons) => {
    const decision = evaluate(evidence({ scan: state }), policy('vulnerabilities: { fail: CRITICAL }'), NOW);
    expect([decision.verdict, codes(decision)]).toEqual([verdict, reasons]);
  });
  it('may be accepted by the policy, but for a scan that failed', () => {
    const lenient = policy('unrecognised: accept\nendOfLife: accept\nunscannable: fail');
    expect(evaluate(evidence({ scan: scan({}) }), lenient, NOW).verdict).toBe('pass');
    expect(evaluate(evidence({ scan: { state: 'failed', code: 'X', message: '' } }), lenient, NOW).verdict).toBe(
      'fail',
    );
  });
});

describe('waiting', () => {
  const at = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE);
  const rule = policy(SIGNED);
  it.each([
    ['neither result is in', evidence({ scan: { state: 'pending' }, signature: pendingSignature }), 0, 'pending'],
    [
      'the scan fails and the verification is not done',
      evidence({ findings: [finding('CRITICAL')], signature: pendingSignature }),
      0,
      'pending',
    ],
    [
      'the scan fails and the signature may still come',
      evidence({ findings: [finding('CRITICAL')], signature: missing }),
      0,
      'fail',
    ],
    ['only the signature is missing, within the grace', evidence({ signature: missing }), 0, 'pending'],
    ['only the signature is missing, after the grace', evidence({ signature: missing }), 15, 'fail'],
    [
      'an untrusted signature, within the grace',
      evidence({ signature: { ...missing, outcome: 'untrusted' } }),
      0,
      'pending',
    ],
    ['the scan never ends', evidence({ scan: { state: 'pending' }, signature: verified }), 30, 'inconclusive'],
    [
      'the verification never ends and the scan fails',
      evidence({ findings: [finding('CRITICAL')], signature: pendingSignature }),
      30,
      'fail',
    ],
    ['the verification never ends', evidence({ signature: pendingSignature }), 30, 'inconclusive'],
    [
      'the signature cannot be judged',
      evidence({ signature: { ...missing, outcome: 'inconclusive' } }),
      0,
      'inconclusive',
    ],
    ['an index that holds it is signed', evidence({ signature: missing, coveredByIndex: true }), 0, 'pass'],
    ['it is signed', evidence({ signature: verified }), 0, 'pass'],
    ['it was verified when nothing was asked', evidence(), 0, 'pending'],
  ] as const)('when %s', (_, given, minutes, verdict) => {
    expect(evaluate(given, rule, at(minutes)).verdict).toBe(verdict);
  });
  it('says when to look again', () => {
    expect(evaluate(evidence({ signature: missing }), rule, NOW).waitUntil).toBe(at(14).toISOString());
    expect(evaluate(evidence({ scan: { state: 'pending' }, signature: verified }), rule, NOW).waitUntil).toBe(
      at(29).toISOString(),
    );
  });
});

describe('an index', () => {
  const index = (...verdicts: readonly Verdict[]) =>
    evidence({
      kind: 'index',
      children: verdicts.map((verdict, i) => ({ digest: digestOf(String(i)), platform: `linux/${i}`, verdict })),
    });
  const rule = policy('onPush: lock');
  it.each([
    [index('pass', 'pass'), 'pass'],
    [index('pass', 'fail'), 'fail'],
    [index('pass', 'inconclusive'), 'inconclusive'],
    [index('fail', 'inconclusive'), 'fail'],
    [index('fail', 'pending'), 'pending'],
    [index(), 'inconclusive'],
  ] as const)('%#', (given, verdict) => expect(evaluate(given, rule, NOW).verdict).toBe(verdict));

  it.each([
    [index('fail', 'pending'), 'fail'],
    [index('pass', 'pending'), 'inconclusive'],
    [index('inconclusive', 'pending'), 'inconclusive'],
  ] as const)('that waits for a platform no longer: %#', (given, verdict) => {
    const late = new Date(NOW.getTime() + 365 * 24 * 3_600_000);
    expect(evaluate(given, rule, late).verdict).toBe(verdict);
  });
});

describe('push and change', () => {
  const RULE = 'vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag\nonChange: { enforce: lock, after: 72h }';
  const passed = { hasPassed: true, findings: [finding('CRITICAL')] };
  const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 60 * MINUTE);

  it('what has once passed is to be locked only when its time is over', () => {
    const failingSince = hoursAgo(71);
    const until = new Date(failingSince.getTime() + 72 * 60 * MINUTE).toISOString();
    const decide = (changes: Partial<Evidence>, now = NOW) =>
      evaluate(evidence({ ...passed, ...changes }), policy(RULE), now);
    const base = { verdict: 'fail', because: 'change', action: 'lock' } as const;
    const first = new Date(NOW.getTime() + 72 * 60 * MINUTE).toISOString();
    expect(decide({})).toMatchObject({ ...base, withheld: { because: 'change', until: first } });
    expect(decide({ failingSince })).toMatchObject({ ...base, withheld: { because: 'change', until } });
    const due = decide({ failingSince }, new Date(until));
    expect(due).toMatchObject(base);
    expect(due.withheld).toBeUndefined();
  });
  it('what has once passed is never to be locked because we cannot tell any more, however long that lasts', () => {
    const scan = { state: 'failed', code: 'SCAN_FAILED', message: '' } as const;
    const decision = evaluate(evidence({ hasPassed: true, failingSince: hoursAgo(1000), scan }), policy(RULE), NOW);
    expect(decision).toMatchObject({ verdict: 'inconclusive', action: 'mark' });
  });
  it('what has once passed is only marked where the rule says nothing of changes', () => {
    const rule = policy('vulnerabilities: { fail: CRITICAL }\nonPush: lock-and-untag');
    expect(evaluate(evidence({ ...passed, failingSince: hoursAgo(1000) }), rule, NOW)).toMatchObject({
      verdict: 'fail',
      action: 'mark',
    });
  });
  it('what Lazaret or the cluster lives on is never touched', () => {
    const found = { reserved: true, findings: [finding('CRITICAL')] };
    for (const changes of [{}, { hasPassed: true, failingSince: hoursAgo(1000) }, { existing: true }]) {
      const decision = evaluate(evidence({ ...found, ...changes }), { ...policy(RULE), existing: 'enforce' }, NOW);
      expect(decision).toMatchObject({ verdict: 'fail', withheld: { because: 'reserved' } });
    }
  });
  it.each([
    ['observe', { action: 'lock-and-untag', withheld: { because: 'existing' } }],
    ['mark', { action: 'mark' }],
    ['enforce', { action: 'lock-and-untag' }],
  ] as const)('what was there before, under `existing: %s`', (existing, expected) => {
    const found = { existing: true, findings: [finding('CRITICAL')] };
    const { action, withheld } = evaluate(evidence(found), { ...policy(RULE), existing }, NOW);
    expect({ action, ...(withheld && { withheld }) }).toEqual(expected);
    const changed = { ...found, hasPassed: true, failingSince: hoursAgo(1000) };
    const later = evaluate(evidence(changed), { ...policy(RULE), existing }, NOW);
    expect(later.withheld ?? later.action).toEqual(
      existing === 'observe' ? { because: 'existing' } : existing === 'mark' ? 'mark' : 'lock',
    );
  });
});

const HARDNESS: Readonly<Record<Verdict, number>> = { pass: 0, pending: 1, inconclusive: 2, fail: 3 };

describe('laws', () => {
  const anyFinding = fc
    .record({ severity: fc.constantFrom(...SEVERITIES), fixable: fc.boolean() })
    .map(({ severity, fixable }) => finding(severity, fixable ? '2' : undefined));
  const anyRule = fc.record({ fail: fc.constantFrom(...SEVERITIES), failFixable: fc.constantFrom(...SEVERITIES) });

  it('more findings never make a verdict milder', () => {
    fc.assert(
      fc.property(fc.array(anyFinding), fc.array(anyFinding), anyRule, (few, more, { fail, failFixable }) => {
        const rule = policy(`vulnerabilities: { fail: ${fail}, failFixable: ${failFixable} }`);
        const before = evaluate(evidence({ findings: few }), rule, NOW).verdict;
        const after = evaluate(evidence({ findings: [...few, ...more] }), rule, NOW).verdict;
        expect(HARDNESS[after]).toBeGreaterThanOrEqual(HARDNESS[before]);
      }),
    );
  });

  it('nothing but complete, good evidence is a pass', () => {
    const scans = fc.constantFrom<Evidence['scan']>(
      { state: 'pending' },
      { state: 'failed', code: 'X', message: '' },
      evidence().scan,
    );
    const outcomes = ['verified', 'missing', 'untrusted', 'inconclusive', 'not-required'] as const;
    const signatures = fc.constantFrom<Evidence['signature']>(
      pendingSignature,
      ...outcomes.map((outcome) => ({ ...missing, outcome })),
    );
    fc.assert(
      fc.property(
        scans,
        signatures,
        fc.boolean(),
        fc.integer({ min: 0, max: 100 }),
        (scan, signature, coveredByIndex, minutes) => {
          const given = evidence({ signature, coveredByIndex, ...(scan && { scan }) });
          const { verdict } = evaluate(given, policy(SIGNED), new Date(NOW.getTime() + minutes * MINUTE));
          if (verdict !== 'pass') return;
          expect(scan?.state).toBe('done');
          expect(signature.state).toBe('done');
          expect(coveredByIndex || (signature.state === 'done' && signature.outcome === 'verified')).toBe(true);
        },
      ),
    );
  });
});

describe('plans', () => {
  const OPEN: Attributes = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
  const SHUT = { ...OPEN, readEnabled: false, deleteEnabled: false };
  const tags = (...names: readonly string[]) => names as unknown as ObservedArtifact['tags'];
  const none: PlanHistory = { released: false, overtaken: [], refused: [] };
  const fails = (action: Decision['action']): Decision => ({
    verdict: 'fail',
    reasons: [],
    action,
    because: 'push',
    policy: digestOf(''),
    trust: digestOf('keys'),
    rule: 0,
    crossing: [],
  });
  const passes: Decision = { ...fails('mark'), verdict: 'pass' };
  const record = { attributes: OPEN, tags: tags('v1', 'v2') };
  const names = (operations: readonly { readonly kind: string }[]) =>
    operations.map((operation) => ('tag' in operation ? `${operation.kind} ${String(operation.tag)}` : operation.kind));

  it.each([
    ['mark', fails('mark'), { attributes: OPEN, tags: tags('v1') }, none, []],
    ['lock', fails('lock'), { attributes: OPEN, tags: tags('v1') }, none, ['lock']],
    ['untag', fails('untag'), { attributes: OPEN, tags: tags('v1', 'v2') }, none, ['untag v1', 'untag v2']],
    ['both, tags first', fails('lock-and-untag'), { attributes: OPEN, tags: tags('v1') }, none, ['untag v1', 'lock']],
    ['what is done already', fails('lock-and-untag'), { attributes: SHUT, tags: [] }, none, []],
    [
      'what the registry refused',
      fails('lock-and-untag'),
      { attributes: OPEN, tags: tags('v1') },
      { ...none, refused: ['untag v1'] },
      ['lock'],
    ],
    ['a pass that was never touched', passes, { attributes: OPEN, tags: tags('v1') }, none, []],
    [
      'a pass after a quarantine',
      passes,
      { attributes: SHUT, tags: tags('v2') },
      { ...none, record },
      ['unlock', 'retag v1'],
    ],
    ["somebody else's lock", passes, { attributes: SHUT, tags: [] }, none, []],
    [
      'a release',
      fails('lock-and-untag'),
      { attributes: SHUT, tags: [] },
      { ...none, record, released: true },
      ['unlock', 'retag v1', 'retag v2'],
    ],
    ['a softer rule', fails('mark'), { attributes: SHUT, tags: [] }, { ...none, record }, []],
    ['an overtaken push', passes, { attributes: OPEN, tags: [] }, { ...none, overtaken: tags('v1') }, ['retag v1']],
    ['waiting', { ...fails('lock'), verdict: 'pending' as const }, { attributes: OPEN, tags: tags('v1') }, none, []],
  ])('%s', (_, decision, observed, history, expected) => {
    expect(names(plan(decision, observed, history))).toEqual(expected);
  });
});
