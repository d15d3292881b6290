import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, decodeBase64Url } from '../../../shared/signature/encoding/base64.js';

const MALFORMED: readonly (readonly [why: string, standard: string, url: string])[] = [
  ['junk at the end', 'YWJj*#', 'YWJj*#'],
  ['white space', 'YW Jj', 'YW Jj'],
  ['a line end', 'YWJj\n', 'YWJj\n'],
  ['the other alphabet', '-_-_', '+/+/'],
  ['the other padding', 'YQ', 'YQ=='],
  ['half of the padding', 'YQ=', 'YQ='],
  ['padding that is not needed', 'YWJj====', 'YWJj='],
  ['bits that are not zero at the end', 'YR==', 'YR'],
  ['a single character', 'Y', 'Y'],
  ['two texts in one', 'YQ==YQ==', 'YQ==YQ'],
  ['a character beyond ASCII', 'YWJjÀ', 'YWJjÀ'],
];

describe('base64', () => {
  it.each(MALFORMED)('refuses %s', (_, standard, url) => {
    expect(() => decodeBase64(standard)).toThrow(expect.objectContaining({ code: 'ENCODING_MALFORMED' }));
    expect(() => decodeBase64Url(url)).toThrow(expect.objectContaining({ code: 'ENCODING_MALFORMED' }));
  });

  it('reads what is written', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...decodeBase64(Buffer.from(bytes).toString('base64'))]).toEqual([...bytes]);
        expect([...decodeBase64Url(Buffer.from(bytes).toString('base64url'))]).toEqual([...bytes]);
      }),
    );
  });

  it('has one text for the same bytes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        for (const [decode, form] of [
          [decodeBase64, 'base64'],
          [decodeBase64Url, 'base64url'],
        ] as const) {
          try {
            expect(Buffer.from(decode(text)).toString(form)).toBe(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ENCODING_MALFORMED' });
          }
        }
      }),
    );
  });
});
