import { type Digest, digestOf } from '../../shared/artifact/digest.js';
import { type SingleManifest, parseManifest } from '../../shared/artifact/manifest.js';
import { AppError } from '../../shared/error/app-error.js';
import {
  MAX_ENVELOPE_BYTES,
  MAX_LEGACY_SIGNATURES,
  type SignatureCandidate,
  type SignatureEvidence,
  signatureKind,
} from '../../shared/signature/candidate.js';
import { readJson } from './document/json.js';
import type { Seed } from './seed.js';

/** What would be collected where a registry holds this manifest with these layers: digests that do not fit are not fetched. */
export function buildEvidence({
  subject,
  mediaType,
  parts,
}: Pick<Seed, 'subject' | 'mediaType' | 'parts'>): SignatureEvidence {
  const { manifest: bytes, layers, answers: revocation } = parts;
  const candidate = candidateOf(bytes, mediaType, layers);
  return { subject, candidates: candidate === undefined ? [] : [candidate], truncated: false, revocation };
}

function candidateOf(bytes: Buffer, mediaType: string, layers: readonly Buffer[]): SignatureCandidate | undefined {
  let manifest: SingleManifest;
  const manifestDigest = digestOf(bytes);
  try {
    const parsed = parseManifest(bytes, { mediaType });
    if (parsed.form === 'index') return undefined;
    manifest = parsed;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
  const kind = signatureKind(manifest);
  if (kind === undefined) return undefined;
  const byDigest = new Map<Digest, Buffer>(layers.map((layer) => [digestOf(layer), layer]));
  const payloads = manifest.layers.slice(0, MAX_LEGACY_SIGNATURES).flatMap((descriptor, at) => {
    // A layer that is not the one of its name never gets here from a registry; that it does not count is checked all the same.
    const found = byDigest.get(descriptor.digest) ?? layers[at];
    return found === undefined || found.byteLength > MAX_ENVELOPE_BYTES ? [] : [{ descriptor, bytes: found }];
  });
  return { kind, manifestDigest, manifest, payloads };
}

/** The manifest with its descriptors made to fit other layers; as it is where it cannot be read. */
export function fitManifest(manifest: Buffer, layers: readonly Buffer[]): Buffer {
  let text = manifest.toString('latin1');
  for (const [at, layer] of layers.entries()) {
    text = put(text, ['layers', String(at), 'size'], String(layer.byteLength));
    text = put(text, ['layers', String(at), 'digest'], JSON.stringify(digestOf(layer)));
  }
  return Buffer.from(text, 'latin1');
}

function put(text: string, path: readonly string[], value: string): string {
  let node = readJson(text);
  for (const name of path) node = node?.items.find((item) => item.name === name)?.node;
  return node === undefined ? text : `${text.slice(0, node.start)}${value}${text.slice(node.end)}`;
}
