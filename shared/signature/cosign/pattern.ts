import { AppError } from '../../error/app-error.js';
import { type CharTest, isMetaCharacter, readClass, readEscape } from './pattern-class.js';

/** The longest pattern, in characters. */
export const MAX_PATTERN_LENGTH = 512;
/** The longest text that is compared with a pattern, in characters: no identity is longer. */
export const MAX_SUBJECT_LENGTH = 2048;
/** The most pieces that it may come to once its repeats are written out. */
const MAX_PIECES = 2048;
const MAX_REPEAT = 64;
const MAX_DEPTH = 16;

/** A pattern that a whole text matches, or not. */
export interface Pattern {
  /** As it was written. */
  readonly source: string;
  readonly matches: (text: string) => boolean;
}

/** `test` consumes a character and goes to the next; the others consume nothing. */
type State =
  | { readonly kind: 'test'; readonly test: CharTest; readonly next: number }
  | { readonly kind: 'split'; readonly next: readonly number[] }
  | { readonly kind: 'end' };

/** A syntax tree: what a piece of a pattern means. */
type Node =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'any'; readonly choices: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number };

const invalid = (what: string) => new AppError('PATTERN_INVALID', `the pattern cannot be used: ${what}`);

/**
 * Compiles a regular expression in the plain part of RE2's syntax: literals, `.`, classes, `\d \w \s`, groups, `|`, `* + ?`
 * and `{n,m}`. It always stands for the whole text: `^` at its start and `$` at its end are taken and mean nothing. It is run
 * as a set of states over each character once, so its time is the product of both lengths whatever it says, which no
 * backtracking engine can promise. Throws `PATTERN_INVALID` for everything else: back references, look-around, flags, lazy
 * or possessive repeats, anchors inside, and a pattern that any text would match.
 */
export function parsePattern(source: string): Pattern {
  if (source.length > MAX_PATTERN_LENGTH) throw invalid('it is too long');
  const chars = Array.from(source);
  if (chars[0] === '^') chars.shift();
  // An escaped dollar sign stands for itself: only an even number of backslashes leaves it an anchor.
  if (chars.at(-1) === '$' && trailingBackslashes(chars.slice(0, -1)) % 2 === 0) chars.pop();
  const reader = { chars, at: 0 };
  const node = readChoice(reader, 0);
  if (reader.at < chars.length) throw invalid('a parenthesis is not opened');
  const states: State[] = [{ kind: 'end' }];
  const start = compile(node, 0, { states, left: MAX_PIECES });
  const matches = (text: string) => text.length <= MAX_SUBJECT_LENGTH && run(states, start, text);
  // No identity holds this character, so whatever takes a row of it takes anything.
  if (matches('\u{10FFFD}'.repeat(64)) || matches('')) throw invalid('it takes any text');
  return { source, matches };
}

function trailingBackslashes(chars: readonly string[]): number {
  return chars.length - 1 - chars.findLastIndex((char) => char !== '\\');
}

interface Reader {
  readonly chars: readonly string[];
  at: number;
}

function readChoice(reader: Reader, depth: number): Node {
  if (depth > MAX_DEPTH) throw invalid('its groups lie too deep');
  const choices = [readSequence(reader, depth)];
  while (reader.chars[reader.at] === '|') {
    reader.at += 1;
    choices.push(readSequence(reader, depth));
  }
  return choices.length === 1 && choices[0] !== undefined ? choices[0] : { kind: 'any', choices };
}

function readSequence(reader: Reader, depth: number): Node {
  const parts: Node[] = [];
  for (;;) {
    const char = reader.chars[reader.at];
    if (char === undefined || char === '|' || char === ')') return { kind: 'all', parts };
    parts.push(readRepeat(reader, readAtom(reader, depth)));
  }
}

