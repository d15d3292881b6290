import { changed } from './order.js';

/** ACR's four switches. */
export interface Attributes {
  readonly deleteEnabled: boolean;
  readonly writeEnabled: boolean;
  readonly readEnabled: boolean;
  readonly listEnabled: boolean;
}

/** Everything is allowed until somebody says otherwise. */
export const OPEN: Attributes = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };

interface Dated {
  readonly createdTime: string;
  readonly lastUpdateTime: string;
  readonly attributes: Attributes;
}

/** What an index says of a child. */
export interface Child {
  readonly digest: string;
  readonly architecture?: string;
  readonly os?: string;
}

/** A manifest as the registry remembers it; its bytes are a blob. */
export interface ManifestRecord extends Dated {
  readonly mediaType: string;
  readonly size: number;
  readonly configMediaType?: string;
  readonly artifactType?: string;
  readonly subject?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly architecture?: string;
  readonly os?: string;
  /** Bytes of the blobs that it names. */
  readonly contentSize: number;
  readonly children?: readonly Child[];
  /** Since when no tag points to it: what the retention policy counts from. */
  readonly untaggedTime?: string;
}

/** A tag and where it points. */
export interface TagRecord extends Dated {
  readonly digest: string;
}

/** One repository. Read by everybody, changed by {@link applyChanges} alone. */
export interface RepositoryState extends Dated {
  readonly manifests: ReadonlyMap<string, ManifestRecord>;
  readonly tags: ReadonlyMap<string, TagRecord>;
  /** Bytes of the blobs that were pushed to, or mounted into, this repository. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Which manifests name a digest as their subject. */
  readonly referrers: ReadonlyMap<string, ReadonlySet<string>>;
  /** Which tags point to a digest. */
  readonly tagsOf: ReadonlyMap<string, ReadonlySet<string>>;
}

/** One record that was written or, with null, removed. A push writes a few of them, whatever the repository holds. */
export type Change =
  | ({ readonly kind: 'repository' } & Dated)
  | { readonly kind: 'manifest'; readonly key: string; readonly record: ManifestRecord | null }
  | { readonly kind: 'tag'; readonly key: string; readonly record: TagRecord | null }
  | { readonly kind: 'blob'; readonly key: string; readonly size: number | null };

interface MutableState extends Dated {
  createdTime: string;
  lastUpdateTime: string;
  attributes: Attributes;
  readonly manifests: Map<string, ManifestRecord>;
  readonly tags: Map<string, TagRecord>;
  readonly blobs: Map<string, number>;
  readonly referrers: Map<string, Set<string>>;
  readonly tagsOf: Map<string, Set<string>>;
}

/** A new repository. */
export function emptyRepository(at: string): RepositoryState {
  const state: MutableState = {
    createdTime: at,
    lastUpdateTime: at,
    attributes: OPEN,
    manifests: new Map(),
    tags: new Map(),
    blobs: new Map(),
    referrers: new Map(),
    tagsOf: new Map(),
  };
  return state;
}

/** Brings a repository up to date with what was written. */
export function applyChanges(state: RepositoryState, changes: readonly Change[]): void {
  for (const change of changes) applyChange(state as MutableState, change);
}

function applyChange(state: MutableState, change: Change): void {
  switch (change.kind) {
    case 'repository':
      state.createdTime = change.createdTime;
      state.lastUpdateTime = change.lastUpdateTime;
      state.attributes = change.attributes;
      return;
    case 'manifest': {
      const subject = change.record?.subject ?? state.manifests.get(change.key)?.subject;
      put(state.manifests, change.key, change.record);
      if (subject !== undefined) member(state.referrers, subject, { item: change.key, in: change.record !== null });
      return;
    }
    case 'tag': {
      const before = state.tags.get(change.key)?.digest;
      put(state.tags, change.key, change.record);
      if (before !== undefined) member(state.tagsOf, before, { item: change.key, in: false });
      if (change.record !== null) member(state.tagsOf, change.record.digest, { item: change.key, in: true });
      return;
    }
    case 'blob':
      put(state.blobs, change.key, change.size);
      return;
  }
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  changed(map);
  if (value === null) map.delete(key);
  else map.set(key, value);
}

function member(index: Map<string, Set<string>>, key: string, change: { readonly item: string; readonly in: boolean }) {
  const set = index.get(key) ?? new Set<string>();
  if (change.in) set.add(change.item);
  else set.delete(change.item);
  if (set.size === 0) index.delete(key);
  else index.set(key, set);
}

/** The change that writes the repository's own fields. */
export function repositoryChange(
  state: RepositoryState,
  fields: { readonly lastUpdateTime?: string; readonly attributes?: Attributes } = {},
): Change {
  const { createdTime, lastUpdateTime, attributes } = state;
  return { kind: 'repository', createdTime, lastUpdateTime, attributes, ...fields };
}

/** Everything that a repository holds, as the changes that make it. */
export function snapshot(state: RepositoryState): readonly Change[] {
  return [
    repositoryChange(state),
    ...[...state.blobs].map(([key, size]): Change => ({ kind: 'blob', key, size })),
    ...[...state.manifests].map(([key, record]): Change => ({ kind: 'manifest', key, record })),
    ...[...state.tags].map(([key, record]): Change => ({ kind: 'tag', key, record })),
  ];
}
