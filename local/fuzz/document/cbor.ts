/** An item of CBOR. RFC 8949 §3. */
export interface CborNode {
  readonly major: number;
  /** The argument of its head: a number, a length, a count. */
  readonly argument: number;
  /** Whether its head, and those of everything in it, are as short as can be, and definite. RFC 8949 §4.1. */
  readonly preferred: boolean;
  readonly whole: Buffer;
  /** Of a string. */
  readonly content: Buffer;
  /** Elements of an array; keys and values of a map, one after the other; what is tagged. */
  readonly children: readonly CborNode[];
}

const MAX_DEPTH = 40;

/** Reads one item that is all there is, of definite length; undefined where it is none. */
export function readCbor(bytes: Buffer): CborNode | undefined {
  const found = readAt(bytes, 0, 0);
  return found?.whole.byteLength === bytes.byteLength ? found : undefined;
}

function readAt(bytes: Buffer, at: number, depth: number): CborNode | undefined {
  const first = bytes[at];
  if (first === undefined || depth > MAX_DEPTH) return undefined;
  const [major, info] = [first >> 5, first & 31];
  const size = info < 24 ? 0 : ([1, 2, 4, 8][info - 24] ?? -1);
  if (size < 0 || at + 1 + size > bytes.byteLength) return undefined;
  const argument =
    size === 0 ? info : size === 8 ? Number(bytes.readBigUInt64BE(at + 1)) : bytes.readUIntBE(at + 1, size);
  const start = at + 1 + size;
  const isString = major === 2 || major === 3;
  const count = major === 4 ? argument : major === 5 ? argument * 2 : major === 6 ? 1 : 0;
  if ((isString ? argument : count) > bytes.byteLength - start) return undefined;
  const children: CborNode[] = [];
  let end = isString ? start + argument : start;
  for (let index = 0; index < count; index += 1) {
    const child = readAt(bytes, end, depth + 1);
    if (child === undefined) return undefined;
    children.push(child);
    end += child.whole.byteLength;
  }
  return {
    ...{ major, argument, children },
    preferred: (major === 7 || size === leastBytes(argument)) && children.every((child) => child.preferred),
    whole: bytes.subarray(at, end),
    content: isString ? bytes.subarray(start, end) : Buffer.alloc(0),
  };
}

function leastBytes(argument: number): number {
  return argument < 24 ? 0 : argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 2 ** 32 ? 4 : 8;
}

/** Writes the head of an item, in the shortest form or, with `size`, in so many bytes at least. */
export function cborHead(major: number, argument: number, size?: number): Buffer {
  const bytes = Math.max(size ?? 0, leastBytes(argument));
  if (bytes === 0) return Buffer.from([(major << 5) | argument]);
  const head = Buffer.alloc(1 + bytes);
  head[0] = (major << 5) | (24 + Math.log2(bytes));
  if (bytes === 8) head.writeBigUInt64BE(BigInt(argument), 1);
  else head.writeUIntBE(argument, 1, bytes);
  return head;
}
