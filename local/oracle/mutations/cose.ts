import { Tag, decode } from 'cbor2';
import { encodeCbor } from '../cbor.js';
import { type Mutation, editBlob, flip } from './mutation.js';

// RFC 9052 §4.2, and the Notary Project's *COSE Signature Specification*.

type Headers = Map<number | string, unknown>;
type Parts = [protectedHeaders: Uint8Array, unprotectedHeaders: Headers, payload: Uint8Array, signature: Uint8Array];

const X5CHAIN = 33;
const TAG_SIGN1 = 18;
const TIMESTAMP = 'io.cncf.notary.timestampSignature';
const OPTIONS = { preferMap: true } as const;

/** The four parts, where it is an envelope of this kind. */
function partsOf(bytes: Buffer): Parts | undefined {
  // The tag's own byte: everything else is no business of this file.
  if (bytes[0] !== 0xd2) return undefined;
  return decode<Tag>(bytes, OPTIONS).contents as Parts;
}

const raw = (name: string, edit: (bytes: Buffer, parts: Parts) => Uint8Array | undefined): Mutation => ({
  name: `cose: ${name}`,
  apply: (layout) =>
    editBlob(layout, (bytes) => {
      const parts = partsOf(bytes);
      return parts && edit(bytes, parts);
    }),
});
const envelope = (name: string, edit: (parts: Parts) => unknown): Mutation =>
  raw(name, (_, parts) => (edit(parts) === false ? undefined : encodeCbor(new Tag(TAG_SIGN1, parts))));
const unprotectedHeader = (name: string, edit: (headers: Headers) => unknown): Mutation =>
  envelope(`unprotected ${name}`, ([, headers]) => edit(headers));
const protectedHeader = (name: string, edit: (headers: Headers) => unknown): Mutation =>
  envelope(`protected ${name}`, (parts) => {
    const headers = decode<Headers>(parts[0], OPTIONS);
    if (edit(headers) === false) return false;
    parts[0] = encodeCbor(headers);
    return true;
  });
const chain = (name: string, edit: (chain: Uint8Array[]) => unknown): Mutation =>
  unprotectedHeader(`x5chain ${name}`, (headers) => edit(headers.get(X5CHAIN) as Uint8Array[]));
const bytesOf = (value: Uint8Array | undefined) => Buffer.from(value ?? []);

/** A map with one more entry, written by hand: an encoder would not write a name twice. */
function mapWithDouble(headers: Headers, name: number | string): Uint8Array {
  const entries = [...headers].flatMap(([key, value]) => [encodeCbor(key), encodeCbor(value)]);
  return Buffer.concat([
    Buffer.from([0xa0 | (headers.size + 1)]),
    ...entries,
    encodeCbor(name),
    encodeCbor(headers.get(name)),
  ]);
}

function assemble({
  protectedHeaders,
  headers,
  payload,
  signature,
}: Record<'protectedHeaders' | 'headers' | 'payload' | 'signature', Uint8Array>): Uint8Array {
  return Buffer.concat([Buffer.from([0xd2, 0x84]), protectedHeaders, headers, payload, signature]);
}

