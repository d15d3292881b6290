/** DER by hand, so that tests do not write with the library that is tested for reading. ITU-T X.690. */

/** One element: its tag, and what is in it. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.byteLength;
  if (size < 0x80) return Buffer.concat([Buffer.from([tag, size]), content]);
  const hex = size.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.byteLength]), length, content]);
}

export const seq = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts);
/** SET OF: in order, as DER has it. */
export const setOf = (...parts: readonly Uint8Array[]) => tlv(0x31, ...[...parts].sort((a, b) => Buffer.compare(a, b)));
export const octets = (...parts: readonly Uint8Array[]) => tlv(0x04, ...parts);
export const bits = (bytes: Uint8Array, unused = 0) => tlv(0x03, Buffer.from([unused]), bytes);
export const nothing = () => tlv(0x05);
export const bool = (value: boolean) => tlv(0x01, Buffer.from([value ? 0xff : 0]));
export const utf8 = (text: string) => tlv(0x0c, Buffer.from(text));
export const enumerated = (value: number) => tlv(0x0a, Buffer.from([value]));
/** `[n]`, constructed: EXPLICIT, or IMPLICIT of something constructed. */
export const context = (n: number, ...parts: readonly Uint8Array[]) => tlv(0xa0 | n, ...parts);
/** `[n] IMPLICIT` of something primitive. */
export const implicit = (n: number, bytes: Uint8Array) => tlv(0x80 | n, bytes);

export function int(value: bigint | number): Buffer {
  const hex = BigInt(value).toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return tlv(0x02, ...((bytes[0] ?? 0) >= 0x80 ? [Buffer.from([0]), bytes] : [bytes]));
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const arcs = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80);
    return groups;
  });
  return tlv(0x06, Buffer.from(arcs));
}

const compact = (at: Date) => at.toISOString().replace(/\.\d+/, '').replaceAll(/[-:T]/g, '');
/** GeneralizedTime, to the second. */
export const generalized = (at: Date) => tlv(0x18, Buffer.from(compact(at)));
/** UTCTime until 2049, then GeneralizedTime. RFC 5280 §4.1.2.5. */
export const time = (at: Date) =>
  at.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(compact(at).slice(2))) : generalized(at);

/** A name of one attribute, the common name. */
export const commonName = (text: string) => seq(setOf(seq(oid('2.5.4.3'), utf8(text))));

/** An extension. RFC 5280 §4.1. */
export const extension = (id: string, value: Uint8Array, critical = false) =>
  seq(oid(id), ...(critical ? [bool(true)] : []), octets(value));

/** A GeneralName that is a URI. */
export const uri = (url: string) => implicit(6, Buffer.from(url));
