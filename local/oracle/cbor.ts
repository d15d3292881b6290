import { Tag, encode } from 'cbor2';

/** CBOR (RFC 8949) of a value. The encoder takes Node's buffers for objects, so they become plain arrays of bytes first. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(plain(value));
}

function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Tag) return new Tag(value.tag, plain(value.contents));
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [key as unknown, plain(member)]));
  return value;
}
