import { type Context, toTime } from './context.js';
import { RegistryError, manifestUnknown } from './error.js';
import { manifestChanges, resolveReference } from './manifests.js';
import { type Change, OPEN, emptyRepository, repositoryChange } from './state.js';

/** An import, as Azure Resource Manager is asked for it: no client pushes. */
export interface ImportRequest {
  readonly from: { readonly repository: string; readonly reference: string };
  readonly to: { readonly repository: string; readonly tag: string };
  /** Overwrites a tag that is there, and even one that is locked. */
  readonly force?: boolean;
}

/**
 * Copies an image inside the registry, without its referrers. `force` moves a locked tag and leaves the lock on it.
 * https://learn.microsoft.com/azure/container-registry/container-registry-import-images
 */
export async function importImage(context: Context, { from, to, force = false }: ImportRequest): Promise<void> {
  const source = context.repositories.get(from.repository);
  const digest = resolveReference(source, from.reference);
  const root = source.manifests.get(digest);
  if (root === undefined) throw manifestUnknown(from.reference);
  const digests = [digest, ...(root.children ?? []).map((child) => child.digest)];
  const happened = await context.repositories.change(to.repository, (state) => {
    if (state?.tags.has(to.tag) === true && !force) {
      throw new RegistryError(409, 'CONFLICT', { message: `tag ${to.tag} already exists in target registry` });
    }
    const now = toTime(context.clock());
    const current = state ?? emptyRepository(now);
    const copies = digests.flatMap((key): Change[] => {
      const record = source.manifests.get(key);
      if (record === undefined || current.manifests.has(key)) return [];
      return [
        { kind: 'manifest', key, record: { ...record, createdTime: now, lastUpdateTime: now, attributes: OPEN } },
      ];
    });
    const blobs = [...source.blobs].map(([key, size]): Change => ({ kind: 'blob', key, size }));
    const record = { ...root, createdTime: now, lastUpdateTime: now, attributes: OPEN };
    const { mediaType, size } = root;
    return {
      changes: [
        repositoryChange(current),
        ...blobs,
        ...copies,
        ...manifestChanges(current, { digest, tag: to.tag, now, record }),
      ],
      happened:
        context.switches.importEvent === 'on'
          ? [{ action: 'push' as const, repository: to.repository, digest, mediaType, size, tag: to.tag }]
          : [],
    };
  });
  await context.publish(happened);
}
