import { describe, expect, it } from 'vitest';
import type { FixtureCase } from '../../local/oracle/case.js';
import { compare } from '../../local/oracle/compare.js';

const fixture: FixtureCase = {
  name: 'example',
  description: '',
  made: [],
  image: '',
  tool: 'notation',
  verify: {},
  expected: 'pass',
  official: 'pass',
};
const says = <T extends string>(verdict: T) => ({ verdict, message: '' });

describe('what two answers come to', () => {
  it.each([
    ['', 'pass', 'pass', 'agree'],
    ['', 'fail', 'pass', 'DISAGREE'],
    ['', 'unasked', 'pass', 'unasked'],
    ['', 'pass', 'fail', 'DISAGREE'],
    ['example', 'pass', 'pass', 'agree'],
    ['example', 'fail', 'fail', 'agree'],
    ['example', 'inconclusive', 'fail', 'agree'],
    ['example', 'fail', 'pass', 'DISAGREE'],
    ['example', 'inconclusive', 'pass', 'DISAGREE'],
    ['example', 'pass', 'fail', 'BREACH'],
    ['header b64 false', 'fail', 'pass', 'stricter'],
    ['header b64 false', 'pass', 'fail', 'BREACH'],
  ] as const)('mutation "%s", ours %s, the tool %s: %s', (mutation, ours, official, outcome) => {
    const found = compare(fixture, mutation, { ours: says(ours), official: says(official) });
    expect(found.outcome).toBe(outcome);
  });

  it('is a breach where a fixture that has to fail passes', () => {
    const bad: FixtureCase = { ...fixture, expected: 'fail', official: 'fail' };
    expect(compare(bad, '', { ours: says('pass'), official: says('fail') }).outcome).toBe('BREACH');
  });

  it('is documented where a fixture says why it differs', () => {
    const odd: FixtureCase = { ...fixture, official: 'fail', why: 'because' };
    const found = compare(odd, '', { ours: says('pass'), official: says('fail') });
    expect(found).toMatchObject({ outcome: 'documented', reason: 'because' });
  });
});
