import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../../error/app-error.js';

const MAGIC = 0xed0cdaed;
const HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
const BRANCH = 0x01;
const LEAF = 0x02;
const BUCKET = 0x01;
const MAX_DEPTH = 32;
const MAX_PAGES = 4_000_000;

/**
 * Counts the keys of one root bucket in a bbolt file, reading page headers alone. The format is described by
 * https://github.com/etcd-io/bbolt (meta page, branch and leaf pages, little-endian). Throws `DATABASE_MALFORMED`.
 */
export async function countEntries(path: string, bucket: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const reader = await openReader(file);
    const found = await reader.findBucket(reader.root, bucket);
    return found === undefined ? 0 : await reader.count(found, 0);
  } finally {
    await file.close();
  }
}

interface Page {
  readonly flags: number;
  readonly count: number;
  readonly bytes: Buffer;
}

/** A bucket's root: a page of its own, or bytes inside its parent's leaf. */
type Root = { readonly page: number } | { readonly inline: Buffer };

async function openReader(file: FileHandle) {
  const metas = await Promise.all([0, 1].map((index) => readMeta(file, index)));
  const meta = metas.filter((candidate) => candidate !== undefined).sort((a, b) => b.txid - a.txid)[0];
  if (meta === undefined) throw malformed('no valid meta page');
  let pages = 0;
  const load = async (id: number): Promise<Page> => {
    if (++pages > MAX_PAGES) throw malformed('too many pages');
    const head = await read(file, id * meta.pageSize, HEADER_BYTES);
    const overflow = head.readUInt32LE(12);
    if (overflow > 65_536) throw malformed('an oversized page');
    return toPage(head, await read(file, id * meta.pageSize, meta.pageSize * (1 + overflow)));
  };
  const header = async (id: number): Promise<Page> => {
    if (++pages > MAX_PAGES) throw malformed('too many pages');
    const head = await read(file, id * meta.pageSize, HEADER_BYTES);
    return toPage(head, head);
  };
  const findBucket = async (page: number, name: string): Promise<Root | undefined> => {
    const stack = [page];
    while (stack.length > 0) {
      const current = await load(stack.pop() ?? 0);
      if ((current.flags & BRANCH) !== 0) stack.push(...children(current));
      else for (const root of buckets(current, name)) return root;
    }
    return undefined;
  };
  const count = async (root: Root, depth: number): Promise<number> => {
    if ('inline' in root) return toPage(root.inline, root.inline).count;
    if (depth > MAX_DEPTH) throw malformed('pages nested too deep');
    const top = await header(root.page);
    if ((top.flags & LEAF) !== 0) return top.count;
    let total = 0;
    for (const child of children(await load(root.page))) total += await count({ page: child }, depth + 1);
    return total;
  };
  return { root: meta.root, findBucket, count };
}

async function readMeta(file: FileHandle, index: number) {
  // The page size stands inside the page; the second meta page is looked for at the common sizes.
  for (const pageSize of [4096, 8192, 16_384, 65_536]) {
    const bytes = await read(file, index * pageSize + HEADER_BYTES, 64).catch(() => undefined);
    if (bytes?.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(8) !== pageSize) continue;
    return { pageSize, root: Number(bytes.readBigUInt64LE(16)), txid: Number(bytes.readBigUInt64LE(48)) };
  }
  return undefined;
}

function toPage(head: Buffer, bytes: Buffer): Page {
  return { flags: head.readUInt16LE(8), count: head.readUInt16LE(10), bytes };
}

function children({ count, bytes }: Page): number[] {
  return Array.from({ length: count }, (_, i) => Number(bytes.readBigUInt64LE(HEADER_BYTES + i * ELEMENT_BYTES + 8)));
}

function* buckets({ count, bytes }: Page, name: string): Generator<Root> {
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ELEMENT_BYTES;
    const [flags, position, keySize] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
    const key = bytes.subarray(at + position, at + position + keySize);
    if ((flags & BUCKET) === 0 || key.toString('utf8') !== name) continue;
    const value = bytes.subarray(at + position + keySize);
    const page = Number(value.readBigUInt64LE(0));
    yield page === 0 ? { inline: value.subarray(16) } : { page };
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw malformed('the file is cut short');
  return buffer;
}

function malformed(detail: string): AppError {
  return new AppError('DATABASE_MALFORMED', `the vulnerability database cannot be read: ${detail}`, {
    retryable: true,
  });
}
