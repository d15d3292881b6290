import type { ManifestRecord, RepositoryState, TagRecord } from './state.js';

// The shapes of ACR's own interface, version 2021-07-01:
// https://github.com/Azure/azure-rest-api-specs/tree/main/specification/containerregistry/data-plane

/** A repository. */
export function repositoryJson(state: RepositoryState) {
  const { createdTime, lastUpdateTime, manifests, tags, attributes } = state;
  const counts = { manifestCount: manifests.size, tagCount: tags.size };
  return { createdTime, lastUpdateTime, ...counts, changeableAttributes: attributes };
}

/** A tag. `signed` speaks of Docker Content Trust alone. */
export function tagJson(name: string, { digest, createdTime, lastUpdateTime, attributes }: TagRecord) {
  return { name, digest, createdTime, lastUpdateTime, signed: false, changeableAttributes: attributes };
}

/** A manifest. `tags` is absent, not empty, while no tag points to it. */
export function manifestJson(state: RepositoryState, digest: string, record: ManifestRecord) {
  const { createdTime, lastUpdateTime, size, contentSize, mediaType, configMediaType, attributes } = record;
  const { architecture, os, children } = record;
  const tags = [...(state.tagsOf.get(digest) ?? [])];
  return {
    digest,
    imageSize: contentSize + size,
    createdTime,
    lastUpdateTime,
    ...(architecture !== undefined && { architecture }),
    ...(os !== undefined && { os }),
    mediaType,
    ...(configMediaType !== undefined && { configMediaType }),
    ...(children && { references: children }),
    ...(tags.length > 0 && { tags }),
    changeableAttributes: attributes,
  };
}