function readAtom(reader: Reader, depth: number): Node {
  const char = reader.chars[reader.at] ?? '';
  reader.at += 1;
  if (char === '(') {
    if (reader.chars[reader.at] === '?') {
      if (reader.chars[reader.at + 1] !== ':') throw invalid('a group of this kind is not known');
      reader.at += 2;
    }
    const inner = readChoice(reader, depth + 1);
    if (reader.chars[reader.at] !== ')') throw invalid('a group is not closed');
    reader.at += 1;
    return inner;
  }
  if (char === '.') return { kind: 'char', test: (other) => other !== '\n' };
  if (char === '[') return { kind: 'char', test: readClass(reader) };
  if (char === '\\') return { kind: 'char', test: readEscape(reader) };
  if (isMetaCharacter(char)) throw invalid(`${char} may not stand there`);
  return { kind: 'char', test: (other) => other === char };
}

/** At most one repeat follows an atom: two of them are what other engines read as lazy or possessive. */
function readRepeat(reader: Reader, node: Node): Node {
  const range = readRange(reader);
  if (range === undefined) return node;
  if (['*', '+', '?', '{'].includes(reader.chars[reader.at] ?? '')) throw invalid('a repeat follows a repeat');
  return { kind: 'repeat', node, ...range };
}

function readRange(reader: Reader): { readonly min: number; readonly max: number } | undefined {
  const char = reader.chars[reader.at];
  if (char === '*' || char === '+' || char === '?') {
    reader.at += 1;
    return { min: char === '+' ? 1 : 0, max: char === '?' ? 1 : Infinity };
  }
  if (char !== '{') return undefined;
  const end = reader.chars.indexOf('}', reader.at);
  const parts = /^([0-9]{1,2})(,?)([0-9]{0,2})$/.exec(reader.chars.slice(reader.at + 1, Math.max(end, 0)).join(''));
  if (end === -1 || parts === null) throw invalid('a repeat cannot be read');
  reader.at = end + 1;
  const [, from = '', comma, to = ''] = parts;
  const min = Number(from);
  const max = comma === '' ? min : to === '' ? Infinity : Number(to);
  if ((comma === '' && to !== '') || min > max || min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT)) {
    throw invalid('a repeat is out of range');
  }
  return { min, max };
}

interface Program {
  readonly states: State[];
  left: number;
}

/** Adds the states of `node` that lead to the state `next`; gives the state to enter. Built from the end to the start. */
function compile(node: Node, next: number, program: Program): number {
  // Counted by pieces, not by states: a repeat of nothing has none, and would still be written out.
  program.left -= 1;
  if (program.left < 0) throw invalid('it repeats too much');
  const add = (state: State) => program.states.push(state) - 1;
  switch (node.kind) {
    case 'char':
      return add({ kind: 'test', test: node.test, next });
    case 'all':
      return node.parts.reduceRight((after, part) => compile(part, after, program), next);
    case 'any':
      return add({ kind: 'split', next: node.choices.map((choice) => compile(choice, next, program)) });
    case 'repeat': {
      let entry = next;
      if (node.max === Infinity) {
        const loop: number[] = [next];
        entry = add({ kind: 'split', next: loop });
        loop.push(compile(node.node, entry, program));
      } else {
        for (let count = node.min; count < node.max; count += 1) {
          entry = add({ kind: 'split', next: [next, compile(node.node, entry, program)] });
        }
      }
      for (let count = 0; count < node.min; count += 1) entry = compile(node.node, entry, program);
      return entry;
    }
  }
}

function run(states: readonly State[], start: number, text: string): boolean {
  let current = reach(states, [start]);
  for (const char of text) {
    const after = [...current].flatMap((index) => {
      const state = states[index];
      return state?.kind === 'test' && state.test(char) ? [state.next] : [];
    });
    if (after.length === 0) return false;
    current = reach(states, after);
  }
  return current.has(0);
}

/** The states that are reached without a character. */
function reach(states: readonly State[], from: readonly number[]): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = [...from];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (seen.has(index)) continue;
    seen.add(index);
    const state = states[index];
    if (state?.kind === 'split') open.push(...state.next);
  }
  return seen;
}
