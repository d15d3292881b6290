/** A value in a JSON text, by where it is written. Names of members come as they mean, not as they are escaped. */
export interface JsonNode {
  readonly kind: 'object' | 'array' | 'string' | 'other';
  readonly start: number;
  readonly end: number;
  readonly items: readonly JsonItem[];
}

/** A member of an object or an element of an array; `start` is that of its name. */
export interface JsonItem {
  readonly name: string;
  readonly start: number;
  readonly node: JsonNode;
}

const MAX_DEPTH = 100;

/**
 * Reads a JSON text and keeps what `JSON.parse` loses: where everything is written, and members that occur twice. Undefined where
 * it is none, or lies deeper than anybody looks.
 */
export function readJson(text: string): JsonNode | undefined {
  try {
    JSON.parse(text);
    const reader = { text, at: 0 };
    const node = readValue(reader, 0);
    skipSpace(reader);
    return reader.at === text.length ? node : undefined;
  } catch {
    return undefined;
  }
}

interface Reader {
  readonly text: string;
  at: number;
}

/** The text is known to be JSON, so little can go wrong. */
function readValue(reader: Reader, depth: number): JsonNode {
  if (depth > MAX_DEPTH) throw new Error('too deep');
  skipSpace(reader);
  const start = reader.at;
  const char = reader.text.charAt(start);
  if (char === '"') {
    reader.at = endOfString(reader);
    return { kind: 'string', start, end: reader.at, items: [] };
  }
  if (char !== '{' && char !== '[') {
    while (/[-+.\w]/.test(reader.text.charAt(reader.at))) reader.at += 1;
    return { kind: 'other', start, end: reader.at, items: [] };
  }
  const items: JsonItem[] = [];
  reader.at += 1;
  for (;;) {
    skipSpace(reader);
    const next = reader.text.charAt(reader.at);
    if (next === '}' || next === ']') break;
    if (next === ',') reader.at += 1;
    skipSpace(reader);
    const itemStart = reader.at;
    let name = String(items.length);
    if (char === '{') {
      reader.at = endOfString(reader);
      name = JSON.parse(reader.text.slice(itemStart, reader.at)) as string;
      skipSpace(reader);
      reader.at += 1;
    }
    items.push({ name, start: itemStart, node: readValue(reader, depth + 1) });
  }
  reader.at += 1;
  return { kind: char === '{' ? 'object' : 'array', start, end: reader.at, items };
}

function skipSpace(reader: Reader): void {
  while (' \t\n\r'.includes(reader.text[reader.at] ?? 'x')) reader.at += 1;
}

function endOfString({ text, at: start }: Reader): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
