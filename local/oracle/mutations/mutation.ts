import { digestOf } from '../../../shared/artifact/digest.js';
import { type StoredLayout, type StoredManifest, linksOf } from '../layout.js';

/** Parsed JSON that is to be changed. */
export type Json = Record<string, unknown>;

/** One way to spoil a signature. Returns undefined where there is nothing of the kind to spoil. */
export interface Mutation {
  readonly name: string;
  readonly apply: (layout: StoredLayout) => StoredLayout | undefined;
}

/** A descriptor in a manifest, as far as it is changed. */
export interface LayerJson extends Json {
  digest: string;
  size: number;
  mediaType: string;
  annotations?: Record<string, string>;
}

/** Whether a manifest is a signature, by its subject or by Cosign's tags. */
export function isSignature({ bytes, tag }: StoredManifest): boolean {
  return linksOf(bytes).subject !== undefined || /\.(sig|att)$/.test(tag ?? '');
}

/** Changes the manifest of every signature. */
export function editManifest(
  layout: StoredLayout,
  edit: (manifest: Json & { layers: LayerJson[] }) => unknown,
): StoredLayout | undefined {
  return editManifestText(layout, (text) => {
    const manifest = JSON.parse(text) as Json & { layers: LayerJson[] };
    return changed(manifest, edit);
  });
}

/** Changes the text of the manifest of every signature. */
export function editManifestText(
  layout: StoredLayout,
  edit: (text: string) => string | undefined,
): StoredLayout | undefined {
  const manifests = layout.manifests.map((manifest) => {
    if (!isSignature(manifest)) return manifest;
    const text = edit(Buffer.from(manifest.bytes).toString('utf8'));
    if (text === undefined) return manifest;
    const bytes = Buffer.from(text);
    return { ...manifest, bytes, digest: digestOf(bytes) };
  });
  const isChanged = manifests.some((each, at) => each !== layout.manifests[at]);
  return isChanged ? { ...layout, manifests } : undefined;
}

/** Changes the first blob of every signature, and says so in its manifest. */
export function editBlob(
  layout: StoredLayout,
  edit: (bytes: Buffer) => Uint8Array | string | undefined,
): StoredLayout | undefined {
  const blobs = new Map(layout.blobs);
  const edited = editManifest(layout, ({ layers }) => {
    const [layer] = layers;
    const bytes = layer && blobs.get(layer.digest);
    const result = bytes && edit(Buffer.from(bytes));
    if (layer === undefined || result === undefined) return false;
    const bytesAfter = Buffer.from(result);
    layer.digest = digestOf(bytesAfter);
    layer.size = bytesAfter.byteLength;
    blobs.set(layer.digest, bytesAfter);
    return true;
  });
  return edited && { ...edited, blobs };
}

/** Changes the first blob as JSON. `false` leaves it as it is. */
export function editJson(layout: StoredLayout, edit: (json: Json) => unknown): StoredLayout | undefined {
  return editBlob(layout, (bytes) => {
    const json = parse(bytes);
    return json && changed(json, edit);
  });
}

/** JSON after an edit. Nothing where it was not changed, but for an edit that says `true`: then writing it anew is the point. */
function changed<T extends Json>(json: T, edit: (json: T) => unknown): string | undefined {
  const before = JSON.stringify(json);
  const result = edit(json);
  const after = JSON.stringify(json);
  return result === false || (result !== true && after === before) ? undefined : after;
}

/** Parsed JSON, where it is any. */
export function parse(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

/** One byte changed, in the middle of bytes in base64 or base64url. */
export function flipBase64(text: string, encoding: 'base64' | 'base64url' = 'base64'): string {
  return flip(Buffer.from(text, encoding)).toString(encoding);
}

/** One byte changed, in the middle. */
export function flip(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.byteLength >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
