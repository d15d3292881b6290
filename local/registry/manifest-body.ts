import { z } from 'zod';
import { RegistryError } from './error.js';
import type { Child } from './state.js';
import type { Switches } from './switches.js';

const INDEXES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const IMAGES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
/** Withdrawn, and still taken by the service. */
const ARTIFACTS: readonly string[] = [
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.cncf.oras.artifact.manifest.v1+json',
];

const descriptor = z.object({
  mediaType: z.string().min(1),
  digest: z.string(),
  size: z.number().int().nonnegative(),
  platform: z.object({ architecture: z.string().optional(), os: z.string().optional() }).optional(),
});
const common = {
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  subject: descriptor.nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
};
const version = z.literal(2);
const schemas = {
  index: z.object({ ...common, schemaVersion: version, manifests: z.array(descriptor).nullish() }),
  image: z.object({ ...common, schemaVersion: version, config: descriptor, layers: z.array(descriptor).nullish() }),
  artifact: z.object({ ...common, blobs: z.array(descriptor).nullish() }),
} as const;

/** A descriptor, as far as a registry reads it. */
export type Named = z.infer<typeof descriptor>;

/** A manifest, as far as a registry reads it: a registry stores what it is given, whatever a runtime would make of it. */
export interface ManifestBody {
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly configMediaType: string | undefined;
  readonly subject: Named | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly config: Named | undefined;
  /** Blobs that have to be here, the configuration included. */
  readonly blobs: readonly Named[];
  /** Children that have to be here; undefined for what is no index. */
  readonly manifests: readonly Named[] | undefined;
}

/** The digests that are taken, whole. */
export function digestPattern({ sha512 }: Pick<Switches, 'sha512'>): RegExp {
  return sha512 === 'on' ? /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/ : /^sha256:[0-9a-f]{64}$/;
}

/** Reads a manifest. Throws `MANIFEST_INVALID`. */
export function readManifestBody(bytes: Uint8Array, contentType: string, switches: Switches): ManifestBody {
  const mediaType = contentType.split(';')[0]?.trim() ?? '';
  const form = INDEXES.includes(mediaType)
    ? 'index'
    : IMAGES.includes(mediaType)
      ? 'image'
      : ARTIFACTS.includes(mediaType)
        ? 'artifact'
        : undefined;
  if (form === undefined) throw invalid(`the media type ${JSON.stringify(mediaType.slice(0, 100))} is no manifest's`);
  const parsed = schemas[form].safeParse(parseJson(bytes));
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).slice(0, 500));
  const { data } = parsed;
  if (data.mediaType !== undefined && data.mediaType !== mediaType)
    throw invalid('the manifest names another media type than its request');
  const config = 'config' in data ? data.config : undefined;
  const layers = 'layers' in data ? data.layers : 'blobs' in data ? data.blobs : undefined;
  const manifests = 'manifests' in data || form === 'index' ? ('manifests' in data && data.manifests) || [] : undefined;
  const blobs = [...(config === undefined ? [] : [config]), ...(layers ?? [])];
  const digest = digestPattern(switches);
  const wrong = [...blobs, ...(manifests ?? []), ...(data.subject ? [data.subject] : [])].find(
    (named) => !digest.test(named.digest),
  );
  if (wrong !== undefined)
    throw invalid(`${JSON.stringify(wrong.digest.slice(0, 150))} is no digest that is taken here`);
  return {
    mediaType,
    artifactType: data.artifactType,
    configMediaType: config?.mediaType,
    subject: data.subject ?? undefined,
    annotations: data.annotations ?? undefined,
    config,
    // Layers that may not be redistributed are named and never pushed.
    blobs: blobs.filter((named) => !/\.foreign\.|nondistributable/.test(named.mediaType)),
    manifests,
  };
}

/** What an index says of its children. */
export function childrenOf(manifests: readonly Named[]): readonly Child[] {
  return manifests.map(({ digest, platform }) => ({
    digest,
    ...(platform?.architecture !== undefined && { architecture: platform.architecture }),
    ...(platform?.os !== undefined && { os: platform.os }),
  }));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('the manifest is not JSON');
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError(400, 'MANIFEST_INVALID', { message: `manifest invalid: ${message}` });
}
