import { cborHead, type CborNode, readCbor } from './cbor.js';
import { type DerNode, readDer, readDerList, writeDer } from './der.js';
import { type JsonNode, readJson } from './json.js';

/** How an element is written. */
export type Format = 'json' | 'der' | 'cbor' | 'bytes';

/** One element of a document, at any depth of encodings within encodings. */
export interface Place {
  /** Where it is: `|` leads into another encoding. */
  readonly path: string;
  readonly format: Format;
  /** As it is written. */
  readonly bytes: Buffer;
  /** What it consists of, as it is written; undefined where it has no parts. */
  readonly parts: readonly Buffer[] | undefined;
  /** The same with other parts. */
  readonly join: (parts: readonly Buffer[]) => Buffer;
  /** The whole document with something else in this place, and everything around it made to fit: lengths, counts, encodings. */
  readonly put: (bytes: Buffer) => Buffer;
}

/** Where an encoding lies, and how it is put back. */
interface Spot {
  readonly path: string;
  readonly put: (bytes: Buffer) => Buffer;
  readonly depth: number;
}

const MAX_DEPTH = 12;
const MAX_PLACES = 20_000;

/** Everything in a document that can be changed by itself. The document as a whole comes first. */
export function placesOf(document: Buffer, path: string): readonly Place[] {
  const places: Place[] = [];
  open(document, { path, put: (bytes) => bytes, depth: 0 }, places);
  return places;
}

function leaf(format: Format, bytes: Buffer, { path, put }: Spot): Place {
  return { path, format, bytes, put, parts: undefined, join: () => bytes };
}

/** Finds out what bytes are. */
function open(bytes: Buffer, spot: Spot, places: Place[]): void {
  if (spot.depth > MAX_DEPTH || places.length > MAX_PLACES) return;
  const first = bytes[0];
  const text = first === 0x7b || first === 0x5b ? bytes.toString('latin1') : undefined;
  const json = text === undefined ? undefined : readJson(text);
  if (text !== undefined && json !== undefined) {
    openJson(json, { text, ...spot }, places);
    return;
  }
  if (bytes.subarray(0, 11).toString('latin1') === '-----BEGIN ') {
    places.push(leaf('bytes', bytes, spot));
    openPem(bytes.toString('latin1'), spot, places);
    return;
  }
  const der = first === 0x30 ? readDer(bytes) : undefined;
  if (der !== undefined) {
    openDer(der, spot, places);
    return;
  }
  // The tag of COSE_Sign1, or the map in it that is signed.
  const cbor = first === 0xd2 || (first !== undefined && first >> 5 === 5) ? readCbor(bytes) : undefined;
  if (cbor !== undefined) openCbor(cbor, spot, places);
  else places.push(leaf('bytes', bytes, spot));
}

function openJson(node: JsonNode, spot: Spot & { readonly text: string }, places: Place[]): void {
  const { text, path, put, depth } = spot;
  const slice = (start: number, end: number) => Buffer.from(text.slice(start, end), 'latin1');
  const own = {
    path,
    depth,
    put: (bytes: Buffer) => put(Buffer.concat([slice(0, node.start), bytes, slice(node.end, text.length)])),
  };
  const bytes = slice(node.start, node.end);
  if (node.kind === 'string') {
    places.push(leaf('json', bytes, own));
    openString(JSON.parse(text.slice(node.start, node.end)) as string, own, places);
    return;
  }
  if (node.kind === 'other') {
    places.push(leaf('json', bytes, own));
    return;
  }
  const [before, after] = node.kind === 'object' ? ['{', '}'] : ['[', ']'];
  places.push({
    ...{ path, format: 'json', bytes, put: own.put },
    parts: node.items.map((item) => slice(item.start, item.node.end)),
    join: (parts) =>
      Buffer.from(`${before}${parts.map((part) => part.toString('latin1')).join(',')}${after}`, 'latin1'),
  });
  for (const { name, node: child } of node.items) openJson(child, { ...spot, path: `${path}.${name}` }, places);
}

