import { readDer, writeDer } from '../document/der.js';
import type { Change } from './change.js';

/** The orders of the curves' groups, by the bytes of a number. FIPS 186-5, SP 800-186 §3.2.1. */
const ORDERS: ReadonlyMap<number, bigint> = new Map([
  [32, 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  [48, 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n],
  [
    66,
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
]);

const toNumber = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

/**
 * The other signature that an ECDSA signature is at the same time: (r, n − s). Nobody needs the key for it. Undefined where the
 * bytes are no signature of the three curves, neither in DER nor as two numbers.
 */
export function otherSignature(bytes: Buffer): Buffer | undefined {
  const der = bytes[0] === 0x30 ? readDer(bytes) : undefined;
  const [r, s] = der?.children ?? [];
  if (r?.tag === 0x02 && s?.tag === 0x02 && der?.children.length === 2) {
    const size = [32, 48, 66].find((each) => s.content.byteLength <= each + 1 && r.content.byteLength <= each + 1);
    const other = negate(toNumber(s.content), size);
    return other && writeDer(0x30, r.whole, writeInteger(other));
  }
  const half = bytes.byteLength / 2;
  const other = ORDERS.has(half) ? negate(toNumber(bytes.subarray(half)), half) : undefined;
  return other && Buffer.concat([bytes.subarray(0, half), Buffer.concat([Buffer.alloc(half), other]).subarray(-half)]);
}

function negate(s: bigint, size: number | undefined): Buffer | undefined {
  const order = ORDERS.get(size ?? 0);
  if (order === undefined || s <= 0n || s >= order) return undefined;
  const hex = (order - s).toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

function writeInteger(bytes: Buffer): Buffer {
  return writeDer(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes);
}

/** The same for what carries its signature behind it: a certificate, a list, the answer of a responder. */
export function isOtherwiseSigned(before: Buffer, after: Buffer): boolean {
  const [a, b] = [readDer(before)?.children ?? [], readDer(after)?.children ?? []];
  const same = a.length === b.length && a.every(({ whole }, at) => at === 2 || b[at]?.whole.equals(whole) === true);
  const [signed, others] = [a[2]?.content.subarray(1), b[2]?.content.subarray(1)];
  return same && signed !== undefined && others !== undefined && otherSignature(signed)?.equals(others) === true;
}

/** Puts the other signature in the place of a signature. */
export const OTHER_SIGNATURE: Change = {
  name: 'the other signature',
  apply: ({ bytes }) => otherSignature(bytes),
};
