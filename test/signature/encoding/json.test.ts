import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonLimits, parseJson } from '../../../shared/signature/encoding/json.js';

const LIMITS = { maxBytes: 100_000, maxDepth: 16 };
const parse = (text: string, limits: JsonLimits = LIMITS) => parseJson(Buffer.from(text), limits);
const MALFORMED = expect.objectContaining({ code: 'ENCODING_MALFORMED' }) as Error;

const REFUSED: readonly (readonly [why: string, text: string | Uint8Array])[] = [
  ['nothing', ''],
  ['a member twice', '{"a":1,"a":2}'],
  ['a member twice, once escaped', String.raw`{"a":1,"\u0061":2}`],
  ['a member twice, with space before the colon', '{"a" :1,"a"\n\t\r :2}'],
  ['a member twice in an object of an array', '[1,{"x":[{"a":1,"b":2,"a":3}]}]'],
  ['a member twice, with an object between', '{"a":{"b":1},"a":2}'],
  ['a member twice, with an array between', '{"a":["a"],"a":2}'],
  ['a member twice, with quotes in it', String.raw`{"\"":1,"\u0022":2}`],
  ['a member twice, with a backslash at its end', String.raw`{"a\\":1,"a\\":2}`],
  ['an empty member twice', '{"":1,"":2}'],
  ['a member __proto__', '{"__proto__":{"a":1}}'],
  ['a member __proto__, escaped', String.raw`{"\u005f_proto__":1}`],
  ['a byte order mark', '\uFEFF{}'],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22])],
  ['an overlong form of UTF-8', Buffer.from([0x22, 0xc0, 0xa2, 0x22])],
  ['something after it', '{} {}'],
  ['a comma too many', '[1,]'],
  ['a comment', '{/**/}'],
  ['an open string', '{"a'],
  ['a backslash at the end', '"\\'],
  ['more closed than opened', '{}}'],
  ['a bracket of the other kind', '[}'],
  ['NaN', '[NaN]'],
  ['single quotes', "{'a':1}"],
  ['a control character in a string', '"\n"'],
];

describe('strict JSON', () => {
  it.each(REFUSED)('refuses %s', (_, text) => {
    expect(() => parseJson(Buffer.from(text), LIMITS)).toThrow(MALFORMED);
  });

  it('takes the same name in different objects, and names that are values elsewhere', () => {
    const text = '{"a":{"a":"a"},"b":[{"a":1},{"a":"b"}],"c":"a"}';
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('bounds depth and size', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parse(nested(16))).toBeDefined();
    expect(() => parse(nested(17))).toThrow(MALFORMED);
    expect(() => parse('['.repeat(90_000))).toThrow(MALFORMED);
    expect(() => parse('[1,2]', { maxBytes: 4 })).toThrow(MALFORMED);
  });

  it.each(['1.0', '1e3', '1E3', '-0.5', '9007199254740993', '1e-400'])(
    'refuses %s where numbers have to be whole',
    (number) => {
      for (const text of [number, `[${number}]`, `{"a":${number}}`, `{"a":1,"b":${number} }`]) {
        expect(() => parse(text, { ...LIMITS, wholeNumbers: true }), text).toThrow(MALFORMED);
        expect(parse(text)).toEqual(JSON.parse(text));
      }
    },
  );

  it('takes whole numbers where they have to be', () => {
    const text = '{"a":[0,-7,9007199254740991],"b":"1.5","1.5":true}';
    expect(parse(text, { ...LIMITS, wholeNumbers: true })).toEqual(JSON.parse(text));
  });

  it('reads what JSON.parse reads, wherever no member occurs twice', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 5, depthSize: 'large' }),
        fc.constantFrom(undefined, 1, '\t'),
        (value, space) => {
          const text = JSON.stringify(value, undefined, space);
          fc.pre(!text.includes('__proto__'));
          expect(parse(text)).toEqual(JSON.parse(text));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never takes a text that JSON.parse refuses', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', ':', ',', '"a"', '"b"', '1', 'null', ' ', '"', '\\', '\\"');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
        const text = parts.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parse(text)).toThrow(MALFORMED);
          return;
        }
        try {
          expect(parse(text)).toEqual(expected);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENCODING_MALFORMED' });
          // The only other reason is a member that occurs twice: then the same value has another, shorter text.
          expect(JSON.stringify(expected).length).toBeLessThan(text.replaceAll(' ', '').length);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses a member that is put in twice, anywhere', () => {
    const names = fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name !== '__proto__');
    fc.assert(
      fc.property(names, fc.jsonValue(), fc.array(names, { maxLength: 4 }), (name, value, others) => {
        const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
        const between = others.map((other, at) => `${JSON.stringify(`${other}${at} `)}:[{}]`);
        expect(() => parse(`[{"x":{${[member, ...between, member].join(',')}}}]`)).toThrow(MALFORMED);
      }),
    );
  });

  it('bounds the number of members and elements, those in strings not counted', () => {
    const limited = (text: string) => parseJson(Buffer.from(text), { ...LIMITS, maxItems: 3 });
    expect(limited('{"a":1,"b":[2,",,,,"]}')).toEqual({ a: 1, b: [2, ',,,,'] });
    expect(() => limited('{"a":1,"b":[2,3],"c":4}')).toThrow(MALFORMED);
    expect(() => limited('[1,2,3,4]')).toThrow(MALFORMED);
  });
});
