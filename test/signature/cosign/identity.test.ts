import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustedIdentity, parseIdentity } from '../../../shared/signature/cosign/identity.js';
import { MAX_PATTERN_LENGTH, parsePattern } from '../../../shared/signature/cosign/pattern.js';

describe('an identity of a policy', () => {
  it.each([
    ['nothing', {}],
    ['no subject', { issuer: 'https://i.test' }],
    ['no issuer', { subject: 'a@example.com' }],
    ['an empty subject', { issuer: 'https://i.test', subject: '' }],
    ['a subject twice', { issuer: 'https://i.test', subject: 'a', subjectPattern: 'a' }],
    ['an issuer twice', { issuer: 'https://i.test', issuerPattern: 'a', subject: 'a' }],
    ['a pattern that is none', { issuer: 'https://i.test', subjectPattern: '(' }],
    ['a pattern of everybody', { issuer: 'https://i.test', subjectPattern: '.*' }],
    ['an issuer of any kind', { issuerPattern: '.+', subject: 'a' }],
    ['white space at an end', { issuer: 'https://i.test', subject: 'a ' }],
    ['a control character', { issuer: 'https://i.test', subject: 'a\0' }],
    ['a character that turns the text', { issuer: 'https://i.test', subject: 'a\u202eb' }],
    ['a subject that is too long', { issuer: 'https://i.test', subject: 'a'.repeat(2049) }],
  ])('is refused with %s', (_, text) => {
    expect(() => parseIdentity(text)).toThrow(expect.objectContaining({ code: 'IDENTITY_INVALID' }));
  });
  it('tells every problem', () => {
    expect(() => parseIdentity({})).toThrow(
      expect.objectContaining({ problems: [expect.anything(), expect.anything()] }),
    );
  });
  it('takes nobody with a control character, whatever the pattern says', () => {
    const identity = parseIdentity({ issuer: 'i', subjectPattern: 'a.b' });
    expect(isTrustedIdentity([identity], { issuer: 'i', subject: 'axb' })).toBe(true);
    expect(isTrustedIdentity([identity], { issuer: 'i', subject: 'a\0b' })).toBe(false);
  });
});

describe('a pattern', () => {
  it.each([
    ['a\\.b', ['a.b'], ['axb', 'xa.b', 'a.bx', 'a.b\n']],
    ['^a+$', ['a', 'aaa'], ['', 'b', 'ba']],
    ['a|bc', ['a', 'bc'], ['ac', 'abc', 'b']],
    ['^a|b$', ['a', 'b'], ['ax', 'xb']],
    ['(?:ab)*c', ['c', 'ababc'], ['abab', 'abac']],
    ['(a|b)?c', ['c', 'ac', 'bc'], ['abc']],
    ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
    ['a{2}', ['aa'], ['a', 'aaa']],
    ['a{1,}b', ['ab', 'aaab'], ['b']],
    ['x[a-c0-9_.-]+', ['xa', 'x0-_.'], ['x', 'xd', 'x/']],
    ['x[^/]+', ['xa', 'x\u{1f600}'], ['x', 'x/', 'xa/b']],
    ['x[\\d\\-]\\w', ['x1a', 'x-_'], ['xaa']],
    ['a\\$', ['a$'], ['a', 'a\\']],
    ['\\^a', ['^a'], ['a']],
    ['x.', ['xy', 'x\u{1f600}'], ['x', 'x\n', 'xyz']],
    [
      'https://github\\.com/acme/[^/]+/\\.github/workflows/[a-z]+\\.ya?ml@refs/tags/v\\d+',
      ['https://github.com/acme/app/.github/workflows/ci.yml@refs/tags/v1'],
      ['https://github.com/acme/a/b/.github/workflows/ci.yml@refs/tags/v1'],
    ],
  ])('%s takes the whole of a text', (source, taken, refused) => {
    const { matches } = parsePattern(source);
    for (const text of taken) expect([text, matches(text)]).toEqual([text, true]);
    for (const text of refused) expect([text, matches(text)]).toEqual([text, false]);
  });

  it.each([
    '(',
    ')',
    'a)',
    '(a',
    '[',
    '[a',
    '[]',
    '[^]',
    '[b-a]',
    '[[:alpha:]]',
    '[a-\\d]',
    '*',
    '+a',
    '?',
    '{2}',
    'a{',
    'a{x}',
    'a{2,1}',
    'a{65}',
    'a{,2}',
    'a**',
    'a+?',
    'a++',
    'a??',
    'a{2}{3}',
    '(a)\\1',
    '\\b',
    '\\1',
    '\\k<a>',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?i)a',
    '(?<n>a)',
    '(?P<n>a)',
    'a^',
    'a$b',
    '(^a)',
    'a\\',
    '\\x41',
    '\\u0041',
    '\\p{L}',
    '',
    '.*',
    '.+',
    '.*.*',
    '[^a]+',
    '(a|.*)',
    'a?',
    '\\S+',
    'a'.repeat(MAX_PATTERN_LENGTH + 1),
    '((((a{64}){64}){64}){64}){64}',
    '((((){64}){64}){64}){64}a',
    '('.repeat(17) + 'a' + ')'.repeat(17),
  ])('is refused: %s', (source) => {
    expect(() => parsePattern(source)).toThrow(expect.objectContaining({ code: 'PATTERN_INVALID' }));
  });

  it.each(['(a+)+b', '(a|a)*b', '(a|aa)+b', '(a*)*b', '(.*a){12}b', '(?:a?){30}a{30}b'])(
    'takes no longer for a text that other engines choke on: %s',
    (source) => {
      const { matches } = parsePattern(source);
      expect(matches('a'.repeat(2000))).toBe(false);
    },
  );

  it('means what a regular expression means that is anchored', () => {
    const piece = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\.', '(?:a|b)', '(ab)', 'a|b', '\\d', '-');
    const repeated = fc
      .tuple(piece, fc.constantFrom('', '*', '+', '?', '{1,2}'))
      .map(([one, times]) => (one === 'a|b' ? one : one + times));
    const source = fc.array(repeated, { minLength: 1, maxLength: 5 }).map((all) => all.join('') + 'z');
    const text = fc.array(fc.constantFrom('a', 'b', '.', '1', '-', 'z'), { maxLength: 7 }).map((all) => all.join(''));
    fc.assert(
      fc.property(source, fc.array(text, { minLength: 10, maxLength: 10 }), (pattern, texts) => {
        const { matches } = parsePattern(pattern);
        const regex = new RegExp(`^(?:${pattern})$`);
        for (const one of texts) expect([pattern, one, matches(one)]).toEqual([pattern, one, regex.test(one)]);
      }),
      { numRuns: 500 },
    );
  });
});
