import { type Change, pick, pickFrom } from './change.js';

/** What readers have stumbled over, in any encoding. */
const TEXTS = [
  ...['null', 'true', '{}', '[]', '""', '"', ',', '{"', '}', ']', ':', '-1', '1e999', '0x10', '__proto__'],
  ...['constructor', '\\u0000', '\\ud800', '\0', '\n', '\r\n', ' ', '\uFEFF', '../', 'crit', 'b64', 'alg', 'none'],
  ...['sha256:', 'AAAA', '====', '-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', 'application/json'],
];
const HEXADECIMAL = [
  ...['3000', '3080', '0000', '30840fffffff', '0500', '020100', '0400', '0101ff', 'a000', '3003020101', '1f8101'],
  // CBOR: indefinite lengths and their end, the simple values, huge lengths, a fraction, tags.
  ...['9f', 'bf', '5f', 'ff', 'f4', 'f6', 'f7', '5b00000000ffffffff', '9b7fffffffffffffff', 'fb7ff8000000000000'],
  ...['c0', 'd2', '00', '7f', '80', 'efbfbd', 'c0af', 'eda080', 'f4908080'],
];
const TOKENS: readonly Buffer[] = [
  ...TEXTS.map((text) => Buffer.from(text)),
  ...HEXADECIMAL.map((text) => Buffer.from(text, 'hex')),
];

function insertAt(bytes: Buffer, at: number, piece: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

/** Changes of bytes, whatever they mean. */
export const RAW_CHANGES: readonly Change[] = [
  {
    name: 'bit flipped',
    apply: ({ bytes }, { random }) => {
      const changed = Buffer.from(bytes);
      const at = random.below(bytes.byteLength);
      if (bytes.byteLength > 0) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
      return changed;
    },
  },
  {
    name: 'byte set',
    apply: ({ bytes }, { random }) => {
      const changed = Buffer.from(bytes);
      if (bytes.byteLength > 0) {
        changed[random.below(bytes.byteLength)] = pickFrom(random, [0, 0x20, 0x22, 0x30, 0x7f, 0x80, 0xff, 0x5c]);
      }
      return changed;
    },
  },
  {
    name: 'bytes inserted',
    apply: ({ bytes }, { random }) => {
      const piece = Buffer.from(Array.from({ length: 1 + random.below(4) }, () => random.below(256)));
      return insertAt(bytes, random.below(bytes.byteLength + 1), piece);
    },
  },
  {
    name: 'token inserted',
    apply: ({ bytes }, { random }) =>
      insertAt(bytes, random.below(bytes.byteLength + 1), pick(random, TOKENS) ?? Buffer.alloc(1)),
  },
  {
    name: 'token before it',
    apply: ({ bytes }, { random }) => insertAt(bytes, 0, pick(random, TOKENS) ?? Buffer.alloc(1)),
  },
  {
    name: 'token behind it',
    apply: ({ bytes }, { random }) => insertAt(bytes, bytes.byteLength, pick(random, TOKENS) ?? Buffer.alloc(1)),
  },
  {
    name: 'token instead',
    apply: (_, { random }) => pick(random, TOKENS),
  },
  {
    name: 'bytes deleted',
    apply: ({ bytes }, { random }) => {
      const at = random.below(bytes.byteLength);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
    },
  },
  { name: 'cut', apply: ({ bytes }, { random }) => bytes.subarray(0, random.below(bytes.byteLength)) },
  { name: 'emptied', apply: () => Buffer.alloc(0) },
  {
    name: 'piece repeated',
    apply: ({ bytes }, { random }) => {
      const at = random.below(bytes.byteLength);
      const piece = bytes.subarray(at, at + 1 + random.below(64));
      return insertAt(bytes, at, Buffer.concat(Array.from({ length: 1 + random.below(8) }, () => piece)));
    },
  },
  {
    name: 'bytes of another place',
    apply: (_, { random, donors }) => pick(random, donors)?.bytes,
  },
  {
    name: 'half of another place',
    apply: ({ bytes }, { random, donors }) => {
      const other = pick(random, donors)?.bytes;
      const at = random.below(bytes.byteLength + 1);
      return other && Buffer.concat([bytes.subarray(0, at), other.subarray(Math.min(at, other.byteLength))]);
    },
  },
];
