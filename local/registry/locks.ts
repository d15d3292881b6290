import { disallowed, manifestUnknown } from './error.js';
import type { Attributes, RepositoryState } from './state.js';
import type { Switches } from './switches.js';

// What each attribute blocks, at repository, tag and manifest:
// https://learn.microsoft.com/azure/container-registry/container-registry-image-lock

const isShut = (attributes: Attributes | undefined) =>
  attributes !== undefined && (!attributes.writeEnabled || !attributes.deleteEnabled);

/** Refuses a pull by `reference` of the manifest that it stands for. */
export function refuseRead(
  state: RepositoryState,
  { reference, digest, method }: { readonly reference: string; readonly digest: string; readonly method: string },
  switches: Switches,
): void {
  const tags = reference.includes(':')
    ? switches.readLockedTag === 'tag-and-digest'
      ? [...(state.tagsOf.get(digest) ?? [])]
      : []
    : [reference];
  const locks = [state, state.manifests.get(digest), ...tags.map((tag) => state.tags.get(tag))];
  if (locks.every((place) => place?.attributes.readEnabled !== false)) return;
  if (method === 'HEAD' && switches.readLockedHead === 'served') return;
  throw switches.readLockedStatus === '404' ? manifestUnknown(reference) : disallowed();
}

/** Refuses a push of `digest`, under `tag` where there is one. */
export function refuseWrite(
  state: RepositoryState,
  push: { readonly tag: string | undefined; readonly digest: string; readonly subject: string | undefined },
  switches: Switches,
): void {
  const isLocked = (attributes: Attributes | undefined) => attributes?.writeEnabled === false;
  const refused =
    isLocked(state.attributes) ||
    (push.tag !== undefined && isLocked(state.tags.get(push.tag)?.attributes)) ||
    (switches.pushOfWriteLockedDigest === 'refused' && isLocked(state.manifests.get(push.digest)?.attributes)) ||
    (switches.referrerOfWriteLockedSubject === 'refused' &&
      push.subject !== undefined &&
      isLocked(state.manifests.get(push.subject)?.attributes));
  if (refused) throw disallowed();
}

/** Refuses a change of the attributes of a tag or a manifest. A lock never refuses the change of its own place. */
export function refusePatch(state: RepositoryState, switches: Switches): void {
  if (switches.patchInLockedRepository === 'refused' && !state.attributes.writeEnabled) throw disallowed();
}

/** Refuses the removal of a tag. A repository that is only locked against its deletion lets its images be deleted. */
export function refuseUntag(state: RepositoryState, tag: string, switches: Switches): void {
  const record = state.tags.get(tag);
  const manifest = record && state.manifests.get(record.digest);
  const refused =
    !state.attributes.writeEnabled ||
    isShut(record?.attributes) ||
    (switches.untagOfLockedManifest === 'refused' && isShut(manifest?.attributes));
  if (refused) throw disallowed();
}

/** Refuses the deletion of a manifest. */
export function refuseDelete(state: RepositoryState, digest: string, switches: Switches): void {
  const tags = [...(state.tagsOf.get(digest) ?? [])];
  const refused =
    !state.attributes.writeEnabled ||
    isShut(state.manifests.get(digest)?.attributes) ||
    (switches.deleteWithLockedTag === 'refused' && tags.some((tag) => isShut(state.tags.get(tag)?.attributes)));
  if (refused) throw disallowed();
}

/** Refuses the deletion of a whole repository: a lock on any of what it holds does. */
export function refuseRemoval(state: RepositoryState): void {
  const held = [state, ...state.manifests.values(), ...state.tags.values()];
  if (held.some(({ attributes }) => isShut(attributes))) throw disallowed();
}
