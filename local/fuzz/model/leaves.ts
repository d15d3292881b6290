import { createHash } from 'node:crypto';
import { type CborNode, readCbor } from '../document/cbor.js';
import { type JsonNode, readJson } from '../document/json.js';

/** What a document says, value by value: paths with what is there. Order, white space and escapes say nothing. */
export type Leaves = Map<string, string>;

/** What cannot be read is only the same as itself. */
export const UNREADABLE = '!';

const MAX_SHOWN = 200_000;
const shown = (value: string) =>
  value.length <= MAX_SHOWN ? value : `${value.slice(0, 64)}… ${createHash('sha256').update(value).digest('hex')}`;
const unreadable = (bytes: Buffer) => `${UNREADABLE}${createHash('sha256').update(bytes).digest('hex')}`;

/** Of JSON. Numbers and text differ; a member that occurs twice is one more leaf. */
export function jsonLeaves(bytes: Buffer, path: string, leaves: Leaves): void {
  const text = bytes.toString('utf8');
  const node = Buffer.from(text).equals(bytes) ? readJson(text) : undefined;
  if (node === undefined) leaves.set(path, unreadable(bytes));
  else takeJson(node, { text, path }, leaves);
}

function takeJson(
  node: JsonNode,
  { text, path }: { readonly text: string; readonly path: string },
  leaves: Leaves,
): void {
  const { kind, start, end, items } = node;
  if (kind === 'object' || kind === 'array') {
    if (items.length === 0) leaves.set(path, kind === 'object' ? '{}' : '[]');
    const seen = new Set<string>();
    for (const { name, node: child } of items) {
      const own = `${path}.${name}`;
      if (seen.has(name)) leaves.set(`${own}#twice`, text.slice(child.start, child.end));
      seen.add(name);
      takeJson(child, { text, path: own }, leaves);
    }
    return;
  }
  const value: unknown = JSON.parse(text.slice(start, end));
  leaves.set(path, shown(typeof value === 'string' ? value : `#${String(value)}`));
}

/** Of CBOR: byte strings in hexadecimal. A head that is longer than it has to be is one more leaf. */
export function cborLeaves(bytes: Buffer, path: string, leaves: Leaves): void {
  const node = readCbor(bytes);
  if (node === undefined) {
    leaves.set(path, unreadable(bytes));
    return;
  }
  if (!node.preferred) leaves.set(`${path}#form`, 'not preferred');
  takeCbor(node, path, leaves);
}

function takeCbor(node: CborNode, path: string, leaves: Leaves): void {
  const { major, argument, content, children, whole } = node;
  if (major === 6) {
    leaves.set(`${path}#tag`, String(argument));
    for (const child of children) takeCbor(child, path, leaves);
  } else if (major === 4 || major === 5) {
    leaves.set(`${path}#is`, major === 4 ? `list of ${argument}` : 'map');
    const seen = new Set<string>();
    for (let at = 0; at < children.length; at += major === 4 ? 1 : 2) {
      const [key, value] = [children[at], children[at + (major === 4 ? 0 : 1)]];
      const name = major === 4 || key === undefined ? String(at) : nameOf(key);
      if (seen.has(name)) leaves.set(`${path}/${name}#twice`, value?.whole.toString('hex') ?? '');
      seen.add(name);
      if (value !== undefined) takeCbor(value, `${path}/${name}`, leaves);
    }
  } else {
    leaves.set(
      path,
      shown(
        major === 2
          ? `h'${content.toString('hex')}'`
          : major === 3
            ? content.toString('utf8')
            : `#${whole.toString('hex')}`,
      ),
    );
  }
}

function nameOf({ major, content, whole }: CborNode): string {
  return major === 3 ? content.toString('utf8') : `#${whole.toString('hex')}`;
}
