import { type Der, malformedDer } from './der.js';

/** Types of strings. ITU-T X.680 §8.6. */
const STRING = {
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  visible: 0x1a,
  universal: 0x1c,
  bmp: 0x1e,
} as const;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a string: of `DirectoryString` (RFC 5280 §4.1.2.4), and of the types of ASCII. Teletex strings are taken for Latin-1,
 * as everybody does. Throws `DER_MALFORMED` for another type, and for bytes that are no text of it.
 */
export function textOf({ tag, value }: Der): string {
  switch (tag) {
    case STRING.utf8:
      return decoded(() => utf8.decode(value));
    case STRING.numeric:
    case STRING.printable:
    case STRING.ia5:
    case STRING.visible:
      if (value.some((byte) => byte >= 0x80)) throw malformedDer('no text');
      return value.toString('latin1');
    case STRING.teletex:
      return value.toString('latin1');
    case STRING.bmp:
      return wide(value, 2);
    case STRING.universal:
      return wide(value, 4);
    default:
      throw malformedDer('no type of text');
  }
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw malformedDer('no text');
  }
}

/** Code points of `size` bytes each. Halves of pairs are none (Unicode 3.8, D71). */
function wide(value: Buffer, size: 2 | 4): string {
  if (value.byteLength % size !== 0) throw malformedDer('no text');
  let text = '';
  for (let at = 0; at < value.byteLength; at += size) {
    const point = value.readUIntBE(at, size);
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) throw malformedDer('no text');
    text += String.fromCodePoint(point);
  }
  return text;
}
