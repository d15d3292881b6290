import { ContainerRegistryClient, type RegistryArtifact } from '@azure/container-registry';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { type Digest, parseDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { type Tag, isTag } from '../artifact/tag.js';
import { AppError } from '../error/app-error.js';
import type { Attributes, ObservedArtifact } from '../policy/operation.js';
import { registryError } from './errors.js';
import { REGISTRY_AUDIENCE, type RegistryCredential } from './token.js';

/** How the registry took a change. */
export type Outcome = 'done' | 'refused' | 'gone';

/** ACR's own interface: tags, attributes and locks, by way of `@azure/container-registry`. */
export interface MetadataApi {
  readonly observe: (key: ArtifactKey) => Promise<ObservedArtifact | undefined>;
  readonly resolveTag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Digest | undefined>;
  readonly untag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Outcome>;
  readonly lock: (key: ArtifactKey) => Promise<Outcome>;
  readonly unlock: (key: ArtifactKey, attributes: Attributes) => Promise<Outcome>;
}

const MAX_CLIENTS = 200;

/** Builds the metadata side of the registry client. One SDK client per repository, since each caches one token. */
export function createMetadataApi(deps: {
  readonly httpClient: HttpClient;
  readonly credential: RegistryCredential;
  readonly registries: ReadonlySet<LoginServer>;
}): MetadataApi {
  const clients = new Map<string, ContainerRegistryClient>();
  const artifact = (registry: LoginServer, repository: Repository, reference: string): RegistryArtifact => {
    if (!deps.registries.has(registry))
      throw new AppError('REGISTRY_NOT_CONFIGURED', 'a registry that is not configured');
    const name = `${registry}/${repository}`;
    let client = clients.get(name);
    if (client === undefined) {
      const endpoint = `https://${registry}`;
      const options = { audience: REGISTRY_AUDIENCE, httpClient: deps.httpClient, retryOptions: { maxRetries: 2 } };
      client =
        deps.credential.kind === 'anonymous'
          ? new ContainerRegistryClient(endpoint, options)
          : new ContainerRegistryClient(endpoint, deps.credential.credential, options);
      if (clients.size >= MAX_CLIENTS) clients.clear();
      clients.set(name, client);
    }
    return client.getArtifact(repository, reference);
  };
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
        // An attribute that the registry leaves out has never been switched off.
        attributes: {
          readEnabled: canRead ?? true,
          writeEnabled: canWrite ?? true,
          deleteEnabled: canDelete ?? true,
          listEnabled: canList ?? true,
        },
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

/** The value, or the status of a refusal that has a meaning here; anything else is thrown as a registry error. */
async function attempt<T>(
  what: string,
  work: Promise<T>,
): Promise<
  { readonly status: 200; readonly value: T } | { readonly status: 403 | 404 | 405; readonly value?: undefined }
> {
  try {
    return { status: 200, value: await work };
  } catch (error) {
    if (error instanceof AppError) throw error;
    const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
    if (status === 403 || status === 404 || status === 405) return { status };
    if (typeof status === 'number') throw registryError(what, status);
    throw new AppError('REGISTRY_UNAVAILABLE', `${what}: no answer from the registry`, {
      retryable: true,
      cause: error,
    });
  }
}
