import { describe, expect, it } from 'vitest';
import { digestOf } from '../../shared/artifact/digest.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import { isSameStanding, standingOf } from '../../shared/pipeline/standing.js';
import type { Decision } from '../../shared/policy/decision.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const LATER = '2026-06-02T12:00:00.000Z';
const policy = {
  ...parsePolicy('version: 1\nrules:\n  - { registry: team.azurecr.io, repository: app }\n  - { repository: "**" }\n'),
  digest: digestOf('policy'),
  trust: digestOf('keys'),
};
const reason = { code: 'VULNERABILITIES', message: '' };
const FAIL: Decision = {
  ...{ verdict: 'fail', reasons: [reason, { ...reason }], action: 'lock', because: 'push' },
  ...{ policy: policy.digest, trust: policy.trust, rule: 0, crossing: [] },
};
const PASS: Decision = { ...FAIL, verdict: 'pass', action: 'mark', reasons: [] };
const MARK: Decision = { ...FAIL, action: 'mark' };
const WAITS: Decision = { ...MARK, verdict: 'pending', waitUntil: LATER };
const RESERVED: Decision = { ...FAIL, withheld: { because: 'reserved' } };
const CHANGE: Decision = { ...FAIL, because: 'change', withheld: { because: 'change', until: LATER } };

const record = {
  attributes: { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true },
  tags: [],
};
const inForce = (state: LedgerEntry['enforcement']['state']) => ({ enforcement: { state, record, operations: [] } });
const NOTHING = { enforcement: { state: 'none', operations: [] } } as const;
const release = (until?: string) => ({ release: { by: 'a', reason: 'b', at: LATER, ...(until && { until }) } });

const standing = (entry: object, decision: Decision) =>
  standingOf({ ...NOTHING, ...entry } as unknown as LedgerEntry, decision, { policy, now: NOW });

describe('how a digest stands', () => {
  it.each([
    ['fails, untouched', NOTHING, FAIL, 'quarantine'],
    ['fails, withheld so far', { enforcement: { state: 'withheld', operations: [] } }, FAIL, 'quarantine'],
    ['fails, and is only marked', NOTHING, MARK, 'none'],
    ['fails, in a reserved repository', NOTHING, RESERVED, 'none'],
    ['fails, and has passed before', NOTHING, CHANGE, 'later'],
    ['fails, quarantined', inForce('quarantined'), FAIL, 'stays'],
    ['fails, half locked', inForce('applying'), MARK, 'stays'],
    ['fails, locked as far as the registry lets us', inForce('refused'), RESERVED, 'stays'],
    ['fails later, quarantined', inForce('quarantined'), CHANGE, 'stays'],
    ['fails, contested', inForce('contested'), FAIL, 'contested'],
    ['fails, after a quarantine that is undone', inForce('released'), FAIL, 'quarantine'],
    ['passes, untouched', NOTHING, PASS, 'none'],
    ['passes, quarantined', inForce('quarantined'), PASS, 'lifts'],
    ['passes, contested', inForce('contested'), PASS, 'lifts'],
    ['waits, untouched', NOTHING, WAITS, 'waits'],
    ['waits, quarantined', inForce('quarantined'), WAITS, 'stays'],
    ['fails, released for good', { ...inForce('released'), ...release() }, FAIL, 'released'],
    ['fails, released for a time', { ...inForce('released'), ...release(LATER) }, FAIL, 'released'],
    ['fails, after a release', { ...inForce('released'), ...release(NOW.toISOString()) }, FAIL, 'quarantine'],
  ])('that %s', (_, entry, decision, effect) => {
    expect(standing(entry, decision).effect).toBe(effect);
  });

  it('says why, each reason once, by which rule, and until when', () => {
    expect(standing(NOTHING, CHANGE)).toEqual({
      ...{ verdict: 'fail', action: 'lock', withheld: 'change', effect: 'later', until: LATER },
      codes: ['VULNERABILITIES'],
      rule: { index: 0, registry: 'team.azurecr.io', repository: 'app' },
    });
    expect(standing(NOTHING, { ...FAIL, rule: 1 }).rule).toEqual({ index: 1, registry: null, repository: '**' });
  });

  it('is the same whenever it happens and for whatever reason, and another one otherwise', () => {
    const other = standing(NOTHING, { ...CHANGE, reasons: [], rule: 1, withheld: { because: 'change', until: 'x' } });
    expect(isSameStanding(standing(NOTHING, CHANGE), other)).toBe(true);
    for (const decision of [FAIL, MARK, PASS, RESERVED, WAITS, { ...CHANGE, action: 'untag' } as const])
      expect(isSameStanding(standing(NOTHING, CHANGE), standing(NOTHING, decision))).toBe(false);
  });
});
