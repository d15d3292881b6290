import { randomUUID } from 'node:crypto';
import type { Context } from './context.js';
import { RegistryError } from './error.js';
import { emptyRepository } from './state.js';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Serves a blob that belongs to the repository. */
export async function getBlob(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const size = context.repositories.find(name)?.blobs[digest];
  if (size === undefined)
    throw new RegistryError(404, 'BLOB_UNKNOWN', { message: 'blob unknown to registry', detail: { digest } });
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(size),
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: `"${digest}"`,
  };
  return new Response(request.method === 'HEAD' ? null : await context.store.read(digest), { headers });
}

/** Forgets a blob of a repository. */
export async function deleteBlob(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'delete' }]);
  await context.repositories.change(name, (state) => {
    if (state?.blobs[digest] === undefined) throw new RegistryError(404, 'BLOB_UNKNOWN', { detail: { digest } });
    const blobs = Object.fromEntries(Object.entries(state.blobs).filter(([held]) => held !== digest));
    return Promise.resolve({ ...state, blobs });
  });
  return new Response(null, { status: 202, headers: { 'docker-content-digest': digest } });
}

/** Begins an upload, mounts a blob of another repository, or takes a whole blob at once. */
export async function startUpload(context: Context, request: Request, name: string): Promise<Response> {
  context.auth.check(request, scopes(name));
  const { searchParams } = new URL(request.url);
  const mount = searchParams.get('mount');
  const from = searchParams.get('from');
  if (mount !== null && from !== null) {
    const size = context.repositories.find(from)?.blobs[mount];
    if (size !== undefined && mayPull(context, request, from)) {
      await link(context, name, { digest: mount, size });
      return new Response(null, { status: 201, headers: blobHeaders(name, mount) });
    }
  }
  const id = randomUUID();
  await context.store.append(id, emptyStream());
  const digest = searchParams.get('digest');
  if (digest !== null) return finishUpload(context, request, { name, id });
  return new Response(null, { status: 202, headers: uploadHeaders(name, id, 0) });
}

/** Takes a chunk. A `Content-Range` has to begin where the upload stands. */
export async function patchUpload(
  context: Context,
  request: Request,
  { name, id }: { name: string; id: string },
): Promise<Response> {
  context.auth.check(request, scopes(name));
  const size = await knownSize(context, id);
  const range = /^(\d+)-(\d+)$/.exec(request.headers.get('content-range') ?? '');
  if (range !== null && Number(range[1]) !== size) {
    throw new RegistryError(416, 'BLOB_UPLOAD_INVALID', {
      message: 'the chunk is out of order',
      headers: uploadHeaders(name, id, size),
    });
  }
  const length = await context.store.append(id, request.body ?? emptyStream());
  return new Response(null, { status: 202, headers: uploadHeaders(name, id, length) });
}

/** How far an upload has come. */
export async function uploadStatus(
  context: Context,
  request: Request,
  { name, id }: { name: string; id: string },
): Promise<Response> {
  context.auth.check(request, scopes(name));
  return new Response(null, { status: 204, headers: uploadHeaders(name, id, await knownSize(context, id)) });
}

/** Ends an upload under the digest that the client names, which is verified. */
export async function finishUpload(
  context: Context,
  request: Request,
  { name, id }: { name: string; id: string },
): Promise<Response> {
  context.auth.check(request, scopes(name));
  const digest = new URL(request.url).searchParams.get('digest') ?? '';
  if (!DIGEST.test(digest))
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'the digest is missing or malformed' });
  await knownSize(context, id);
  if (request.body !== null) await context.store.append(id, request.body);
  const finished = await context.store.finish(id, digest);
  if (finished.digest !== digest) {
    throw new RegistryError(400, 'DIGEST_INVALID', {
      message: 'provided digest did not match uploaded content',
      detail: { digest },
    });
  }
  await link(context, name, finished);
  return new Response(null, { status: 201, headers: blobHeaders(name, digest) });
}

/** Gives an upload up. */
export async function cancelUpload(
  context: Context,
  request: Request,
  { name, id }: { name: string; id: string },
): Promise<Response> {
  context.auth.check(request, scopes(name));
  await knownSize(context, id);
  await context.store.discard(id);
  return new Response(null, { status: 204 });
}

async function link(context: Context, name: string, { digest, size }: { digest: string; size: number }): Promise<void> {
  await context.repositories.change(name, (state) => {
    const current = state ?? emptyRepository(context.clock().toISOString());
    return Promise.resolve(
      current.blobs[digest] === size ? current : { ...current, blobs: { ...current.blobs, [digest]: size } },
    );
  });
}

function mayPull(context: Context, request: Request, name: string): boolean {
  try {
    context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
    return true;
  } catch {
    return false;
  }
}

async function knownSize(context: Context, id: string): Promise<number> {
  const size = /^[0-9a-f-]{36}$/.test(id) ? await context.store.uploadSize(id) : undefined;
  if (size === undefined)
    throw new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', { message: 'blob upload unknown to registry' });
  return size;
}

function scopes(name: string) {
  return (['pull', 'push'] as const).map((action) => ({ type: 'repository' as const, name, action }));
}

function uploadHeaders(name: string, id: string, size: number): Record<string, string> {
  return {
    location: `/v2/${name}/blobs/uploads/${id}`,
    range: `0-${Math.max(size - 1, 0)}`,
    'docker-upload-uuid': id,
    'content-length': '0',
  };
}

function blobHeaders(name: string, digest: string): Record<string, string> {
  return { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest, 'content-length': '0' };
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new Blob([]).stream();
}
