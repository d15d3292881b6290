import type { ArtifactManifestProperties } from '@azure/container-registry';
import { isDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { type Repository, isRepository } from '../artifact/repository.js';
import { isTag } from '../artifact/tag.js';
import type { ListedManifest } from '../pipeline/survey.js';
import { registryError } from './errors.js';
import { toAttributes } from './metadata-api.js';
import { attempt } from './sdk-attempt.js';
import type { SdkClients } from './sdk-clients.js';

/** One page of a listing. `next` asks for the one after it; each page is one call of the registry. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** What a registry holds, page by page, by way of `@azure/container-registry`. */
export interface ListingApi {
  readonly listRepositories: (registry: LoginServer, after?: string) => Promise<Page<Repository>>;
  /** When something in the repository last changed; undefined where there is no such repository. */
  readonly repositoryUpdatedAt: (registry: LoginServer, repository: Repository) => Promise<Date | undefined>;
  /** Newest first where that is wanted; empty where there is no such repository. */
  readonly listManifests: (
    repository: { readonly registry: LoginServer; readonly repository: Repository },
    options: { readonly newestFirst: boolean; readonly after?: string | undefined },
  ) => Promise<Page<ListedManifest>>;
}

const PAGE_SIZE = 100;

/** Builds the listing side of the registry client. */
export function createListingApi(clients: SdkClients): ListingApi {
  return {
    listRepositories: async (registry, after) => {
      const pages = clients(registry, 'catalogue').listRepositoryNames().byPage(pageOf(after));
      const { items, next } = await onePage('catalogue', pages);
      return { items: items.filter(isRepository), next };
    },
    repositoryUpdatedAt: async (registry, repository) => {
      const properties = clients(registry, repository).getRepository(repository).getProperties();
      const found = await attempt('repository properties', properties);
      if (found.status === 404) return undefined;
      if (found.value === undefined) throw registryError('repository properties', found.status);
      return found.value.lastUpdatedOn;
    },
    listManifests: async ({ registry, repository }, { newestFirst, after }) => {
      const order = newestFirst ? { order: 'LastUpdatedOnDescending' as const } : {};
      const pages = clients(registry, repository).getRepository(repository).listManifestProperties(order);
      const { items, next } = await onePage('manifests', pages.byPage(pageOf(after)));
      return { items: items.flatMap(toListed), next };
    },
  };
}

function pageOf(after: string | undefined) {
  return { maxPageSize: PAGE_SIZE, ...(after !== undefined && { continuationToken: after }) };
}

async function onePage<T>(
  what: string,
  pages: AsyncIterableIterator<T[] & { readonly continuationToken?: string }>,
): Promise<Page<T>> {
  const found = await attempt(what, pages.next());
  if (found.status === 404) return { items: [], next: undefined };
  if (found.value === undefined) throw registryError(what, found.status);
  if (found.value.done === true) return { items: [], next: undefined };
  return { items: found.value.value, next: found.value.value.continuationToken };
}

function toListed(found: ArtifactManifestProperties): ListedManifest[] {
  const { digest, tags, createdOn: createdAt, lastUpdatedOn: updatedAt, canRead, canWrite, canDelete, canList } = found;
  if (!isDigest(digest)) return [];
  const attributes = toAttributes({ canRead, canWrite, canDelete, canList });
  return [{ digest, attributes, tags: tags.filter(isTag), createdAt, updatedAt }];
}
