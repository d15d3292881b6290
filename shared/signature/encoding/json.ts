import { AppError } from '../../error/app-error.js';

/** Bounds of a JSON document from outside. */
export interface JsonLimits {
  /** Bytes of the document. */
  readonly maxBytes: number;
  /** How deep objects and arrays may lie in each other; default: 16. */
  readonly maxDepth?: number;
  /** How many members and elements there may be altogether, about; default: as many as fit. */
  readonly maxItems?: number;
  /** Refuses numbers that are not written as whole ones, or that a double cannot hold; default: false. */
  readonly wholeNumbers?: boolean;
}

const malformed = (what: string, cause?: unknown) =>
  new AppError('ENCODING_MALFORMED', `no strict JSON: ${what}`, { cause });

/**
 * Parses JSON of RFC 8259 in UTF-8 without a byte order mark. Throws `ENCODING_MALFORMED` for what is no JSON, for a bound that
 * is passed, for a member `__proto__`, and for an object that has a member twice, however it is escaped: readers differ on
 * which of the two counts.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  if (bytes.byteLength > limits.maxBytes) throw malformed('too large');
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    // The scan trusts the text to be JSON; where it is not, the parser says so. The depth is known before it starts.
    scan(text, limits);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw malformed('it cannot be parsed', cause);
  }
}

const NUMBER_START = /[-0-9]/;
const NUMBER = /[-+.0-9eE]*/y;
const WHOLE = /^-?[0-9]+$/;

/** Walks over the tokens once, keeping the members of each object that is open; an array has none to keep. */
function scan(text: string, { maxDepth = 16, maxItems = Infinity, wholeNumbers = false }: JsonLimits): void {
  const open: (Set<string> | undefined)[] = [];
  let items = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '{' || char === '[') {
      if (open.push(char === '{' ? new Set() : undefined) > maxDepth) throw malformed('too deep');
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (char === ',') {
      if (++items >= maxItems) throw malformed('too many members');
    } else if (char === '"') {
      const end = endOfString(text, at);
      const members = open.at(-1);
      if (members !== undefined && isFollowedByColon(text, end)) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (members.has(name)) throw malformed('a member occurs twice');
        // To JavaScript it is no ordinary member, and no document that is read here has it.
        if (name === '__proto__') throw malformed('a member is named __proto__');
        members.add(name);
      }
      at = end - 1;
    } else if (wholeNumbers && NUMBER_START.test(char)) {
      NUMBER.lastIndex = at;
      const [number = ''] = NUMBER.exec(text) ?? [];
      if (!WHOLE.test(number) || !Number.isSafeInteger(Number(number))) throw malformed('a number is not whole');
      at += number.length - 1;
    }
  }
}

/** Where the string that starts at `start` has ended: after its closing quote, or after the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** In an object, only the name of a member is followed by a colon. RFC 8259 §4; white space as in §2. */
function isFollowedByColon(text: string, start: number): boolean {
  let at = start;
  while (' \t\n\r'.includes(text[at] ?? 'x')) at += 1;
  return text[at] === ':';
}
