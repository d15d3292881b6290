import { describe, expect, it } from 'vitest';
import { spanOf } from '../../cli/span.js';

describe('a time that has passed', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600, '1 h 0 min'],
    [86_399, '23 h 59 min'],
    [86_400, '1 d 0 h'],
    [1_000_000, '11 d 13 h'],
  ])('of %i seconds is %s', (seconds, text) => {
    expect(spanOf(seconds)).toBe(text);
  });
});
