import { encode } from 'cbor2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCbor, isCborMap, untag } from '../../../shared/signature/encoding/cbor.js';

const LIMITS = { maxBytes: 100_000 };
const decode = (hex: string) => decodeCbor(Buffer.from(hex, 'hex'), LIMITS);
const MALFORMED = expect.objectContaining({ code: 'ENCODING_MALFORMED' }) as Error;

const REFUSED: readonly (readonly [why: string, hex: string])[] = [
  ['nothing', ''],
  ['a label twice', 'a2616101616102'],
  ['an integer label twice, once in a longer form', 'a20101180102'],
  ['a length that is longer than it need be', '580161'],
  ['an integer that is longer than it need be', '1801'],
  ['a tag that is longer than it need be', 'd80100'],
  ['bytes of indefinite length', '5f41004100ff'],
  ['a text of indefinite length', '7f6161ff'],
  ['an array of indefinite length', '9f01ff'],
  ['a map of indefinite length', 'bf616101ff'],
  ['something that follows', '0000'],
  ['a text that is cut', '6261'],
  ['an array that is cut', '8201'],
  ['an array that says it is enormous', '9affffffff00'],
  ['bytes that say they are enormous', '5bffffffffffffffff00'],
  ['a text that is not UTF-8', '62c328'],
  ['a label that is an array', 'a1800101'],
  ['a label that is bytes', 'a1410101'],
  ['a label that is true', 'a1f501'],
  ['a label that no number holds', 'a11bffffffffffffffff01'],
  ['a fraction', 'f93e00'],
  ['undefined', 'f7'],
  ['a simple value', 'f820'],
  ['a reserved length', '1c'],
  ['an end of nothing', 'ff'],
];

describe('strict CBOR', () => {
  it.each(REFUSED)('refuses %s', (_, hex) => {
    expect(() => decode(hex)).toThrow(MALFORMED);
  });

  it('makes maps of maps, and interprets no tag', () => {
    expect(decode('a2616101f6'.replace('f6', '0102'))).toEqual(
      new Map<number | string, unknown>([
        ['a', 1],
        [1, 2],
      ]),
    );
    expect(untag(decode('c11a65920080'), 1)).toBe(1_704_067_200);
    expect(isCborMap(decode('a0'))).toBe(true);
    expect(isCborMap(decode('80'))).toBe(false);
  });

  it('does not take one tag for another, nor nothing for a tag', () => {
    expect(() => untag(decode('c001'), 1)).toThrow(MALFORMED);
    expect(() => untag(decode('01'), 1)).toThrow(MALFORMED);
  });

  it('bounds depth and size', () => {
    expect(decode(`${'81'.repeat(6)}00`)).toEqual([[[[[[0]]]]]]);
    expect(() => decode(`${'81'.repeat(20)}00`)).toThrow(MALFORMED);
    expect(() => decode(`${'81'.repeat(50_000)}00`)).toThrow(MALFORMED);
    expect(() => decode(`${'c1'.repeat(50_000)}00`)).toThrow(MALFORMED);
    expect(() => decodeCbor(encode('long'), { maxBytes: 4 })).toThrow(MALFORMED);
  });

  it('bounds the number of items, before it decodes any', () => {
    const list = (count: number) => Buffer.concat([Buffer.from([0x99, count >> 8, count & 0xff]), Buffer.alloc(count)]);
    const seven = Buffer.from('8283016474657874028141ff', 'hex');
    expect(decodeCbor(list(999), LIMITS)).toHaveLength(999);
    expect(() => decodeCbor(list(1000), LIMITS)).toThrow(MALFORMED);
    expect(() => decodeCbor(seven, { ...LIMITS, maxItems: 6 })).toThrow(MALFORMED);
    expect(decodeCbor(seven, { ...LIMITS, maxItems: 7 })).toBeDefined();
    const begun = performance.now();
    const most = Buffer.concat([Buffer.from('9a000ffff0', 'hex'), Buffer.alloc(1_048_560)]);
    expect(() => decodeCbor(most, { maxBytes: 2 ** 20 })).toThrow(MALFORMED);
    expect(performance.now() - begun).toBeLessThan(200);
  });

  it('decodes nothing that has another encoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        let item: unknown;
        try {
          item = decodeCbor(bytes, LIMITS);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENCODING_MALFORMED' });
          return;
        }
        expect(Buffer.from(encode(item)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
      }),
      { numRuns: 2000 },
    );
  });
});
