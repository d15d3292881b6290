import { type Context, toTime } from './context.js';
import { RegistryError, manifestUnknown } from './error.js';
import type { Happening } from './event.js';
import { refuseDelete, refuseUntag } from './locks.js';
import { type Place, leftBehind, origin } from './manifests.js';
import type { Transaction } from './repositories.js';
import { type Change, type RepositoryState, repositoryChange } from './state.js';

/**
 * Deletes by digest, with the tags that point to it and the referrers that refer to it, as the service does:
 * https://learn.microsoft.com/azure/container-registry/container-registry-manage-artifact
 */
export async function deleteManifest(
  context: Context,
  request: Request,
  { name, reference }: Place,
): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'delete' }]);
  // The service's answer for a tag, whose name is not enough to say what is deleted.
  if (!reference.includes(':')) {
    throw new RegistryError(405, 'UNSUPPORTED', { message: 'a manifest can only be deleted by its digest' });
  }
  const happened = await context.repositories.change(name, (state): Transaction => {
    if (!state?.manifests.has(reference)) throw manifestUnknown(reference);
    refuseDelete(state, reference, context.switches);
    return deletion(
      state,
      { name, digest: reference, now: toTime(context.clock()), request: origin(request) },
      context,
    );
  });
  await context.publish(happened);
  return new Response(null, { status: 202 });
}

/** The transaction that deletes a manifest and what hangs on it. */
export function deletion(
  state: RepositoryState,
  wanted: {
    readonly name: string;
    readonly digest: string;
    readonly now: string;
    /** Absent where nobody asked, and the registry deletes by itself. */
    readonly request?: NonNullable<Happening['request']>;
  },
  { switches }: Pick<Context, 'switches'>,
): Transaction {
  const { name, digest, now, request } = wanted;
  const gone = withReferrers(state, digest);
  const tell = (key: string): Happening => ({
    action: 'delete',
    repository: name,
    digest: key,
    mediaType: state.manifests.get(key)?.mediaType ?? '',
    ...(request && { request }),
  });
  const happened = gone.filter((key) => key === digest || switches.cascadeEvent === 'on').map(tell);
  // A repository whose last manifest goes is no longer known.
  if (gone.length === state.manifests.size) return { removed: true, happened };
  const tags = gone.flatMap((key) => [...(state.tagsOf.get(key) ?? [])]);
  const changes: Change[] = [
    repositoryChange(state, { lastUpdateTime: now }),
    ...tags.map((key): Change => ({ kind: 'tag', key, record: null })),
    ...gone.map((key): Change => ({ kind: 'manifest', key, record: null })),
  ];
  return { changes, happened };
}

function withReferrers(state: RepositoryState, digest: string): readonly string[] {
  const found = new Set<string>();
  const visit = (key: string): void => {
    if (found.has(key) || !state.manifests.has(key)) return;
    found.add(key);
    for (const referrer of state.referrers.get(key) ?? []) visit(referrer);
  };
  visit(digest);
  return [...found];
}

/** The transaction that removes a tag: what people call untag. It raises no event. */
export function untag(
  state: RepositoryState,
  { tag, now }: { readonly tag: string; readonly now: string },
  { switches }: Pick<Context, 'switches'>,
): Transaction {
  const record = state.tags.get(tag);
  if (record === undefined) throw tagUnknown(tag);
  refuseUntag(state, tag, switches);
  return {
    changes: [
      repositoryChange(state, { lastUpdateTime: now }),
      { kind: 'tag', key: tag, record: null },
      ...leftBehind(state, { tag, digest: record.digest, now }),
    ],
  };
}

/** No such tag. */
export function tagUnknown(tag: string): RegistryError {
  return new RegistryError(404, 'TAG_UNKNOWN', { message: 'the specified tag does not exist', detail: { name: tag } });
}
