import type { RegistryArtifact } from '@azure/container-registry';
import { type Digest, parseDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { type Tag, isTag } from '../artifact/tag.js';
import type { Attributes, ObservedArtifact } from '../policy/operation.js';
import { registryError } from './errors.js';
import { attempt } from './sdk-attempt.js';
import type { SdkClients } from './sdk-clients.js';

/** How the registry took a change. */
export type Outcome = 'done' | 'refused' | 'gone';

/** ACR's own interface: tags, attributes and locks, by way of `@azure/container-registry`. */
export interface MetadataApi {
  readonly observe: (key: ArtifactKey) => Promise<ObservedArtifact | undefined>;
  readonly resolveTag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Digest | undefined>;
  readonly untag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Outcome>;
  readonly lock: (key: ArtifactKey) => Promise<Outcome>;
  readonly unlock: (key: ArtifactKey, attributes: Attributes) => Promise<Outcome>;
  /** Deletes a manifest of our own that refers to another one. */
  readonly deleteReferrer: (key: ArtifactKey) => Promise<Outcome>;
}

/** Builds the metadata side of the registry client. */
export function createMetadataApi(clients: SdkClients): MetadataApi {
  const artifact = (registry: LoginServer, repository: Repository, reference: string): RegistryArtifact =>
    clients(registry, repository).getArtifact(repository, reference);
  const change = async (what: string, work: Promise<unknown>): Promise<Outcome> => {
    const result = await attempt(what, work);
    if (result.status === 404) return 'gone';
    return result.status === 403 || result.status === 405 ? 'refused' : 'done';
  };
  return {
    observe: async (key) => {
      const found = await attempt(
        'manifest properties',
        artifact(key.registry, key.repository, key.digest).getManifestProperties(),
      );
      if (found.status === 404) return undefined;
      if (found.value === undefined) throw registryError('manifest properties', found.status);
      const { canRead, canWrite, canDelete, canList, tags } = found.value;
      return {
        attributes: toAttributes({ canRead, canWrite, canDelete, canList }),
        tags: tags.filter(isTag),
      };
    },
    resolveTag: async (registry, repository, tag) => {
      const found = await attempt('tag properties', artifact(registry, repository, tag).getTagProperties(tag));
      if (found.status === 404) return undefined;
      if (found.value === undefined) throw registryError('tag properties', found.status);
      return parseDigest(found.value.digest);
    },
    untag: (registry, repository, tag) => change('untag', artifact(registry, repository, tag).deleteTag(tag)),
    lock: (key) =>
      change(
        'lock',
        artifact(key.registry, key.repository, key.digest).updateManifestProperties({
          canRead: false,
          canDelete: false,
        }),
      ),
    deleteReferrer: ({ registry, repository, digest }) => {
      // Of a client of its own, since its token is for something else.
      const client = clients(registry, `${repository} delete`);
      return change('delete', client.getArtifact(repository, digest).delete());
    },
    unlock: (key, { readEnabled, deleteEnabled }) =>
      change(
        'unlock',
        artifact(key.registry, key.repository, key.digest).updateManifestProperties({
          canRead: readEnabled,
          canDelete: deleteEnabled,
        }),
      ),
  };
}

/** An attribute that the registry leaves out has never been switched off. */
export function toAttributes(properties: {
  readonly canRead: boolean | undefined;
  readonly canWrite: boolean | undefined;
  readonly canDelete: boolean | undefined;
  readonly canList: boolean | undefined;
}): Attributes {
  const { canRead, canWrite, canDelete, canList } = properties;
  return {
    readEnabled: canRead ?? true,
    writeEnabled: canWrite ?? true,
    deleteEnabled: canDelete ?? true,
    listEnabled: canList ?? true,
  };
}
