import { Tag, decode } from 'cbor2';
import { AppError } from '../../error/app-error.js';

/** A CBOR map: COSE knows integers and text as labels, nothing else. RFC 9052 §1.4. */
export type CborMap = ReadonlyMap<number | string, unknown>;

/** Bounds of a CBOR item from outside. */
export interface CborLimits {
  readonly maxBytes: number;
  /** How deep arrays, maps and tags may lie in each other, about; default: 16. */
  readonly maxDepth?: number;
  /** How many items there may be altogether; default: 1000. */
  readonly maxItems?: number;
}

const malformed = (what: string, cause?: unknown) =>
  new AppError('ENCODING_MALFORMED', `no strict CBOR: ${what}`, { cause });

/**
 * Decodes one CBOR item of RFC 8949, in its preferred encoding. Maps come as `Map`, tags as `Tag`: nothing is interpreted.
 * Throws `ENCODING_MALFORMED` for indefinite lengths, lengths and numbers that are longer than they need be, fractions, labels
 * that are neither integers nor text, labels that occur twice, and anything that follows.
 */
export function decodeCbor(bytes: Uint8Array, { maxBytes, maxDepth = 16, maxItems = 1000 }: CborLimits): unknown {
  if (bytes.byteLength > maxBytes) throw malformed('too large');
  if (hasMoreItems(bytes, maxItems)) throw malformed('too many items');
  try {
    return decode(bytes, {
      maxDepth,
      requirePreferred: true,
      rejectStreaming: true,
      rejectFloats: true,
      rejectUndefined: true,
      rejectSimple: true,
      ignoreGlobalTags: true,
      preferMap: true,
      createObject: toMap,
    });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw malformed('it cannot be decoded', cause);
  }
}

/**
 * Counts items by their heads (RFC 8949 §3), without looking at what they are: whatever they nest in, they follow one another. The
 * decoder takes long for each, and is not to be called for a mebibyte of them. What cannot be read is for the decoder to refuse.
 */
function hasMoreItems(bytes: Uint8Array, most: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let count = 0; at < bytes.byteLength; count += 1) {
    if (count === most) return true;
    const head = view.getUint8(at);
    const info = head & 0x1f;
    const size = info < 24 ? 0 : 2 ** (info - 24);
    if (info > 27 || at + 1 + size > bytes.byteLength) return false;
    const isString = head >> 5 === 2 || head >> 5 === 3;
    at += 1 + size + (isString ? argumentAt(view, at + 1, { info, size }) : 0);
  }
  return false;
}

function argumentAt(
  view: DataView,
  at: number,
  { info, size }: { readonly info: number; readonly size: number },
): number {
  if (size === 0) return info;
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at);
  return size === 4 ? view.getUint32(at) : Number(view.getBigUint64(at));
}

/** By value, not by encoding, so that no two spellings of one label pass for two. */
function toMap(pairs: readonly (readonly [unknown, unknown, ...unknown[]])[]): CborMap {
  const map = new Map<number | string, unknown>();
  for (const [label, value] of pairs) {
    if (typeof label !== 'string' && !Number.isSafeInteger(label)) throw malformed('a label is no integer and no text');
    const known = label as number | string;
    if (map.has(known)) throw malformed('a label occurs twice');
    map.set(known, value);
  }
  return map;
}

/** What a tag of this number holds; throws `ENCODING_MALFORMED` where there is no such tag. */
export function untag(item: unknown, number: number): unknown {
  if (item instanceof Tag && item.tag === number) return item.contents;
  throw malformed(`no tag ${number}`);
}

/** Whether an item is a map, as {@link decodeCbor} makes them. */
export function isCborMap(item: unknown): item is CborMap {
  return item instanceof Map;
}
