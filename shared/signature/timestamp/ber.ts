import { TAG, malformedDer, writeDer } from '../x509/der.js';

const MAX_DEPTH = 32;
const CONSTRUCTED = 0x20;

/**
 * Writes BER as DER: lengths that are not definite, or longer than they have to be, and octet strings in pieces. Some authorities
 * write the envelope of a token so, since RFC 5652 leaves it to them; what is signed is DER, and comes out as it is. Throws
 * `DER_MALFORMED`.
 */
export function toDer(bytes: Uint8Array): Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { der, end } = convert(buffer, 0, MAX_DEPTH);
  if (end !== buffer.byteLength) throw malformedDer('something follows it');
  return der;
}

interface Converted {
  readonly der: Buffer;
  /** Of what was read. */
  readonly end: number;
}

function convert(bytes: Buffer, offset: number, depth: number): Converted {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw malformedDer('it is cut');
  if (depth === 0 || tag === 0 || (tag & 0x1f) === 0x1f) throw malformedDer('too deep, or of a strange type');
  const size = first < 0x80 ? 0 : first & 0x7f;
  const start = offset + 2 + size;
  if (size > 4 || start > bytes.byteLength) throw malformedDer('a length that is too long');
  if (first === 0x80) {
    if ((tag & CONSTRUCTED) === 0) throw malformedDer('a length that is not definite');
    return join(tag, childrenOf({ bytes, start, end: undefined }, depth));
  }
  const end = start + (size === 0 ? first : bytes.readUIntBE(offset + 2, size));
  if (end > bytes.byteLength) throw malformedDer('it is cut');
  if ((tag & CONSTRUCTED) === 0) return { der: writeDer(tag, bytes.subarray(start, end)), end };
  return join(tag, childrenOf({ bytes, start, end }, depth));
}

interface Children {
  readonly all: readonly Buffer[];
  readonly end: number;
}

/** Those until `end`, or where there is none, until two zeros. */
function childrenOf(
  { bytes, start, end }: { readonly bytes: Buffer; readonly start: number; readonly end: number | undefined },
  depth: number,
): Children {
  const all: Buffer[] = [];
  let offset = start;
  while (offset !== end) {
    if (end === undefined && bytes[offset] === 0 && bytes[offset + 1] === 0) return { all, end: offset + 2 };
    const child = convert(end === undefined ? bytes : bytes.subarray(0, end), offset, depth - 1);
    all.push(child.der);
    offset = child.end;
  }
  return { all, end: offset };
}

function join(tag: number, { all, end }: Children): Converted {
  if (tag !== (TAG.octets | CONSTRUCTED)) return { der: writeDer(tag, ...all), end };
  if (all.some((piece) => piece[0] !== TAG.octets)) throw malformedDer('an octet string of something else');
  // The pieces are in DER by now: one byte of a tag, and a length.
  return { der: writeDer(TAG.octets, ...all.map(contentOf)), end };
}

function contentOf(element: Buffer): Buffer {
  const first = element[1] ?? 0;
  return element.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}
