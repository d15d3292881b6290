/** A bucket to be written: names to values, or to buckets inside it. */
export interface BucketTree {
  readonly [name: string]: Uint8Array | BucketTree;
}

const PAGE = 4096;
const HEADER = 16;
const ELEMENT = 16;
const BUCKET_HEADER = 16;
const FLAG = { branch: 0x01, leaf: 0x02, meta: 0x04, freelist: 0x10 } as const;
const BUCKET_LEAF = 0x01;
const MAGIC = 0xed0cdaed;
const VERSION = 2;
/** Leaves are filled to this many bytes before the next one begins. */
const FILL = PAGE - 512;

/**
 * Writes a bbolt database: what Trivy reads its vulnerabilities from. The format (little-endian; two meta pages, a free
 * list, branch and leaf pages with sorted keys) is that of https://github.com/etcd-io/bbolt. Every bucket gets pages of
 * its own.
 */
export function writeBolt(root: BucketTree): Uint8Array {
  const pages: Buffer[] = [];
  const allocate = (count: number): number => {
    const id = 4 + pages.length;
    for (let i = 0; i < count; i++) pages.push(Buffer.alloc(PAGE));
    return id;
  };
  const place = (body: Buffer, { id, flags, count }: Omit<Header, 'overflow'>): void => {
    const size = HEADER + body.byteLength;
    const whole = Buffer.alloc(Math.ceil(size / PAGE) * PAGE);
    writeHeader(whole, { id, flags, count, overflow: whole.byteLength / PAGE - 1 });
    body.copy(whole, HEADER);
    for (let at = 0; at < whole.byteLength; at += PAGE) pages[id - 4 + at / PAGE] = whole.subarray(at, at + PAGE);
  };
  const writeBucket = (tree: BucketTree): number => {
    const items = Object.entries(tree)
      .map(([name, value]) => ({ key: Buffer.from(name), value }))
      .sort((a, b) => Buffer.compare(a.key, b.key))
      .map(({ key, value }) =>
        value instanceof Uint8Array
          ? { key, value: Buffer.from(value), flags: 0 }
          : { key, value: bucketHeader(writeBucket(value)), flags: BUCKET_LEAF },
      );
    let level = chunk(items, ({ key, value }) => ELEMENT + key.byteLength + value.byteLength).map((leaf) => {
      const body = leafBody(leaf);
      const id = allocate(Math.ceil((HEADER + body.byteLength) / PAGE));
      place(body, { id, flags: FLAG.leaf, count: leaf.length });
      return { key: leaf[0]?.key ?? Buffer.alloc(0), id };
    });
    while (level.length > 1) {
      level = chunk(level, ({ key }) => ELEMENT + key.byteLength).map((branch) => {
        const body = branchBody(branch);
        const id = allocate(Math.ceil((HEADER + body.byteLength) / PAGE));
        place(body, { id, flags: FLAG.branch, count: branch.length });
        return { key: branch[0]?.key ?? Buffer.alloc(0), id };
      });
    }
    return level[0]?.id ?? 0;
  };
  const rootPage = writeBucket(root);
  const end = 4 + pages.length;
  const freelist = Buffer.alloc(PAGE);
  writeHeader(freelist, { id: 2, flags: FLAG.freelist, count: 0, overflow: 0 });
  // Page 3 is an empty leaf, as in a fresh file; nothing points to it, so it counts as free.
  freelist.writeUInt16LE(1, 10);
  freelist.writeBigUInt64LE(3n, HEADER);
  const spare = Buffer.alloc(PAGE);
  writeHeader(spare, { id: 3, flags: FLAG.leaf, count: 0, overflow: 0 });
  return Buffer.concat([metaPage(0, rootPage, end), metaPage(1, rootPage, end), freelist, spare, ...pages]);
}

interface Header {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
}

function writeHeader(page: Buffer, { id, flags, count, overflow }: Header): void {
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  page.writeUInt32LE(overflow, 12);
}

function metaPage(index: number, root: number, highWater: number): Buffer {
  const page = Buffer.alloc(PAGE);
  writeHeader(page, { id: index, flags: FLAG.meta, count: 0, overflow: 0 });
  page.writeUInt32LE(MAGIC, 16);
  page.writeUInt32LE(VERSION, 20);
  page.writeUInt32LE(PAGE, 24);
  page.writeBigUInt64LE(BigInt(root), 32);
  page.writeBigUInt64LE(2n, 48);
  page.writeBigUInt64LE(BigInt(highWater), 56);
  page.writeBigUInt64LE(BigInt(index), 64);
  page.writeBigUInt64LE(fnv1a(page.subarray(16, 72)), 72);
  return page;
}

function bucketHeader(root: number): Buffer {
  const header = Buffer.alloc(BUCKET_HEADER);
  header.writeBigUInt64LE(BigInt(root), 0);
  return header;
}

function leafBody(items: readonly { readonly key: Buffer; readonly value: Buffer; readonly flags: number }[]): Buffer {
  const table = Buffer.alloc(items.length * ELEMENT);
  const data: Buffer[] = [];
  let offset = table.byteLength;
  items.forEach(({ key, value, flags }, i) => {
    table.writeUInt32LE(flags, i * ELEMENT);
    table.writeUInt32LE(offset - i * ELEMENT, i * ELEMENT + 4);
    table.writeUInt32LE(key.byteLength, i * ELEMENT + 8);
    table.writeUInt32LE(value.byteLength, i * ELEMENT + 12);
    data.push(key, value);
    offset += key.byteLength + value.byteLength;
  });
  return Buffer.concat([table, ...data]);
}

function branchBody(items: readonly { readonly key: Buffer; readonly id: number }[]): Buffer {
  const table = Buffer.alloc(items.length * ELEMENT);
  const data: Buffer[] = [];
  let offset = table.byteLength;
  items.forEach(({ key, id }, i) => {
    table.writeUInt32LE(offset - i * ELEMENT, i * ELEMENT);
    table.writeUInt32LE(key.byteLength, i * ELEMENT + 4);
    table.writeBigUInt64LE(BigInt(id), i * ELEMENT + 8);
    data.push(key);
    offset += key.byteLength;
  });
  return Buffer.concat([table, ...data]);
}

/** Parts a list so that each part fills about a page; an empty list is one empty part. */
function chunk<T>(items: readonly T[], size: (item: T) => number): T[][] {
  const chunks: T[][] = [[]];
  let filled = 0;
  for (const item of items) {
    const bytes = size(item);
    if (filled > 0 && filled + bytes > FILL) {
      chunks.push([]);
      filled = 0;
    }
    chunks.at(-1)?.push(item);
    filled += bytes;
  }
  return chunks;
}

function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}
