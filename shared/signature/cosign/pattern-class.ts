import { AppError } from '../../error/app-error.js';

/** Whether one character is meant. */
export type CharTest = (char: string) => boolean;

/** The characters of a pattern, and how far they are read. */
interface Reader {
  readonly chars: readonly string[];
  at: number;
}

const invalid = (what: string) => new AppError('PATTERN_INVALID', `the pattern cannot be used: ${what}`);
const META = new Set('\\^$.|?*+()[]{}');

/** Whether a character means something in a pattern, and stands for itself only after a backslash. */
export function isMetaCharacter(char: string): boolean {
  return META.has(char);
}

const SETS: ReadonlyMap<string, CharTest> = new Map([
  ['d', (char: string) => /^[0-9]$/.test(char)],
  ['w', (char: string) => /^[0-9A-Za-z_]$/.test(char)],
  ['s', (char: string) => /^[\t\n\f\r ]$/.test(char)],
  ['D', (char: string) => !/^[0-9]$/.test(char)],
  ['W', (char: string) => !/^[0-9A-Za-z_]$/.test(char)],
  ['S', (char: string) => !/^[\t\n\f\r ]$/.test(char)],
]);

/** Reads what follows a backslash: a set, or punctuation that stands for itself. Throws `PATTERN_INVALID`. */
export function readEscape(reader: Reader): CharTest {
  const char = reader.chars[reader.at] ?? '';
  reader.at += 1;
  const set = SETS.get(char);
  if (set !== undefined) return set;
  // A letter or digit may be a back reference, a boundary or a class of another engine.
  if (!/^[!-/:-@[-`{-~]$/.test(char)) throw invalid('an escape is not known');
  return (other) => other === char;
}

/** Reads a class behind its opening bracket, such as `a-z0-9_]`. Throws `PATTERN_INVALID`. */
export function readClass(reader: Reader): CharTest {
  const negated = reader.chars[reader.at] === '^';
  if (negated) reader.at += 1;
  const tests: CharTest[] = [];
  for (;;) {
    const char = reader.chars[reader.at];
    if (char === undefined) throw invalid('a class is not closed');
    reader.at += 1;
    if (char === ']') break;
    if (char === '[') throw invalid('a class lies in a class');
    if (char === '\\') {
      tests.push(readEscape(reader));
      continue;
    }
    const last = reader.chars[reader.at + 1];
    if (reader.chars[reader.at] !== '-' || last === ']') {
      tests.push((other) => other === char);
      continue;
    }
    if (last === undefined || last === '\\' || last === '[' || compare(char, last) > 0) {
      throw invalid('a range cannot be read');
    }
    reader.at += 2;
    tests.push((other) => compare(char, other) <= 0 && compare(other, last) <= 0);
  }
  if (tests.length === 0) throw invalid('a class is empty');
  return (char) => tests.some((test) => test(char)) !== negated;
}

function compare(a: string, b: string): number {
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}
