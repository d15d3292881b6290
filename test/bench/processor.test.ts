import { describe, expect, it } from 'vitest';
import { parsePeakMemory, parseProcessorTime } from '../../bench/signatures/processor.js';

const FIELDS = 'S 1 2 3 0 -1 4194560 100 200 0 0 7 5 30 12 20 0 1 0 100 1000 10';

describe('the processor time of a process', () => {
  it('is told in milliseconds, its own and that of its children', () => {
    expect(parseProcessorTime(`42 (node) ${FIELDS}`)).toEqual({ own: 120, children: 420 });
  });
  it('is found whatever the program is called', () => {
    expect(parseProcessorTime(`42 (a) S 1 (b)) ${FIELDS}`)).toEqual({ own: 120, children: 420 });
  });
  it('is refused where the line is cut', () => {
    expect(() => parseProcessorTime('42 (node) S 1 2')).toThrow('no line');
  });
});

describe('the peak of a process’s memory', () => {
  it('is told in bytes', () => {
    expect(parsePeakMemory('Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t    100 kB\nVmRSS:\t   80 kB\n')).toBe(102_400);
  });
  it('is refused where it is not told', () => {
    expect(() => parsePeakMemory('Name:\tnode\n')).toThrow('no /proc');
  });
});
