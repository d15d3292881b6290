import type { Digest } from '../../shared/artifact/digest.js';
import { digestOf } from '../../shared/artifact/digest.js';
import type { Descriptor } from '../../shared/artifact/descriptor.js';
import { parseManifest } from '../../shared/artifact/manifest.js';
import type { Attributes } from '../../shared/policy/operation.js';
import { type RegistryEvent, toEvent } from '../registry/event.js';
import { DEFAULT_SWITCHES } from '../registry/switches.js';

/** A manifest as the registry in memory holds it. */
export interface HeldManifest {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: Digest | undefined;
  readonly children: readonly Digest[];
  attributes: Attributes;
  readonly createdAt: Date;
  updatedAt: Date;
}

/** One repository in memory. */
export interface HeldRepository {
  readonly manifests: Map<string, HeldManifest>;
  readonly tags: Map<string, Digest>;
  readonly referrers: Map<string, Set<Digest>>;
}

/** How a change was taken. */
export type Taken = 'done' | 'refused' | 'unknown';

/** An Azure Container Registry in memory: its state, and the changes that users and Lazaret make to it. */
export interface MemoryRegistry {
  readonly loginServer: string;
  readonly repository: (name: string) => HeldRepository;
  readonly repositories: () => ReadonlyMap<string, HeldRepository>;
  readonly blobs: Map<string, Uint8Array>;
  readonly put: (
    repository: string,
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
    tag?: string,
  ) => Taken;
  readonly remove: (repository: string, digest: string) => Taken;
  readonly removeTag: (repository: string, tag: string) => Taken;
  readonly setAttributes: (repository: string, digest: string, patch: Partial<Attributes>) => Taken;
}

const OPEN: Attributes = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };

/** What {@link createMemoryRegistry} needs. */
export interface MemoryRegistryOptions {
  readonly loginServer: string;
  readonly resourceId: string;
  readonly clock: () => Date;
  readonly publish: (event: RegistryEvent) => void;
}

/**
 * Opens a registry in memory. It behaves as the emulator of `local/registry` does wherever Lazaret or a user of the
 * simulation looks; a contract test holds the two against each other.
 */
export function createMemoryRegistry(options: MemoryRegistryOptions): MemoryRegistry {
  const { loginServer, clock } = options;
  const repositories = new Map<string, HeldRepository>();
  const repository = (name: string): HeldRepository => {
    let held = repositories.get(name);
    if (held === undefined) {
      held = { manifests: new Map(), tags: new Map(), referrers: new Map() };
      repositories.set(name, held);
    }
    return held;
  };
  const tell = (happening: {
    readonly action: 'push' | 'delete';
    readonly repository: string;
    readonly digest: string;
    readonly mediaType: string;
    readonly tag?: string;
  }): void => {
    const request = { host: loginServer, method: happening.action === 'push' ? 'PUT' : 'DELETE', useragent: '' };
    options.publish(
      toEvent(
        { ...happening, request },
        { resourceId: options.resourceId, location: 'simulated', now: clock(), switches: DEFAULT_SWITCHES },
      ),
    );
  };
  const removeOne = (held: HeldRepository, digest: Digest): void => {
    const manifest = held.manifests.get(digest);
    held.manifests.delete(digest);
    if (manifest?.subject !== undefined) held.referrers.get(manifest.subject)?.delete(digest);
    for (const [tag, target] of held.tags) if (target === digest) held.tags.delete(tag);
  };
  return {
    loginServer,
    repository,
    repositories: () => repositories,
    blobs: new Map(),
    put: (name, { bytes, mediaType }, tag) => {
      const held = repository(name);
      const digest = digestOf(bytes);
      const known = held.manifests.get(digest);
      if (known?.attributes.writeEnabled === false) return 'refused';
      const manifest = parseManifest(bytes, { mediaType });
      const children = manifest.form === 'index' ? manifest.manifests.map((child) => child.digest) : [];
      if (children.some((child) => !held.manifests.has(child))) return 'unknown';
      const subject = manifest.subject?.digest;
      const { artifactType } = manifest;
      const now = clock();
      if (known !== undefined) known.updatedAt = now;
      else {
        const times = { createdAt: now, updatedAt: now };
        held.manifests.set(digest, {
          ...{ digest, bytes, mediaType, artifactType, subject, children, attributes: OPEN },
          ...times,
        });
      }
      if (subject !== undefined) held.referrers.set(subject, (held.referrers.get(subject) ?? new Set()).add(digest));
      if (tag !== undefined) held.tags.set(tag, digest);
      tell({ action: 'push', repository: name, digest, mediaType, ...(tag !== undefined && { tag }) });
      return 'done';
    },
    remove: (name, digest) => {
      const held = repository(name);
      const manifest = held.manifests.get(digest);
      if (manifest === undefined) return 'unknown';
      if (!manifest.attributes.deleteEnabled || !manifest.attributes.writeEnabled) return 'refused';
      for (const referrer of [...(held.referrers.get(digest) ?? [])]) removeOne(held, referrer);
      removeOne(held, manifest.digest);
      tell({ action: 'delete', repository: name, digest, mediaType: manifest.mediaType });
      return 'done';
    },
    removeTag: (name, tag) => (repository(name).tags.delete(tag) ? 'done' : 'unknown'),
    setAttributes: (name, digest, patch) => {
      const manifest = repository(name).manifests.get(digest);
      if (manifest === undefined) return 'unknown';
      manifest.attributes = { ...manifest.attributes, ...patch };
      manifest.updatedAt = clock();
      return 'done';
    },
  };
}

/** What a list of referrers says of one. */
export function describe(manifest: HeldManifest): Descriptor {
  const { mediaType, digest, bytes, artifactType } = manifest;
  return { mediaType, digest, size: bytes.byteLength, ...(artifactType !== undefined && { artifactType }) };
}
