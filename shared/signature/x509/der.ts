import { AppError } from '../../error/app-error.js';

/** One element of DER: its tag, what is in it, and all of it. Views into what was read. */
export interface Der {
  readonly tag: number;
  readonly value: Buffer;
  readonly whole: Buffer;
}

/** Tags. ITU-T X.680 §8.6; those of a context are 0x80 + n, constructed 0xa0 + n. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  nothing: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const MAX_OID_BYTES = 64;
const MAX_INTEGER_BYTES = 64;

/** What is thrown by all readers of this file: `DER_MALFORMED`. */
export function malformedDer(what: string): AppError {
  return new AppError('DER_MALFORMED', `no DER as it should be: ${what}`);
}

/**
 * Reads the element at `offset`. Lengths have to be definite and as short as can be (ITU-T X.690 §10.1), tag numbers below
 * 31; nothing that is read here has others. Nothing is copied and nothing recurses, for lists of revoked certificates are long.
 */
export function elementAt(bytes: Buffer, offset = 0): Der {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw malformedDer('it is cut');
  if ((tag & 0x1f) === 0x1f) throw malformedDer('a long tag');
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 4 || start + size > bytes.byteLength) throw malformedDer('a length that is not definite');
    length = bytes.readUIntBE(start, size);
    if (length < 0x80 || length < 2 ** (8 * (size - 1))) throw malformedDer('a length that could be shorter');
    start += size;
  }
  const end = start + length;
  if (end > bytes.byteLength) throw malformedDer('it is cut');
  return { tag, value: bytes.subarray(start, end), whole: bytes.subarray(offset, end) };
}

/** Reads one element that is all there is. */
export function readDer(bytes: Uint8Array, tag?: number): Der {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const element = elementAt(buffer);
  if (element.whole.byteLength !== buffer.byteLength) throw malformedDer('something follows it');
  if (tag !== undefined && element.tag !== tag) throw malformedDer('another type');
  return element;
}

/** The elements within, one after the other. */
export function* elementsOf({ value }: Der): Generator<Der, undefined> {
  for (let offset = 0; offset < value.byteLength;) {
    const element = elementAt(value, offset);
    offset += element.whole.byteLength;
    yield element;
  }
}

/** The elements within, `most` at most. */
export function listOf(element: Der, { most }: { readonly most: number }): readonly Der[] {
  const list: Der[] = [];
  for (const each of elementsOf(element)) {
    if (list.push(each) > most) throw malformedDer('too many elements');
  }
  return list;
}

/** The fields of a SEQUENCE, taken in their order. */
export interface Fields {
  /** The next field, of this tag; throws where it is another one. */
  readonly take: (tag: number) => Der;
  /** The next field if it has this tag. */
  readonly maybe: (tag: number) => Der | undefined;
  /** Throws where a field is left. */
  readonly done: () => void;
}

/** Takes a SEQUENCE, or what is tagged in its place, apart. */
export function fieldsOf({ tag, value }: Der, expected: number = TAG.sequence): Fields {
  if (tag !== expected) throw malformedDer('another type');
  let offset = 0;
  const maybe = (wanted: number) => {
    if (value[offset] !== wanted) return undefined;
    const element = elementAt(value, offset);
    offset += element.whole.byteLength;
    return element;
  };
  return {
    maybe,
    take: (wanted) => {
      const element = maybe(wanted);
      if (element === undefined) throw malformedDer('a field is missing, or of another type');
      return element;
    },
    done: () => {
      if (offset !== value.byteLength) throw malformedDer('a field too many');
    },
  };
}

/** What is in an element of exactly one element, such as an EXPLICIT tag. */
export function only(element: Der, tag: number): Der {
  return readDer(element.value, tag);
}

/** A dotted OID. */
export function oidOf({ tag, value }: Der): string {
  if (tag !== TAG.oid || value.byteLength === 0 || value.byteLength > MAX_OID_BYTES) throw malformedDer('no OID');
  const arcs: bigint[] = [];
  let arc = 0n;
  let fresh = true;
  for (const byte of value) {
    if (fresh && byte === 0x80) throw malformedDer('an OID that could be shorter');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    fresh = byte < 0x80;
    if (fresh) arcs.push(arc);
    if (fresh) arc = 0n;
  }
  if (!fresh) throw malformedDer('an OID that is cut');
  const [head = 0n, ...rest] = arcs;
  const first = head < 80n ? head / 40n : 2n;
  return [first, head - first * 40n, ...rest].join('.');
}

/**
 * The bytes of an INTEGER. As short as can be, so that two of them are the same number only if they are the same bytes: a
 * revoked serial number is not to be missed for a zero before it.
 */
export function integerBytesOf({ value }: Der): Buffer {
  const [first = 0, second = 0] = value;
  if (value.byteLength === 0 || value.byteLength > MAX_INTEGER_BYTES) throw malformedDer('no number');
  const padded = value.byteLength > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw malformedDer('a number that could be shorter');
  return value;
}

/** An INTEGER, or what is tagged in its place. */
export function integerOf(element: Der): bigint {
  const bytes = integerBytesOf(element);
  const unsigned = BigInt(`0x${bytes.toString('hex')}`);
  return (bytes[0] ?? 0) < 0x80 ? unsigned : unsigned - (1n << BigInt(8 * bytes.byteLength));
}

/** A BOOLEAN. DER knows two. */
export function booleanOf({ value }: Der): boolean {
  if (value.byteLength !== 1 || (value[0] !== 0 && value[0] !== 0xff)) throw malformedDer('no truth value');
  return value[0] === 0xff;
}

/** A BIT STRING of whole bytes. */
export function bytesOfBits({ tag, value }: Der): Buffer {
  if (tag !== TAG.bits || value[0] !== 0) throw malformedDer('no whole bytes');
  return value.subarray(1);
}

/** Writes one element. Throws `DER_MALFORMED` from 64 KiB on. */
export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.byteLength;
  if (size >= 2 ** 16) throw malformedDer('too much to write');
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
