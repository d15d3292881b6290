import { MediaType } from '../../shared/artifact/media-type.js';
import { type Context, nextLink, page } from './context.js';
import { RegistryError } from './error.js';
import { listedNames } from './order.js';
import type { ManifestRecord, RepositoryState } from './state.js';
import type { Switches } from './switches.js';

/** Lists what refers to a digest. OCI distribution specification 1.1, *Listing Referrers*. */
export function listReferrers(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Response {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  if (context.switches.referrersApi === 'off') {
    throw new RegistryError(404, 'NOT_FOUND', { message: 'page not found' });
  }
  const url = new URL(request.url);
  const wanted = url.searchParams.get('artifactType');
  const state = context.repositories.find(name);
  const all = [...(state?.referrers.get(digest) ?? [])].filter(
    (referrer) => wanted === null || typeOf(state?.manifests.get(referrer), context.switches) === wanted,
  );
  const cut = page(all.sort(), url);
  const headers = new Headers({ 'content-type': MediaType.ociIndex });
  if (wanted !== null) headers.set('oci-filters-applied', 'artifactType');
  if (cut.more) {
    const filter = wanted === null ? '' : `&artifactType=${encodeURIComponent(wanted)}`;
    headers.set('link', nextLink(cut, `/v2/${name}/referrers/${digest}`, filter)['link'] ?? '');
  }
  const manifests = cut.items.flatMap((referrer) => describe(state, referrer, context.switches));
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
  headers.set('content-length', String(Buffer.byteLength(body)));
  return new Response(body, { headers });
}

function describe(state: RepositoryState | undefined, digest: string, switches: Switches): readonly object[] {
  const record = state?.manifests.get(digest);
  if (record === undefined) return [];
  const artifactType = typeOf(record, switches);
  const { mediaType, size, annotations } = record;
  return [
    {
      mediaType,
      digest,
      size,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    },
  ];
}

function typeOf(record: ManifestRecord | undefined, { referrerArtifactType }: Switches): string | undefined {
  const fallback = referrerArtifactType === 'config' ? record?.configMediaType : undefined;
  const declared = record?.artifactType;
  return declared === undefined || declared === '' ? fallback : declared;
}

/** Lists tags in order, without those that a lock hides. */
export function listTags(context: Context, request: Request, name: string): Response {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const { tags } = context.repositories.get(name);
  const cut = page(listedNames(tags), new URL(request.url));
  return Response.json({ name, tags: cut.items }, { headers: nextLink(cut, `/v2/${name}/tags/list`) });
}

/** Lists repositories, under `/v2/_catalog` and `/acr/v1/_catalog`. */
export function listCatalog(context: Context, request: Request, path: string): Response {
  context.auth.check(request, [{ type: 'registry', name: 'catalog', action: '*' }]);
  const shown = context.repositories
    .names()
    .filter((name) => context.repositories.find(name)?.attributes.listEnabled === true);
  const cut = page(shown, new URL(request.url));
  const headers = nextLink(cut, path, path.startsWith('/acr/') ? '&orderby=' : '');
  return Response.json({ repositories: cut.items }, { headers });
}
