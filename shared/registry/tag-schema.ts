import { z } from 'zod';
import type { Digest } from '../artifact/digest.js';
import { hexOf } from '../artifact/digest.js';
import { MediaType } from '../artifact/media-type.js';
import type { ArtifactKey } from '../artifact/reference.js';
import type { Tag } from '../artifact/tag.js';
import { AppError, isAppError } from '../error/app-error.js';
import { fetchManifest } from './manifest-api.js';
import type { Session } from './session.js';

/** As another client wrote them: what we do not know of a descriptor is kept. */
const indexSchema = z.looseObject({ manifests: z.array(z.looseObject({ digest: z.string() })).max(10_000) });
type Index = z.infer<typeof indexSchema>;

const TRIES = 5;

/** The tag under which the referrers of a digest are listed. OCI distribution specification 1.1, *Referrers Tag Schema*. */
export function referrersTag(digest: Digest): Tag {
  return `sha256-${hexOf(digest)}` as Tag;
}

/**
 * Lists a referrer under its subject's tag in the place of those that it supersedes, for a registry without the referrers
 * API. Nothing guards the list against another writer, so it is read again, and written again where somebody else's list has
 * replaced ours. Throws `REFERRERS_CONTENDED` (retryable), or what the registry's status stands for.
 */
export async function listUnderTag(
  session: Session,
  key: ArtifactKey,
  {
    descriptor,
    supersedes,
  }: {
    readonly descriptor: {
      readonly mediaType: string;
      readonly digest: Digest;
      readonly size: number;
      readonly artifactType: string;
    };
    readonly supersedes: readonly Digest[];
  },
): Promise<'done' | { readonly refused: number }> {
  for (let tries = 0; tries < TRIES; tries++) {
    const index = await readIndex(session, key);
    const others = index.manifests.filter(
      ({ digest }) => !supersedes.some((old) => old === digest && old !== descriptor.digest),
    );
    const isListed = others.some(({ digest }) => digest === descriptor.digest);
    if (isListed && others.length === index.manifests.length) return 'done';
    const { status } = await session.send({
      ...key,
      action: 'pull,push',
      method: 'PUT',
      path: `/manifests/${referrersTag(key.digest)}`,
      headers: { 'content-type': MediaType.ociIndex },
      body: JSON.stringify({ ...index, manifests: isListed ? others : [...others, descriptor] }),
    });
    if (status !== 201) return { refused: status };
  }
  throw new AppError('REFERRERS_CONTENDED', 'another writer keeps replacing the list of referrers', {
    retryable: true,
  });
}

async function readIndex(session: Session, key: ArtifactKey): Promise<Index> {
  try {
    const { bytes } = await fetchManifest(session, key, referrersTag(key.digest));
    return indexSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    if (isAppError(error, 'MANIFEST_UNKNOWN')) {
      return { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] };
    }
    if (isAppError(error)) throw error;
    throw new AppError('REFERRERS_MALFORMED', 'the list of referrers is malformed', { cause: error });
  }
}
