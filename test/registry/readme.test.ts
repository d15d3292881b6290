import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOT_OFFERED, complaints, readOutput } from '../../local/conformance/conformance.js';
import { parseRegistryOptions } from '../../local/registry/options-file.js';
import { DEFAULT_SWITCHES, SWITCHES, SWITCH_NAMES, parseSwitches } from '../../local/registry/switches.js';
import { ROOT } from '../support/process.js';

const readme = readFileSync(join(ROOT, 'local', 'registry', 'README.md'), 'utf8');

describe("the emulator's README", () => {
  it('has a row for each switch, with its answers and a source or the word inference', () => {
    for (const name of SWITCH_NAMES) {
      const { question, answers, source } = SWITCHES[name];
      const said = answers.map((answer) => `\`${answer}\``).join(', ');
      expect(readme).toContain(`| \`${name}\` | ${question} | ${said} | ${source} |`);
      expect(source).toMatch(/https:|\*inference\*/);
      expect(answers).toHaveLength(2);
    }
  });
});

describe('options from a file', () => {
  it('are read, and what is left out is the default', () => {
    const options = parseRegistryOptions({ switches: { sha512: 'on' }, roleMode: 'abac', notes: { any: 'thing' } });
    expect(options).toEqual({ switches: { ...DEFAULT_SWITCHES, sha512: 'on' }, roleMode: 'abac' });
    expect(parseRegistryOptions({})).toEqual({});
  });

  it.each([
    ['a member that is none', { lag: 1 }],
    ['a switch that is none', { switches: { readLocked: '405' } }],
    ['an answer that is none', { switches: { readLockedStatus: '403' } }],
    ['a role that is none', { identities: [{ name: 'a', roles: [{ role: 'AcrAdmin' }] }] }],
    ['a scale of nothing', { throttling: { sku: 'premium', scale: 0 } }],
    ['a fault that never happens', { faults: [{ path: '/', times: 0, status: 500, code: 'X' }] }],
    ['no object', 7],
  ])('are refused for %s', (_, json) => {
    expect(() => parseRegistryOptions(json)).toThrow();
    expect(() => parseSwitches({ sha512: true })).toThrow();
  });
});

describe('the reading of the conformance suite', () => {
  const table = (
    rows: string,
    counts = '  Pass..........................:         10\n  FAIL..........................:          0\n  Error.........................:          0\n',
  ) => readOutput(`OCI Conformance Result: Pass\n${counts}\nAPI conformance:\n${rows}`);
  const row = (name: string, result: string) => `  ${name.padEnd(30, '.')}: ${result.padStart(10)}\n`;

  it('takes a pass, and what is not offered for a reason', () => {
    const result = table(row('Blob push', 'Pass') + row('Tag delete', 'Skip'));
    expect(complaints({ exitCode: 0, ...result })).toEqual([]);
    for (const reason of Object.values(NOT_OFFERED)) expect(reason).not.toBe('');
  });

  it.each([
    ['a group that fails', 0, row('Blob push', 'FAIL'), undefined],
    ['a group that is skipped without a reason', 0, row('Blob push', 'Skip'), undefined],
    ['an exit code', 1, row('Blob push', 'Pass'), undefined],
    ['a suite that ran nothing', 0, row('Blob push', 'Pass'), ''],
    ['an output without groups', 0, '', undefined],
  ])('complains of %s', (_, exitCode, rows, counts) => {
    expect(complaints({ exitCode, ...table(rows, counts) })).not.toEqual([]);
  });
});
