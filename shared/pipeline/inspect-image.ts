import type { Descriptor } from '../artifact/descriptor.js';
import type { Digest } from '../artifact/digest.js';
import { MAX_CONFIG_BYTES, parseImageConfig } from '../artifact/image-config.js';
import type { LoginServer } from '../artifact/login-server.js';
import { RUNNABLE_LAYER, parseManifest } from '../artifact/manifest.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { AppError } from '../error/app-error.js';

/** What {@link inspectImage} needs. */
export interface InspectDeps {
  /** The most bytes that an image's layers may have together, compressed. */
  readonly maxImageBytes: number;
  readonly registry: {
    fetchManifest: (
      registry: LoginServer,
      repository: Repository,
      reference: Digest,
    ) => Promise<{ readonly bytes: Uint8Array; readonly mediaType: string }>;
    fetchBlob: (key: ArtifactKey, descriptor: Descriptor, maxBytes: number) => Promise<Uint8Array>;
    /** The digest of what a layer unpacks to. */
    uncompressedDigest: (key: ArtifactKey, layer: Descriptor) => Promise<Digest>;
  };
}

/**
 * Looks at an image before a scanner does, and refuses what a scanner would misread. Throws `NOT_AN_IMAGE`, `TOO_LARGE`,
 * `FOREIGN_LAYER`, `LAYER_UNSUPPORTED`, `CONFIG_MALFORMED` or `LAYER_MISMATCH`, none of them retryable; or what the
 * registry throws.
 */
export async function inspectImage(key: ArtifactKey, deps: InspectDeps): Promise<void> {
  const { bytes, mediaType } = await deps.registry.fetchManifest(key.registry, key.repository, key.digest);
  const manifest = parseManifest(bytes, { mediaType, digest: key.digest });
  if (manifest.form === 'index') throw new AppError('NOT_AN_IMAGE', 'An index is scanned platform by platform.');
  const { config, layers } = manifest;
  const total = layers.reduce((sum, { size }) => sum + size, 0);
  if (total > deps.maxImageBytes) {
    throw new AppError('TOO_LARGE', `Layers of ${total} bytes; the limit is ${deps.maxImageBytes}.`);
  }
  if (layers.some(({ urls }) => urls !== undefined && urls.length > 0)) {
    // A scanner would ask whatever host the image names; and what it gets there is not what the registry holds.
    throw new AppError('FOREIGN_LAYER', 'A layer is kept outside of the registry.');
  }
  if (layers.some((layer) => !RUNNABLE_LAYER.test(layer.mediaType))) {
    throw new AppError('LAYER_UNSUPPORTED', 'A layer is of a type that is not read.');
  }
  const { diffIds } = parseImageConfig(await deps.registry.fetchBlob(key, config, MAX_CONFIG_BYTES));
  if (diffIds.length !== layers.length) {
    throw new AppError(
      'LAYER_MISMATCH',
      `The configuration names ${diffIds.length} layers, the manifest ${layers.length}.`,
    );
  }
  await compareShared(key, { layers, diffIds }, deps);
}

/**
 * Trivy keeps what it saw of a layer under the name that the configuration gives it, and does not compare: of two
 * different layers under one name only one is seen. So layers that share a name are unpacked and compared here. (The
 * same content in two compressions does occur.) https://github.com/aquasecurity/trivy/blob/v0.74.0/pkg/cache/key.go
 */
async function compareShared(
  key: ArtifactKey,
  { layers, diffIds }: { readonly layers: readonly Descriptor[]; readonly diffIds: readonly Digest[] },
  deps: InspectDeps,
): Promise<void> {
  const named = Map.groupBy(layers, (_, index) => diffIds[index] ?? '');
  for (const [diffId, sharing] of named) {
    const distinct = new Map(sharing.map((layer) => [layer.digest, layer]));
    if (distinct.size < 2) continue;
    for (const layer of distinct.values()) {
      if ((await deps.registry.uncompressedDigest(key, layer)) !== diffId) {
        throw new AppError('LAYER_MISMATCH', 'A layer is not the one that the configuration names.');
      }
    }
  }
}
