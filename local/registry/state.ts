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
  /** Digests of blobs and of child manifests that it holds. */
  readonly holds: readonly string[];
}

/** A tag and where it points. */
export interface TagRecord extends Dated {
  readonly digest: string;
}

/** One repository. */
export interface RepositoryState extends Dated {
  readonly manifests: Readonly<Record<string, ManifestRecord>>;
  readonly tags: Readonly<Record<string, TagRecord>>;
  /** Blobs that were pushed to, or mounted into, this repository. */
  readonly blobs: Readonly<Record<string, number>>;
}

/** A new repository. */
export function emptyRepository(at: string): RepositoryState {
  return { createdTime: at, lastUpdateTime: at, attributes: OPEN, manifests: {}, tags: {}, blobs: {} };
}
