import { type BlobStore, type Range, SMALL_BYTES } from './blob-store.js';
import type { Context } from './context.js';
import { RegistryError } from './error.js';

/** Serves a blob that belongs to the repository, whole or in part, from here or from another host. */
export async function getBlob(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const size = context.repositories.find(name)?.blobs.get(digest);
  if (size === undefined)
    throw new RegistryError(404, 'BLOB_UNKNOWN', { message: 'blob unknown to registry', detail: { digest } });
  const redirects = request.method === 'GET' || context.switches.blobHead === 'redirect';
  if (context.blobHost !== undefined && redirects) {
    return new Response(null, {
      status: 307,
      headers: { location: context.blobHost.link(digest), 'docker-content-digest': digest, 'content-length': '0' },
    });
  }
  return blobResponse(context.blobs, request, { digest, size });
}

/** The bytes of a blob, or those that a `Range` header asks for. RFC 9110, section 14. */
export async function blobResponse(
  blobs: BlobStore,
  request: Request,
  { digest, size }: { readonly digest: string; readonly size: number },
): Promise<Response> {
  const range = parseRange(request.headers.get('range'), size);
  if (range === 'unsatisfiable') {
    throw new RegistryError(416, 'RANGE_INVALID', {
      message: 'the range lies outside of the blob',
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(range === undefined ? size : range.end - range.start + 1),
    ...(range !== undefined && { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  };
  const isEmpty = request.method === 'HEAD' || size === 0;
  const isSmall = range === undefined && size <= SMALL_BYTES;
  const body = isEmpty ? null : isSmall ? Buffer.from(await blobs.readAll(digest)) : blobs.read(digest, range);
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

/** One range of bytes; undefined where there is none, or one of a form that may be ignored. */
function parseRange(header: string | null, size: number): Range | 'unsatisfiable' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (found === null) return undefined;
  const [, first = '', last = ''] = found;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Number(last);
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(size - length, 0), end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size) return 'unsatisfiable';
  return last !== '' && Number(last) < start ? undefined : { start, end };
}

/** Forgets a blob of a repository. */
export async function deleteBlob(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'delete' }]);
  await context.repositories.change(name, (state) => {
    if (!state?.blobs.has(digest)) throw new RegistryError(404, 'BLOB_UNKNOWN', { detail: { digest } });
    return { changes: [{ kind: 'blob', key: digest, size: null }] };
  });
  return new Response(null, { status: 202, headers: { 'docker-content-digest': digest } });
}