/** Base64, text of JSON and PEM in a string. */
function openString(value: string, { path, put, depth }: Spot, places: Place[]): void {
  const inner = { path: `${path}|`, depth: depth + 1 };
  if (value.startsWith('{') || value.startsWith('-----BEGIN ')) {
    const write = (bytes: Buffer) => put(Buffer.from(JSON.stringify(bytes.toString('latin1')), 'latin1'));
    open(Buffer.from(value, 'latin1'), { ...inner, put: write }, places);
    return;
  }
  for (const form of ['base64', 'base64url'] as const) {
    const decoded = Buffer.from(value, form);
    if (value.length < 8 || decoded.toString(form) !== value) continue;
    open(decoded, { ...inner, put: (bytes) => put(Buffer.from(`"${bytes.toString(form)}"`)) }, places);
    return;
  }
}

const BLOCK = /(-----BEGIN [A-Z ]+-----\r?\n)([^-]*)(-----END [A-Z ]+-----)/g;

function openPem(text: string, { path, put, depth }: Spot, places: Place[]): void {
  for (const [index, match] of [...text.matchAll(BLOCK)].entries()) {
    const [, head = '', body = ''] = match;
    const start = match.index + head.length;
    const wrap = (bytes: Buffer) => {
      const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
      return put(
        Buffer.from(`${text.slice(0, start)}${lines.join('\n')}\n${text.slice(start + body.length)}`, 'latin1'),
      );
    };
    const decoded = Buffer.from(body.replaceAll(/\s/g, ''), 'base64');
    open(decoded, { path: `${path}|pem${index}`, put: wrap, depth: depth + 1 }, places);
  }
}

function openDer(node: DerNode, spot: Spot, places: Place[]): void {
  const { path, put, depth } = spot;
  const { tag, children, whole, content } = node;
  if (places.length > MAX_PLACES) return;
  if (children.length > 0) {
    const parts = children.map((child) => child.whole);
    places.push({ path, format: 'der', bytes: whole, put, parts, join: (all) => writeDer(tag, ...all) });
    for (const [index, child] of children.entries()) {
      const around = (bytes: Buffer) => put(writeDer(tag, ...parts.with(index, bytes)));
      openDer(child, { path: `${path}/${index}`, put: around, depth }, places);
    }
    return;
  }
  places.push(leaf('der', whole, spot));
  // What is encoded once more: an octet string of an extension, a bit string of a key, text or base64 in neither.
  const skip = tag === 0x03 ? 1 : 0;
  const inside = tag === 0x03 || tag === 0x04 ? readDerList(content.subarray(skip)) : [];
  const [only] = inside;
  if (inside.length !== 1 || only === undefined || only.children.length === 0) return;
  const around = (bytes: Buffer) => put(writeDer(tag, content.subarray(0, skip), bytes));
  openDer(only, { path: `${path}|`, put: around, depth: depth + 1 }, places);
}

function openCbor(node: CborNode, spot: Spot, places: Place[]): void {
  const { path, put, depth } = spot;
  const { major, argument, children, whole, content } = node;
  if (children.length > 0) {
    const head = whole.subarray(0, whole.byteLength - children.reduce((sum, child) => sum + child.whole.byteLength, 0));
    const parts = children.map((child) => child.whole);
    const size = major === 5 ? 2 : 1;
    const entries = Array.from({ length: parts.length / size }, (_, at) =>
      Buffer.concat(parts.slice(at * size, (at + 1) * size)),
    );
    const join = (all: readonly Buffer[]) =>
      Buffer.concat([cborHead(major, major === 6 ? argument : all.length), ...all]);
    places.push({ path, format: 'cbor', bytes: whole, put, parts: entries, join });
    for (const [index, child] of children.entries()) {
      const around = (bytes: Buffer) => put(Buffer.concat([head, ...parts.with(index, bytes)]));
      openCbor(child, { path: `${path}/${index}`, put: around, depth }, places);
    }
    return;
  }
  places.push(leaf('cbor', whole, spot));
  if (major !== 2 || content.byteLength < 2) return;
  const around = (bytes: Buffer) => put(Buffer.concat([cborHead(2, bytes.byteLength), bytes]));
  open(content, { path: `${path}|`, put: around, depth: depth + 1 }, places);
}
