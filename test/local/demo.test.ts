import { describe, expect, it } from 'vitest';
import { cli } from '../support/process.js';

interface DemoResult {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly outcomes: readonly { readonly name: string }[];
}

describe('the demo, with the real Trivy', () => {
  it('ends with every verdict, lock, untag, mark and card as expected', { timeout: 180_000 }, () => {
    const { code, stdout, stderr } = cli('demo', '--json');
    const result = JSON.parse(stdout) as DemoResult;
    expect(result.problems, stderr).toEqual([]);
    expect(result.outcomes.length).toBeGreaterThanOrEqual(15);
    expect(code).toBe(0);
  });
});
