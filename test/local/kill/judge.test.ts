import { describe, expect, it } from 'vitest';
import type { Done } from '../../../local/kill/director.js';
import { type Card, type Expected, type Found, judge } from '../../../local/kill/judge.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const expected: Expected = {
  ...{ name: '1 bad', repository: 'shop/p1', digest: DIGEST, verdict: 'fail', reasons: ['SECRETS'] },
  ...{ served: false, tags: { v1: undefined }, marks: 'both', cards: ['Failed'] },
};
const found: Found = {
  ...{ verdict: 'fail', settled: true, reasons: ['SECRETS'], byDigest: 405 },
  byTag: { v1: { status: 404, digest: null } },
  marks: ['application/vnd.cyclonedx+json', 'application/sarif+json'],
};
const card = (at: number, headline = 'Failed', digest: string | undefined = DIGEST): Card => ({ at, headline, digest });
const codesOf = (change: Partial<Found>, cards: readonly Card[] = [card(0)], done: readonly Done[] = []) =>
  judge([{ expected, found: { ...found, ...change } }], cards, done).complaints.map(
    ({ kind, code }) => `${kind} ${code}`,
  );

describe('the judge of the kills', () => {
  it('has nothing to say of what is as it should be', () => {
    expect(codesOf({})).toEqual([]);
  });

  it.each<[string, Partial<Found>]>([
    ['lost NO_VERDICT', { verdict: 'pending' }],
    ['lost NO_VERDICT', { settled: false }],
    ['wrong VERDICT', { verdict: 'pass' }],
    ['wrong VERDICT', { reasons: [] }],
    ['wrong PULL_BY_DIGEST', { byDigest: 200 }],
    ['wrong PULL_BY_TAG', { byTag: { v1: { status: 200, digest: DIGEST } } }],
    ['wrong PULL_BY_TAG', { byTag: {} }],
    ['wrong MARKS', { marks: ['application/sarif+json'] }],
    ['wrong MARKS', { marks: [...found.marks, 'application/sarif+json'] }],
  ])('says %s of %j', (complaint, change) => {
    expect(codesOf(change)).toEqual([complaint]);
  });

  it('says that a card is missing, unexpected, or about nothing that was pushed', () => {
    expect(codesOf({}, [])).toEqual(['wrong CARDS']);
    expect(codesOf({}, [card(0), card(1, 'Released')])).toEqual(['wrong CARDS']);
    expect(codesOf({}, [card(0), card(1, 'Failed', `sha256:${'b'.repeat(64)}`)])).toEqual(['wrong CARD_UNEXPECTED']);
  });

  it('takes a card that comes twice for a fault, unless its sender died before that was recorded', () => {
    const kill = (from: number): Done => ({ deed: 'kill worker', moment: 'inbox: card taken', from, until: from });
    const twice = [card(1000), card(9000)];
    expect(codesOf({}, twice)).toEqual(['wrong CARDS']);
    expect(codesOf({}, twice, [kill(499)])).toEqual(['wrong CARDS']);
    // The card was on its way when its sender died.
    expect(codesOf({}, twice, [kill(900)])).toEqual([]);
    expect(codesOf({}, twice, [kill(5000)])).toEqual(['wrong CARDS']);
    expect(codesOf({}, twice, [{ ...kill(1001), deed: 'kill job' }])).toEqual(['wrong CARDS']);
    const { complaints, duplicates } = judge([{ expected, found }], twice, [kill(1001)]);
    expect(complaints).toEqual([]);
    expect(duplicates).toEqual([{ subject: '1 bad: Failed', because: 'kill worker at "inbox: card taken"' }]);
  });
});
