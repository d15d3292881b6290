import type { Place } from '../document/place.js';
import { cborHead } from '../document/cbor.js';
import { type Change, type Source, pick, pickFrom } from './change.js';

/** A change of the parts of a place that has some. */
function parts(name: string, edit: (all: readonly Buffer[], source: Source) => readonly Buffer[] | undefined): Change {
  return {
    name,
    apply: (place, source) => {
      const edited = place.parts && edit(place.parts, source);
      return edited && place.join(edited);
    },
  };
}

const NAMES = [
  'example',
  'crit',
  'payload',
  'signatures',
  'sig',
  'keyid',
  'alg',
  'x5c',
  'digest',
  '',
  '__proto__',
] as const;
const VALUES = ['null', '1', '"x"', '[]', '{}', '"AAAA"', 'true'] as const;
/** Integers, text, bytes, lists, maps. */
const ITEMS = ['00', '20', '6178', '4161', '80', 'a0', 'f6', '01', '02', '1821', 'c100', 'd280'] as const;

/** Something that can stand in a list of this format and was not there. */
function stranger(place: Place, { random, donors }: Source): Buffer {
  const donor = pick(random, donors);
  const likely = donor?.format === place.format && donor.parts !== undefined && random.chance(0.5);
  const given = likely ? pick(random, donor.parts) : undefined;
  if (given !== undefined) return given;
  switch (place.format) {
    case 'json': {
      const value = pickFrom(random, VALUES);
      return Buffer.from(place.bytes[0] === 0x7b ? `"${pickFrom(random, NAMES)}":${value}` : value);
    }
    case 'cbor': {
      const item = () => Buffer.from(pickFrom(random, ITEMS), 'hex');
      return (place.bytes[0] ?? 0) >> 5 === 5 ? Buffer.concat([item(), item()]) : item();
    }
    case 'der':
    case 'bytes':
      return Buffer.from(pickFrom(random, ['0500', '020101', '3000', '040100', '0101ff', 'a0020500', '3100']), 'hex');
  }
}

/** Changes of what an object, a list, a map, a sequence or a set consists of. */
export const LIST_CHANGES: readonly Change[] = [
  parts('part left out', (all, { random }) => all.toSpliced(random.below(all.length), 1)),
  parts('all parts left out', () => []),
  parts('part twice', (all, { random }) => {
    const at = random.below(all.length);
    return all.toSpliced(at, 0, ...all.slice(at, at + 1));
  }),
  parts('part twice, at the end', (all, { random }) => [
    ...all,
    ...(pick(
      random,
      all.map((part) => [part]),
    ) ?? []),
  ]),
  parts('parts exchanged', (all, { random }) => {
    const [a, b] = [random.below(all.length), random.below(all.length)];
    return all.map((part, at) => all[at === a ? b : at === b ? a : at] ?? part);
  }),
  parts('in reverse', (all) => all.toReversed()),
  parts('many times', (all, { random }) =>
    Array.from({ length: pickFrom(random, [3, 11, 33, 65, 129]) }, (_, at) => all[at % all.length] ?? Buffer.alloc(0)),
  ),
  {
    name: 'a stranger in it',
    apply: (place, source) => {
      const all = place.parts;
      return all && place.join(all.toSpliced(source.random.below(all.length + 1), 0, stranger(place, source)));
    },
  },
  {
    name: 'a part replaced by a stranger',
    apply: (place, source) => {
      const all = place.parts;
      return all && place.join(all.toSpliced(source.random.below(all.length), 1, stranger(place, source)));
    },
  },
  {
    name: 'nested in itself',
    apply: ({ bytes, format }, { random }) => {
      const deep = pickFrom(random, [1, 2, 20, 200, 2000]);
      switch (format) {
        case 'json':
          return Buffer.from(`${'['.repeat(deep)}${bytes.toString('latin1')}${']'.repeat(deep)}`, 'latin1');
        case 'cbor':
          return Buffer.concat([Buffer.alloc(deep, cborHead(4, 1)), bytes]);
        case 'der':
        case 'bytes':
          // Lengths that are not definite nest without end.
          return Buffer.concat([Buffer.alloc(deep * 2, Buffer.from('3080', 'hex')), bytes, Buffer.alloc(deep * 2)]);
      }
    },
  },
];
