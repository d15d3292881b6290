import { writeDer } from '../document/der.js';
import { cborHead, readCbor } from '../document/cbor.js';
import type { Format } from '../document/place.js';
import { type Change, type Source, pickFrom } from './change.js';

/** A change of the text of a JSON string. */
function text(name: string, edit: (value: string, source: Source) => string): Change {
  return {
    name,
    apply: ({ format, bytes }, source) => {
      if (format !== 'json' || bytes[0] !== 0x22) return undefined;
      const value = JSON.parse(bytes.toString('utf8')) as string;
      return Buffer.from(JSON.stringify(edit(value, source)));
    },
  };
}

/** A change of how something is written. */
function written(
  format: Format,
  name: string,
  edit: (bytes: Buffer, source: Source) => Buffer | string | undefined,
): Change {
  return {
    name,
    apply: (place, source) => {
      if (place.format !== format) return undefined;
      const edited = edit(place.bytes, source);
      return typeof edited === 'string' ? Buffer.from(edited, 'latin1') : edited;
    },
  };
}

const number = (name: string, edit: (value: string) => string): Change =>
  written('json', name, (bytes) => {
    const value = bytes.toString('latin1');
    return /^-?[0-9]+$/.test(value) ? edit(value) : undefined;
  });

const insertText = (value: string, { random }: Source, piece: string) => {
  const at = random.below(value.length + 1);
  return `${value.slice(0, at)}${piece}${value.slice(at)}`;
};

const otherCase = (char: string) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase());

/** Changes of values in JSON. */
const JSON_CHANGES: readonly Change[] = [
  text('a character changed', (value, { random }) => {
    const at = random.below(value.length);
    const other = pickFrom(random, ['A', 'B', '0', '1', '/', '+', '-', '_', '=', 'é', '\u0000']);
    return `${value.slice(0, at)}${other}${value.slice(at + 1)}`;
  }),
  text('in another case', (value, { random }) => {
    const at = random.below(value.length);
    return `${value.slice(0, at)}${otherCase(value.charAt(at))}${value.slice(at + 1)}`;
  }),
  text('white space in it', (value, source) =>
    insertText(value, source, pickFrom(source.random, [' ', '\n', '\t', '\r\n', '\u00a0', '\u200b'])),
  ),
  text('without padding', (value) => value.replace(/=+$/, '')),
  text('with padding', (value) => `${value}=`),
  text('in the other alphabet', (value) =>
    value.replaceAll(/[-+_/]/g, (char) => ({ '-': '+', '+': '-', _: '/', '/': '_' })[char] ?? char),
  ),
  // Of the last character before padding, some bits are of no byte.
  text('with bits that count for nothing', (value) =>
    value.replace(/[A-Za-z0-9+/](?==*$)/, (char) => String.fromCharCode(char.charCodeAt(0) + 1)),
  ),
  text('a thousand times as long', (value) => value.repeat(1000).slice(0, 300_000)),
  written('json', 'written with escapes', (bytes) =>
    bytes[0] === 0x22
      ? `"${Array.from(JSON.parse(bytes.toString('latin1')) as string, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
      : undefined,
  ),
  written('json', 'as another type', (bytes, { random }) => {
    const value = bytes.toString('latin1');
    return pickFrom(random, [
      'null',
      'true',
      '0',
      '-0',
      '[]',
      '{}',
      `[${value}]`,
      `{"0":${value}}`,
      JSON.stringify(value),
    ]);
  }),
  written('json', 'with space around it', (bytes) => ` \n${bytes.toString('latin1')}\t`),
  number('one more', (value) => String(BigInt(value) + 1n)),
  number('one less', (value) => String(BigInt(value) - 1n)),
  number('as a fraction', (value) => `${value}.0`),
  number('as a power', (value) => `${value}e0`),
  number('below zero', (value) => `-${value}`),
  number('larger than can be told', (value) => `${value}00000000000000000000`),
];

const DER_CHANGES: readonly Change[] = [
  written('der', 'longer length than needed', (bytes) => {
    const size = bytes[1] ?? 0x80;
    return size < 0x80 ? Buffer.concat([Buffer.from([bytes[0] ?? 0, 0x81]), bytes.subarray(1)]) : undefined;
  }),
  written('der', 'length not definite', (bytes) =>
    (bytes[1] ?? 0x80) < 0x80
      ? Buffer.concat([Buffer.from([bytes[0] ?? 0, 0x80]), bytes.subarray(2), Buffer.alloc(2)])
      : undefined,
  ),
  written('der', 'another tag', (bytes, { random }) => {
    const tags = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0xa0, 0xa1, 0x1f];
    return Buffer.concat([Buffer.from([tags[random.below(tags.length)] ?? 0]), bytes.subarray(1)]);
  }),
  written('der', 'with a zero before it', (bytes) =>
    bytes[0] === 0x02 && (bytes[1] ?? 0x80) < 0x7f ? writeDer(0x02, Buffer.alloc(1), bytes.subarray(2)) : undefined,
  ),
  written('der', 'true in another way', (bytes) => (bytes[0] === 0x01 ? Buffer.from([1, 1, 1]) : undefined)),
  written('der', 'false, written out', (bytes) => (bytes[0] === 0x01 ? Buffer.from([1, 1, 0]) : undefined)),
  written('der', 'bits that are of no byte', (bytes) =>
    bytes[0] === 0x03 && bytes.byteLength > 3
      ? Buffer.concat([bytes.subarray(0, 2), Buffer.from([7]), bytes.subarray(3)])
      : undefined,
  ),
  written('der', 'very long', (bytes, { random }) =>
    writeDer(bytes[0] ?? 0x04, Buffer.alloc(pickFrom(random, [200, 5000, 30_000, 70_000]), 0x41)),
  ),
];

const CBOR_CHANGES: readonly Change[] = [
  written('cbor', 'longer head than needed', (bytes, { random }) => {
    const node = readCbor(bytes);
    if (node === undefined || node.major === 7) return undefined;
    const head = cborHead(node.major, node.argument, pickFrom(random, [1, 2, 4, 8]));
    const least = cborHead(node.major, node.argument).byteLength;
    return Buffer.concat([head, bytes.subarray(least)]);
  }),
  written('cbor', 'length not definite', (bytes) => {
    const node = readCbor(bytes);
    if (node === undefined || node.major < 2 || node.major > 5) return undefined;
    const least = cborHead(node.major, node.argument).byteLength;
    const content = node.major < 4 ? bytes : bytes.subarray(least);
    return Buffer.concat([Buffer.from([(node.major << 5) | 31]), content, Buffer.from([0xff])]);
  }),
  written('cbor', 'another type', (bytes, { random }) =>
    Buffer.concat([Buffer.from([((bytes[0] ?? 0) & 31) | (random.below(8) << 5)]), bytes.subarray(1)]),
  ),
  written('cbor', 'tagged', (bytes, { random }) =>
    Buffer.concat([cborHead(6, pickFrom(random, [0, 1, 2, 18, 24, 25, 29, 98, 258, 55_799])), bytes]),
  ),
  written('cbor', 'a fraction instead', () => Buffer.from('fb3ff8000000000000', 'hex')),
];

/** Changes of single values, in the way of their encoding. */
export const LEAF_CHANGES: readonly Change[] = [...JSON_CHANGES, ...DER_CHANGES, ...CBOR_CHANGES];