/** What can be wrong with a COSE envelope. What is signed is changed without being signed again. */
export const COSE_MUTATIONS: readonly Mutation[] = [
  envelope('rewritten, with nothing changed', () => true),
  raw('bytes behind it', (bytes) => Buffer.concat([bytes, Buffer.from([0])])),
  raw('another envelope behind it', (bytes) => Buffer.concat([bytes, bytes])),
  raw('cut short', (bytes) => bytes.subarray(0, -1)),
  raw('nothing', () => Buffer.alloc(0)),
  raw('without tag', (bytes) => bytes.subarray(1)),
  raw('of another tag', (_, parts) => encodeCbor(new Tag(98, parts))),
  raw('tag twice', (bytes) => Buffer.concat([Buffer.from([0xd2]), bytes])),
  raw('tagged as CBOR', (bytes) => Buffer.concat([Buffer.from([0xd9, 0xd9, 0xf7]), bytes])),
  raw('tag in two bytes', (bytes) => Buffer.concat([Buffer.from([0xd8, 0x12]), bytes.subarray(1)])),
  raw('five parts', (_, parts) => encodeCbor(new Tag(TAG_SIGN1, [...parts, null]))),
  raw('three parts', (_, parts) => encodeCbor(new Tag(TAG_SIGN1, parts.slice(0, 3)))),
  raw('of no fixed length', (bytes) =>
    Buffer.concat([Buffer.from([0xd2, 0x9f]), bytes.subarray(2), Buffer.from([0xff])]),
  ),
  raw('unprotected x5chain twice', (_, [protectedHeaders, headers, payload, signature]) =>
    assemble({
      protectedHeaders: encodeCbor(protectedHeaders),
      headers: mapWithDouble(headers, X5CHAIN),
      payload: encodeCbor(payload),
      signature: encodeCbor(signature),
    }),
  ),
  envelope('protected with alg twice', (parts) => {
    parts[0] = mapWithDouble(decode<Headers>(parts[0], OPTIONS), 1);
  }),
  envelope('protected one bit changed', (parts) => (parts[0] = flip(bytesOf(parts[0])))),
  envelope('protected empty', (parts) => (parts[0] = Buffer.alloc(0))),
  envelope('payload one bit changed', (parts) => (parts[2] = flip(bytesOf(parts[2])))),
  envelope('payload empty', (parts) => (parts[2] = Buffer.alloc(0))),
  raw('payload left out', (_, [head, headers, , signature]) =>
    encodeCbor(new Tag(TAG_SIGN1, [head, headers, null, signature])),
  ),
  envelope('payload with a space behind it', (parts) => (parts[2] = Buffer.concat([parts[2], Buffer.from(' ')]))),
  envelope('signature one bit changed', (parts) => (parts[3] = flip(bytesOf(parts[3])))),
  envelope('signature empty', (parts) => (parts[3] = Buffer.alloc(0))),
  envelope('signature with a byte behind it', (parts) => (parts[3] = Buffer.concat([parts[3], Buffer.from([0])]))),
  envelope('signature cut short', (parts) => (parts[3] = parts[3].subarray(0, -1))),
  unprotectedHeader('unknown member', (headers) => headers.set('example', true)),
  unprotectedHeader('unknown number', (headers) => headers.set(99, true)),
  unprotectedHeader('alg', (headers) => headers.set(1, -7)),
  unprotectedHeader('crit', (headers) => headers.set(2, ['example'])),
  unprotectedHeader('another signing agent', (headers) => headers.set('io.cncf.notary.signingAgent', 'example/1')),
  unprotectedHeader('signing agent a number', (headers) => headers.set('io.cncf.notary.signingAgent', 1)),
  unprotectedHeader('without x5chain', (headers) => headers.delete(X5CHAIN)),
  unprotectedHeader('time stamp left out', (headers) => headers.delete(TIMESTAMP)),
  unprotectedHeader('time stamp one bit changed', (headers) => {
    const stamp = headers.get(TIMESTAMP);
    return stamp instanceof Uint8Array && headers.set(TIMESTAMP, flip(bytesOf(stamp)));
  }),
  unprotectedHeader('time stamp of nothing', (headers) => headers.set(TIMESTAMP, Buffer.from('no'))),
  unprotectedHeader('time stamp a text', (headers) => headers.set(TIMESTAMP, 'no')),
  unprotectedHeader('x5chain one certificate without a list', (headers) => {
    const [first, ...others] = headers.get(X5CHAIN) as Uint8Array[];
    return others.length === 0 && headers.set(X5CHAIN, first);
  }),
  chain('empty', (found) => found.splice(0)),
  chain('without the signer', (found) => found.shift()),
  chain('without the root', (found) => found.length > 1 && found.pop()),
  chain('without what is between', (found) => found.length > 2 && found.splice(1, 1)),
  chain('in reverse', (found) => found.length > 1 && found.reverse()),
  chain('with the root twice', (found) => found.push(bytesOf(found.at(-1)))),
  chain('with the signer twice', (found) => found.unshift(bytesOf(found[0]))),
  chain('with junk', (found) => found.push(Buffer.from('junk'))),
  chain('the signer one bit changed', (found) => (found[0] = flip(bytesOf(found[0])))),
  chain(
    'with bytes behind a certificate',
    (found) => (found[0] = Buffer.concat([bytesOf(found[0]), Buffer.from([0])])),
  ),
  protectedHeader('rewritten', () => true),
  protectedHeader('without alg', (headers) => headers.delete(1)),
  protectedHeader('another alg', (headers) => headers.set(1, -36)),
  protectedHeader('without crit', (headers) => headers.delete(2)),
  protectedHeader('crit empty', (headers) => headers.set(2, [])),
  protectedHeader('without content type', (headers) => headers.delete(3)),
  protectedHeader('without scheme', (headers) => headers.delete('io.cncf.notary.signingScheme')),
  protectedHeader('without time', (headers) => headers.delete('io.cncf.notary.signingTime')),
  protectedHeader('without expiry', (headers) => headers.delete('io.cncf.notary.expiry')),
];
