import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { type Descriptor, annotationsSchema, descriptorSchema } from './descriptor.js';
import { type Digest, EMPTY_DIGEST, digestOf } from './digest.js';
import { MediaType, isIndexMediaType, isManifestMediaType } from './media-type.js';

/** The largest manifest that is read, in bytes: the limit that registries share. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** The most children that one index may list. */
export const MAX_CHILDREN = 200;
const MAX_LAYERS = 1000;
/** https://distribution.github.io/distribution/spec/deprecated-schema-v1/ */
const LEGACY_PREFIX = 'application/vnd.docker.distribution.manifest.v1+';

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().max(255).optional(),
  artifactType: z.string().max(255).optional(),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.nullish(),
};
const imageSchema = z.object({
  ...common,
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(MAX_LAYERS),
});
const indexSchema = z.object({ ...common, manifests: z.array(descriptorSchema).max(MAX_CHILDREN) });

/** A single manifest: an image, or any artifact in the same form. */
export interface SingleManifest {
  readonly form: 'manifest';
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: Descriptor | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** An index: one descriptor per platform. */
export interface IndexManifest {
  readonly form: 'index';
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: Descriptor | undefined;
  readonly manifests: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** A manifest, parsed once. */
export type Manifest = SingleManifest | IndexManifest;

/** What a manifest is to us. Only `image` and `index` get a verdict; everything else is left alone. */
export type ArtifactKind = 'image' | 'index' | 'signature' | 'other';

/** What {@link parseManifest} is told besides the bytes. */
export interface ManifestOrigin {
  /** The `Content-Type` that the registry answered with. */
  readonly mediaType: string;
  /** The digest that was asked for, when it is known. */
  readonly digest?: Digest;
}

/**
 * Parses a manifest and recomputes its digest. Throws `MANIFEST_TOO_LARGE`, `DIGEST_MISMATCH`, `LEGACY_MANIFEST`,
 * `UNKNOWN_MEDIA_TYPE` or `INVALID_MANIFEST`; none of them is retryable.
 */
export function parseManifest(bytes: Uint8Array, origin: ManifestOrigin): Manifest {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) {
    throw new AppError('MANIFEST_TOO_LARGE', `a manifest of ${bytes.byteLength} bytes; the limit is 4 MiB`);
  }
  if (origin.digest !== undefined && digestOf(bytes) !== origin.digest) {
    throw new AppError('DIGEST_MISMATCH', 'the registry answered with other bytes than the digest names');
  }
  const mediaType = origin.mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
  const json = parseJson(bytes);
  if (isIndexMediaType(mediaType)) {
    const index = read(indexSchema, json, mediaType);
    return { form: 'index', mediaType, manifests: index.manifests, ...shared(index) };
  }
  if (isManifestMediaType(mediaType)) {
    const image = read(imageSchema, json, mediaType);
    return { form: 'manifest', mediaType, config: image.config, layers: image.layers, ...shared(image) };
  }
  // Docker's first schema: its layers can be run by old runtimes, and nothing in it can be verified by our means.
  if (mediaType.startsWith(LEGACY_PREFIX)) {
    throw new AppError('LEGACY_MANIFEST', 'A manifest of a retired schema; push the image with a current client.');
  }
  throw new AppError(
    'UNKNOWN_MEDIA_TYPE',
    `manifest media type ${JSON.stringify(mediaType.slice(0, 100))} is not known`,
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AppError('INVALID_MANIFEST', 'the manifest is not JSON', { cause });
  }
}

function read<T extends { mediaType?: string | undefined }>(schema: z.ZodType<T>, json: unknown, mediaType: string): T {
  const result = schema.safeParse(json);
  if (!result.success) {
    throw new AppError('INVALID_MANIFEST', `the manifest is malformed: ${z.prettifyError(result.error).slice(0, 500)}`);
  }
  // https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md: the field must match the served type.
  if (result.data.mediaType !== undefined && result.data.mediaType !== mediaType) {
    throw new AppError('INVALID_MANIFEST', 'the manifest names another media type than it was served as');
  }
  // A document that is a manifest and an index at once can mean different things to different clients.
  if (typeof json === 'object' && json !== null && 'manifests' in json && ('layers' in json || 'config' in json)) {
    throw new AppError('INVALID_MANIFEST', 'the manifest is an image and an index at once');
  }
  return result.data;
}

function shared(parsed: z.infer<typeof imageSchema> | z.infer<typeof indexSchema>) {
  return { artifactType: parsed.artifactType, subject: parsed.subject, annotations: parsed.annotations ?? {} };
}

const SIGNATURE_TYPES: ReadonlySet<string> = new Set([MediaType.sigstoreBundle, MediaType.notarySignature]);
/** Layers that a container runtime unpacks. */
export const RUNNABLE_LAYER = /^application\/vnd\.(?:oci\.image\.layer\.|docker\.image\.rootfs\.)/;

/**
 * What this manifest is to us. It is judged by what a container runtime would run, never by a hint that the pusher
 * chooses: a `subject`, an `artifactType` or an annotation does not keep an image with runnable layers from its verdict.
 */
export function classifyManifest(manifest: Manifest): ArtifactKind {
  if (manifest.form === 'index') return 'index';
  const { config, layers } = manifest;
  // The empty descriptor's two bytes hold no configuration, so nothing can be run from it.
  const runnable = config.digest !== EMPTY_DIGEST && layers.some(({ mediaType }) => RUNNABLE_LAYER.test(mediaType));
  if (runnable) return 'image';
  if (SIGNATURE_TYPES.has(manifest.artifactType ?? '') || SIGNATURE_TYPES.has(config.mediaType)) return 'signature';
  if (layers.length > 0) {
    return layers.every(({ mediaType }) => mediaType === MediaType.simpleSigning) ? 'signature' : 'other';
  }
  return config.mediaType === MediaType.ociConfig || config.mediaType === MediaType.dockerConfig ? 'image' : 'other';
}

/** `linux/arm64/v8`, or `unknown` where an index says nothing. */
export function formatPlatform(platform: Descriptor['platform']): string {
  if (platform === undefined) return 'unknown';
  const { os, architecture, variant } = platform;
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}
