import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDer } from '../../../shared/signature/timestamp/ber.js';
import * as der from '../../support/der.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('BER', () => {
  it.each([
    ['is DER already', '30 03 02 01 05', '30 03 02 01 05'],
    ['has no definite length', '30 80 02 01 05 00 00', '30 03 02 01 05'],
    ['has none within', '30 80 a0 80 02 01 05 00 00 00 00', '30 05 a0 03 02 01 05'],
    ['has a longer length', '30 81 03 02 01 05', '30 03 02 01 05'],
    ['has a much longer length', '30 84 00 00 00 03 02 01 05', '30 03 02 01 05'],
    ['has an octet string in pieces', '24 80 04 01 aa 04 02 bb cc 00 00', '04 03 aa bb cc'],
    ['has pieces in pieces', '24 08 24 03 04 01 aa 04 01 bb', '04 02 aa bb'],
    ['has an empty octet string', '24 80 00 00', '04 00'],
    ['has an empty sequence', '30 80 00 00', '30 00'],
  ])('becomes DER where it %s', (_, ber, expected) => {
    expect(toDer(hex(ber))).toEqual(hex(expected));
  });
  it('leaves DER as it is', () => {
    const tree = fc.letrec<{ node: Buffer }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 6 },
        fc.uint8Array({ maxLength: 300 }).map((bytes) => der.octets(bytes)),
        fc.array(tie('node'), { maxLength: 4 }).map((nodes) => der.seq(...nodes)),
        fc.array(tie('node'), { maxLength: 4 }).map((nodes) => der.context(1, ...nodes)),
      ),
    })).node;
    fc.assert(fc.property(tree, (bytes) => toDer(bytes).equals(bytes)));
  });
  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a cut length', '30 82 01'],
    ['a cut value', '30 03 02 01'],
    ['something behind', '30 00 00'],
    ['no end', '30 80 02 01 05'],
    ['half an end', '30 80 02 01 05 00'],
    ['an end too many', '30 80 00 00 00 00'],
    ['an end in a definite length', '30 02 00 00'],
    ['a number without a length', '02 80 05 00 00'],
    ['a child that is longer than it', '30 03 02 04 05 05 05 05'],
    ['a long tag', '3f 81 01 00'],
    ['a length of five bytes', '30 85 00 00 00 00 00'],
    ['pieces of something else', '24 03 02 01 05'],
    ['a great depth', `${'30 80 '.repeat(100)}${'00 00 '.repeat(100)}`],
  ])('is none with %s', (_, bytes) => {
    expect(() => toDer(hex(bytes))).toThrow(expect.objectContaining({ code: 'DER_MALFORMED' }));
  });
});
