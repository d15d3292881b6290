/** An element of DER. ITU-T X.690. */
export interface DerNode {
  /** The first byte of the tag; longer tags are not taken apart. */
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
  /** Of a constructed element, as far as it can be read. */
  readonly children: readonly DerNode[];
}

const MAX_DEPTH = 40;

/** Reads one element that is all there is; undefined where it is none. */
export function readDer(bytes: Buffer, depth = 0): DerNode | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f || depth > MAX_DEPTH) return undefined;
  const size = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || size > 4 || bytes.byteLength < 2 + size) return undefined;
  const length = size === 0 ? first : bytes.readUIntBE(2, size);
  if (bytes.byteLength !== 2 + size + length) return undefined;
  const content = bytes.subarray(2 + size);
  return { tag, whole: bytes, content, children: (tag & 0x20) === 0 ? [] : readDerList(content, depth + 1) };
}

/** Reads elements that follow one another; none where they do not fill the bytes. */
export function readDerList(bytes: Buffer, depth = 0): readonly DerNode[] {
  const list: DerNode[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const first = bytes[at + 1] ?? 0x80;
    const size = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || size > 4 || bytes.byteLength < at + 2 + size) return [];
    const end = at + 2 + size + (size === 0 ? first : bytes.readUIntBE(at + 2, size));
    const node = end > bytes.byteLength ? undefined : readDer(bytes.subarray(at, end), depth);
    if (node === undefined) return [];
    list.push(node);
    at = end;
  }
  return list;
}

/** Writes an element with the shortest length. */
export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...derLength(content.byteLength)]), content]);
}

function derLength(size: number): readonly number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}
