import { describe, expect, it } from 'vitest';
import { classifyCall } from '../../bench/calls/count.js';
import { measurePushes } from '../../bench/calls/scenarios.js';

const costs = new Map((await measurePushes()).map((cost) => [cost.name, cost]));
const costOf = (name: string) => {
  const cost = costs.get(name);
  if (cost === undefined) throw new Error(`no such push: ${name}`);
  return cost;
};
const BOUNDED = [
  ['passes, no signature asked for', 'pass', 'none'],
  ['passes, signed with a Cosign bundle', 'pass', 'none'],
  ['fails, is locked and untagged', 'fail', 'quarantined'],
] as const;

describe('the calls of a registry for one push of a single-platform image', () => {
  it.each(BOUNDED)('are at most eight reads and one list of referrers where it %s', (name, verdict, enforcement) => {
    const { push, marks, ...end } = costOf(name);
    expect(end).toMatchObject({ verdict, enforcement });
    expect(push.read + marks.read).toBeLessThanOrEqual(8);
    expect(push.referrers + marks.referrers).toBeLessThanOrEqual(1);
  });
  it('ask for no list of referrers where no signature is asked for', () => {
    expect(costOf('passes, no signature asked for').push.referrers).toBe(0);
  });
  it('are none for the events of our own marks', () => {
    for (const { marks } of costs.values()) expect(marks).toMatchObject({ read: 0, referrers: 0, write: 0, token: 0 });
  });
  it('are more where a signed image fails, which the table tells', () => {
    const { push, verdict } = costOf('fails although signed, is locked and untagged');
    expect(verdict).toBe('fail');
    expect(push.read).toBe(11);
  });
  it('count a request that nobody has thought of as a fault, and not as nothing', () => {
    expect(() => classifyCall({ method: 'GET', path: '/v2/app/tags/list', status: 200 })).toThrow('nobody counts');
  });
});
