import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProblemsError } from '../../shared/error/app-error.js';
import { parseDuration } from '../../shared/policy/duration.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { matchesPattern, patternProblem } from '../../shared/policy/pattern.js';

function problemsOf(text: string): readonly string[] {
  try {
    parsePolicy(text);
    return [];
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems.map(({ path }) => path);
    throw error;
  }
}

describe('policy files', () => {
  it('reads the example of the documentation, with defaults', () => {
    const { rules } = parsePolicy(`version: 1
rules:
  - repository: team-a/**
    vulnerabilities: { fail: CRITICAL, failFixable: HIGH }
    secrets: fail
    signature: { require: any, cosign: { keys: [ci.pub] }, grace: 15m }
    onPush: lock-and-untag
    onChange: { enforce: lock, after: 72h }
  - repository: "**"
    vulnerabilities: { fail: CRITICAL }
    onPush: mark
`);
    expect(rules[0]).toMatchObject({
      signature: { graceMilliseconds: 900_000 },
      onChange: { enforce: 'lock', afterMilliseconds: 259_200_000 },
    });
    expect(rules[1]).toMatchObject({
      unrecognised: 'inconclusive',
      endOfLife: 'fail',
      unscannable: 'inconclusive',
      secrets: 'fail',
    });
  });

  it('reports all mistakes together, each with its path and line, the missing catch-all among them', () => {
    const problems = problemsOf(`version: 1
rules:
  - repository: Team-A
    onPush: destroy
    surprise: true
  - repository: b/**
    signature: { require: any, cosign: { keys: [../evil.pub] }, grace: soon }
`);
    expect(problems).toEqual([
      'rules[0].repository (line 3)',
      'rules[0].onPush (line 4)',
      'rules[0] (line 3)',
      'rules[1].signature.cosign.keys[0] (line 7)',
      'rules[1].signature.grace (line 7)',
      'rules (line 3)',
    ]);
  });

  it.each([
    ['no YAML', 'a: [', 1],
    ['two keys of one name', 'version: 1\nversion: 1\nrules: []', 1],
    ['nothing', '', 1],
    ['an alias', 'version: &a 1\nrules: *a', 1],
    ['a rule that can never match', 'version: 1\nrules:\n  - repository: "**"\n  - repository: a', 1],
    ['a pass for what cannot be scanned', 'version: 1\nrules:\n  - repository: "**"\n    unscannable: accept', 1],
    [
      'a signature rule that names none',
      'version: 1\nrules:\n  - repository: "**"\n    signature: { require: any }',
      1,
    ],
  ])('refuses %s', (_, text, count) => {
    expect(problemsOf(text)).toHaveLength(count);
  });

  it('accepts every policy that is shipped', () => {
    const root = join(import.meta.dirname, '..', '..', 'policy');
    const files = readdirSync(root, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.yaml'));
    expect(files.length).toBeGreaterThanOrEqual(5);
    for (const file of files) expect(problemsOf(readFileSync(join(root, file), 'utf8')), file).toEqual([]);
  });
});

describe('durations', () => {
  it.each([
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['0', 0],
  ])('%s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));
  it.each(['', '15', 'm', '-5m', '5 m', '1d', '9999999h', '1h-1m'])('refuses %j', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );
});

describe('repository patterns', () => {
  it.each([
    ['**', 'a', true],
    ['**', 'a/b/c', true],
    ['team-a/**', 'team-a/x', true],
    ['team-a/**', 'team-a/x/y', true],
    ['team-a/**', 'team-a', false],
    ['team-a/**', 'team-away/x', false],
    ['team-*/app', 'team-b/app', true],
    ['team-*/app', 'team-b/c/app', false],
    ['**/app', 'a/b/app', true],
    ['**/app', 'app', false],
    ['a/**/z', 'a/b/c/z', true],
    ['a/*', 'a/b/c', false],
    ['app', 'app2', false],
  ])('%s and %s: %s', (pattern, repository, expected) => expect(matchesPattern(pattern, repository)).toBe(expected));

  it.each(['', 'A', 'a//b', 'a/b**', '/a', 'a b', 'a/{b,c}'])('refuses %j', (pattern) =>
    expect(patternProblem(pattern)).toBeDefined(),
  );

  it('matches a name by itself, and everything by the catch-all', () => {
    const name = fc
      .array(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('/'));
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(matchesPattern('**', a)).toBe(true);
        expect(matchesPattern(a, b)).toBe(a === b);
      }),
    );
  });
});
