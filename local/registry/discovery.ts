import { MediaType } from '../../shared/artifact/media-type.js';
import { type Context, page } from './context.js';

/** Lists what refers to a digest. OCI distribution specification 1.1, *Listing Referrers*. */
export function listReferrers(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Response {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const url = new URL(request.url);
  const wanted = url.searchParams.get('artifactType');
  const manifests = context.repositories.find(name)?.manifests ?? {};
  const all = Object.entries(manifests).filter(
    ([, { subject, artifactType }]) => subject === digest && (wanted === null || artifactType === wanted),
  );
  const { items, more } = page(all.map(([referrer]) => referrer).sort(), url, 100);
  const descriptors = items.flatMap((referrer) => {
    const record = manifests[referrer];
    if (record === undefined) return [];
    const { mediaType, size, artifactType, annotations } = record;
    return [
      {
        mediaType,
        digest: referrer,
        size,
        ...(artifactType !== undefined && { artifactType }),
        ...(annotations && { annotations }),
      },
    ];
  });
  const headers = new Headers({ 'content-type': MediaType.ociIndex });
  if (wanted !== null) headers.set('oci-filters-applied', 'artifactType');
  if (more) {
    const next = new URLSearchParams({ last: items.at(-1) ?? '', ...(wanted !== null && { artifactType: wanted }) });
    headers.set('link', `</v2/${name}/referrers/${digest}?${next.toString()}>; rel="next"`);
  }
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: descriptors };
  return new Response(JSON.stringify(index), { headers });
}

/** Lists tags in order. */
export function listTags(context: Context, request: Request, name: string): Response {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const url = new URL(request.url);
  const { items, more, size } = page(Object.keys(context.repositories.get(name).tags).sort(), url, 100);
  const link = more
    ? { link: `</v2/${name}/tags/list?last=${encodeURIComponent(items.at(-1) ?? '')}&n=${size}>; rel="next"` }
    : {};
  return Response.json({ name, tags: items }, { headers: link });
}

/** Lists repositories, under `/v2/_catalog` and `/acr/v1/_catalog`. */
export function listCatalog(context: Context, request: Request, path: string): Response {
  context.auth.check(request, [{ type: 'registry', name: 'catalog', action: '*' }]);
  const url = new URL(request.url);
  const { items, more, size } = page(context.repositories.names(), url, 100);
  const tail = path.startsWith('/acr/') ? '&orderby=' : '';
  const link = more
    ? { link: `<${path}?last=${encodeURIComponent(items.at(-1) ?? '')}&n=${size}${tail}>; rel="next"` }
    : {};
  return Response.json({ repositories: items }, { headers: link });
}
