import { z } from 'zod';
import { MAX_ENVELOPE_BYTES } from '../candidate.js';
import { type CborMap, decodeCbor, isCborMap, untag } from '../encoding/cbor.js';
import { readAttributes } from './attributes.js';
import type { RawEnvelope } from './envelope.js';
import { decoding, fault } from './fault.js';

const byteString = z.instanceof(Uint8Array);
// RFC 9052 §4.2, COSE_Sign1. A detached payload would be null.
const partsSchema = z.tuple([byteString, z.custom<CborMap>(isCborMap), byteString, byteString]);

/** Tags and labels. RFC 9052 §2, §3.1; RFC 9360 §2 (x5chain); RFC 8949 §3.4.2 (a time). */
const SIGN1 = 18;
const EPOCH_TIME = 1;
const LABELS: ReadonlyMap<number, string> = new Map([
  [1, 'alg'],
  [2, 'crit'],
  [3, 'cty'],
]);
const X5CHAIN = 33;

/** The algorithms by their numbers. RFC 9053 §2.1, RFC 8230 §2. */
const ALGORITHMS: ReadonlyMap<unknown, string> = new Map([
  [-7, 'ES256'],
  [-35, 'ES384'],
  [-36, 'ES512'],
  [-37, 'PS256'],
  [-38, 'PS384'],
  [-39, 'PS512'],
]);

const TIMESTAMP = 'io.cncf.notary.timestampSignature';
/** Notary Project, COSE signature envelope, "Unprotected Headers"; the last is how early versions wrote one of them. */
const UNPROTECTED: ReadonlySet<number | string> = new Set([
  X5CHAIN,
  TIMESTAMP,
  'io.cncf.notary.signingAgent',
  'io.cncf.notary.SigningAgent',
]);
// RFC 9360 knows a single certificate as well; the specification wants a list.
const unprotectedSchema = z.object({ chain: z.array(byteString), timestamp: byteString.optional() });

/** Reads a Notation signature in the form of COSE. Throws `SIGNATURE_MALFORMED`, and what {@link readAttributes} throws. */
export function readCose(bytes: Uint8Array): RawEnvelope {
  const limits = { maxBytes: MAX_ENVELOPE_BYTES };
  const item = decoding('The COSE envelope', () => untag(decodeCbor(bytes, limits), SIGN1));
  const parts = partsSchema.safeParse(item);
  if (!parts.success) throw fault('SIGNATURE_MALFORMED', 'It is no COSE signature of Notation.', parts.error);
  const [protectedBytes, header, payload, signature] = parts.data;
  if ([...header.keys()].some((label) => !UNPROTECTED.has(label))) {
    throw fault('SIGNATURE_MALFORMED', 'The unprotected header has a label that is not known.');
  }
  const unprotected = unprotectedSchema.safeParse({ chain: header.get(X5CHAIN), timestamp: header.get(TIMESTAMP) });
  if (!unprotected.success) {
    throw fault('SIGNATURE_MALFORMED', 'The unprotected header is not one of Notation.', unprotected.error);
  }
  const { chain, timestamp } = unprotected.data;
  return {
    payload: Uint8Array.from(payload),
    signature: Uint8Array.from(signature),
    certificates: chain.map((certificate) => Uint8Array.from(certificate)),
    ...(timestamp !== undefined && { timestamp: Uint8Array.from(timestamp) }),
    signed: signatureStructure(protectedBytes, payload),
    attributes: readAttributes(readHeader(protectedBytes), toTime),
  };
}

function readHeader(bytes: Uint8Array): ReadonlyMap<string, unknown> {
  const map = decoding('The protected header', () => decodeCbor(bytes, { maxBytes: MAX_ENVELOPE_BYTES }));
  if (!isCborMap(map)) throw fault('SIGNATURE_MALFORMED', 'The protected header is no map.');
  const header = new Map<string, unknown>();
  for (const [label, value] of map) {
    const name = typeof label === 'number' ? LABELS.get(label) : label;
    // The texts "alg", "crit" and "cty" are not the labels 1, 2 and 3.
    if (name === undefined || header.has(name) || (typeof label === 'string' && [...LABELS.values()].includes(label))) {
      throw fault('NOTATION_ATTRIBUTES', 'The protected header has a label that Notation has no use for.');
    }
    header.set(name, value);
  }
  return header.set('alg', ALGORITHMS.get(header.get('alg')));
}

function toTime(value: unknown): Date | undefined {
  const seconds = decoding('A time', () => untag(value, EPOCH_TIME));
  const at = typeof seconds === 'number' ? new Date(seconds * 1000) : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}

/** RFC 9052 §4.4: `["Signature1", protected, h'', payload]` with the protected header as it was received. */
function signatureStructure(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  const context = Buffer.concat([Uint8Array.of(0x84, 0x6a), Buffer.from('Signature1', 'ascii')]);
  return Buffer.concat([context, toByteString(protectedBytes), toByteString(new Uint8Array()), toByteString(payload)]);
}

/** RFC 8949 §3.1, major type 2, in the shortest form. An envelope is bounded, so four bytes of length are enough. */
function toByteString(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  const { byteLength: size } = bytes;
  if (size < 24) return Buffer.concat([Uint8Array.of(0x40 | size), bytes]);
  if (size < 0x100) return Buffer.concat([Uint8Array.of(0x58, size), bytes]);
  if (size < 0x1_0000) {
    head.writeUInt8(0x59);
    head.writeUInt16BE(size, 1);
    return Buffer.concat([head.subarray(0, 3), bytes]);
  }
  head.writeUInt8(0x5a);
  head.writeUInt32BE(size, 1);
  return Buffer.concat([head, bytes]);
}
