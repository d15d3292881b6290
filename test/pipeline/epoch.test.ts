import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { type EpochState, begun, createEpochs, recentChanges } from '../../shared/pipeline/epoch.js';
import { createLine, onePolicy } from '../support/line.js';

const at = (minutes: number) => new Date(Date.UTC(2026, 5, 1, 12, minutes));
const POLICY = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock');

describe('epochs', () => {
  it('begin with another value, and not with the same one', () => {
    const first = begun(undefined, { kind: 'policy', to: 'a', now: at(0) });
    expect(begun(first, { kind: 'policy', to: 'a', now: at(1) })).toBe(first);
    const second = begun(first, { kind: 'policy', to: 'b', now: at(2) });
    expect(second.epochs.at(-1)).toEqual({ kind: 'policy', from: 'a', to: 'b', at: at(2).toISOString() });
    // Back again is a change as well.
    expect(begun(second, { kind: 'policy', to: 'a', now: at(3) }).epochs).toHaveLength(3);
  });

  it('keep what is in force, however much of another kind has changed since', () => {
    let state: EpochState | undefined = begun(undefined, { kind: 'policy', to: 'p', now: at(0) });
    for (let i = 0; i < 500; i++) state = begun(state, { kind: 'database', to: `d${i}`, now: at(i) });
    expect(state.epochs.length).toBeLessThanOrEqual(101);
    expect(begun(state, { kind: 'policy', to: 'p', now: at(600) })).toBe(state);
    expect(state.epochs.at(-1)?.to).toBe('d499');
  });

  it('tell what has changed in two days, newest first, and not what was there at first', () => {
    let state = begun(undefined, { kind: 'policy', to: 'p', now: at(0) });
    state = begun(state, { kind: 'scanner', to: '1', now: at(1) });
    state = begun(state, { kind: 'policy', to: 'q', now: at(2) });
    state = begun(state, { kind: 'scanner', to: '2', now: at(3) });
    expect(recentChanges(state, at(4)).map(({ to }) => to)).toEqual(['2', 'q']);
    expect(recentChanges(state, at(49 * 60))).toEqual([]);
  });

  it('ask the ledger about news alone', async () => {
    let asked = 0;
    let state: EpochState | undefined;
    const lines: string[] = [];
    const epochs = createEpochs({
      clock: () => at(asked),
      journal: ({ what }) => Promise.resolve(void lines.push(what)),
      ledger: {
        updateEpochs: (change) => {
          asked += 1;
          return Promise.resolve((state = change(state)));
        },
      },
    });
    for (const value of ['a', 'a', 'b', 'b']) await epochs('database', value);
    expect([asked, lines]).toEqual([2, ['epoch-database']]);
  });
});

describe('the line', () => {
  it('remembers which database, scanner and policy were in force, and since when', async () => {
    const line = await createLine(POLICY);
    const push = async (name: string) => {
      await line.registry.push(await sample.imageOf([{ path: 'name', content: name }]), 'app', { tag: name });
      await line.settle();
    };
    await push('one');
    await line.app.reconcile();
    line.database.digest = 'sha256:newer';
    line.clock.advance(60_000);
    await push('two');
    line.redeploy({ policyText: `${POLICY}\n# edited` });
    await line.app.reconcile();
    const answer = await line.app.brake({
      headers: new Headers({ 'x-lazaret-caller': 'ann' }),
      query: new URLSearchParams(),
      text: () => Promise.resolve(''),
    });
    expect(answer.body).toMatchObject({
      changes: [{ kind: 'policy' }, { kind: 'database', from: 'sha256:db', to: 'sha256:newer' }],
    });
  });
});
