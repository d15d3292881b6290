import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Descriptor, descriptorSchema } from '../artifact/descriptor.js';
import { type Digest, digestOf, hexOf, isDigest } from '../artifact/digest.js';
import { MAX_MANIFEST_BYTES } from '../artifact/manifest.js';
import { AppError } from '../error/app-error.js';
import type { CollectDeps } from '../pipeline/collect-signatures.js';

/** The most manifests that a layout may list. */
const MAX_LISTED = 10_000;
/** The annotation that names a manifest. OCI image specification 1.1, *Annotations*. */
const REF_NAME = 'org.opencontainers.image.ref.name';
/** How `cosign save` says what a manifest of a layout is. */
const COSIGN_KIND = 'kind';
const COSIGN_SIGNATURES = 'dev.cosignproject.cosign/sigs';
const COSIGN_IMAGES: readonly string[] = ['dev.cosignproject.cosign/image', 'dev.cosignproject.cosign/imageIndex'];

const layoutSchema = z.object({ imageLayoutVersion: z.literal('1.0.0') });
const refersSchema = z.object({ subject: z.object({ digest: z.string() }).optional() });
const indexSchema = z.object({ manifests: z.array(descriptorSchema).max(MAX_LISTED) });

/** An OCI image layout, read as a registry is. */
export interface Layout {
  /** What a tag, a digest, or the only image that there is stands for. Throws `MANIFEST_UNKNOWN` or `LAYOUT_AMBIGUOUS`. */
  readonly resolve: (reference: string | undefined) => Digest;
  readonly registry: CollectDeps['registry'];
}

/**
 * Opens an OCI image layout: a directory with `oci-layout`, `index.json` and `blobs/`. Whatever it says is checked as if a
 * stranger had written it: each blob against its digest, everything within bounds. Throws `LAYOUT_MALFORMED`.
 */
export async function openLayout(directory: string): Promise<Layout> {
  parse(layoutSchema, await readBounded(join(directory, 'oci-layout'), 1024), 'oci-layout');
  const { manifests } = parse(indexSchema, await readBounded(join(directory, 'index.json')), 'index.json');
  const blob = async (digest: Digest, maxBytes: number) => {
    const bytes = await readBounded(join(directory, 'blobs', 'sha256', hexOf(digest)), maxBytes);
    if (bytes !== undefined && digestOf(bytes) !== digest) {
      throw new AppError('DIGEST_MISMATCH', 'a blob of the layout is not what its name says');
    }
    return bytes;
  };
  const find = (reference: string) => {
    const isNamed = (each: Descriptor) => each.digest === reference || each.annotations?.[REF_NAME] === reference;
    // `cosign save` keeps the signatures of the one image without the tag that they have in a registry.
    const isSigned = ({ annotations }: Descriptor) => annotations?.[COSIGN_KIND] === COSIGN_SIGNATURES;
    return manifests.find(isNamed) ?? (reference.endsWith('.sig') ? manifests.find(isSigned) : undefined);
  };
  return {
    resolve: (reference) => {
      const named = reference === undefined ? imagesOf(manifests) : [find(reference)?.digest ?? reference];
      const [digest, ...others] = named;
      if (others.length > 0) throw new AppError('LAYOUT_AMBIGUOUS', 'the layout holds several images: name one');
      if (digest === undefined || !isDigest(digest)) throw unknown();
      return digest;
    },
    registry: {
      fetchManifest: async (_registry, _repository, reference) => {
        const listed = find(reference);
        const digest = isDigest(reference) ? reference : listed?.digest;
        const bytes = digest && (await blob(digest, MAX_MANIFEST_BYTES));
        if (digest === undefined || bytes === undefined) throw unknown();
        return { bytes, digest, mediaType: listed?.mediaType ?? mediaTypeOf(bytes) };
      },
      fetchBlob: async (_key, { digest, size }, maxBytes) => {
        const bytes = await blob(digest, Math.min(size, maxBytes));
        if (bytes === undefined) throw unknown();
        if (bytes.byteLength !== size) throw new AppError('DIGEST_MISMATCH', 'a blob is not as long as it should be');
        return bytes;
      },
      // A layout has no list of referrers: each manifest that it lists says itself what it refers to.
      listReferrers: async (key, { maxDescriptors }) => {
        const others = manifests.filter(({ digest }) => digest !== key.digest);
        const descriptors: Descriptor[] = [];
        for (const each of others.slice(0, maxDescriptors)) {
          const bytes = await blob(each.digest, MAX_MANIFEST_BYTES);
          if (bytes !== undefined && subjectOf(bytes) === key.digest) descriptors.push(each);
        }
        return { descriptors, truncated: others.length > maxDescriptors };
      },
    },
  };
}

/** What has a name that is not a subject's, or is an image by what `cosign save` says; or the one that there is. */
function imagesOf(manifests: readonly Descriptor[]): readonly Digest[] {
  const isImage = ({ annotations }: Descriptor) => {
    const kind = annotations?.[COSIGN_KIND];
    if (kind !== undefined) return COSIGN_IMAGES.includes(kind);
    const name = annotations?.[REF_NAME];
    return name !== undefined && !name.startsWith('sha256-');
  };
  const named = manifests.filter(isImage);
  const [only] = manifests;
  if (named.length === 0 && only !== undefined && manifests.length === 1) return [only.digest];
  return [...new Set(named.map(({ digest }) => digest))];
}

function subjectOf(bytes: Uint8Array): string | undefined {
  try {
    return refersSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).subject?.digest;
  } catch {
    // What is no manifest refers to nothing.
    return undefined;
  }
}

function mediaTypeOf(bytes: Uint8Array): string {
  return parse(z.object({ mediaType: z.string().max(255) }), bytes, 'a manifest').mediaType;
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array | undefined, what: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes ?? []).toString('utf8')));
  } catch (cause) {
    throw new AppError('LAYOUT_MALFORMED', `the layout's ${what} is missing or malformed`, { cause });
  }
}

/** Undefined where there is no such file. Throws `MANIFEST_TOO_LARGE`. */
async function readBounded(path: string, maxBytes = MAX_MANIFEST_BYTES): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw new AppError('MANIFEST_TOO_LARGE', `a file of ${size} bytes in the layout`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function unknown(): AppError {
  return new AppError('MANIFEST_UNKNOWN', 'the layout does not hold it');
}
