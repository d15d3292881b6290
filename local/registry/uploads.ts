import { createHash, randomUUID } from 'node:crypto';
import { type Context, toTime } from './context.js';
import { RegistryError } from './error.js';
import { digestPattern } from './manifest-body.js';
import { emptyRepository, repositoryChange } from './state.js';

/** A repository, and an upload in it. */
export interface UploadPlace {
  readonly name: string;
  readonly id: string;
}

/** Begins an upload, mounts a blob of another repository, or takes a whole blob at once. */
export async function startUpload(context: Context, request: Request, name: string): Promise<Response> {
  context.auth.check(request, scopes(name));
  const { searchParams } = new URL(request.url);
  const mount = searchParams.get('mount');
  const from = searchParams.get('from');
  if (mount !== null && from !== null) {
    const size = context.repositories.find(from)?.blobs.get(mount);
    const mayPull = context.auth.allows(request, { type: 'repository', name: from, action: 'pull' });
    if (size !== undefined && mayPull) {
      await link(context, name, { digest: mount, size });
      return new Response(null, { status: 201, headers: blobHeaders(name, mount) });
    }
  }
  const id = randomUUID();
  await context.blobs.begin(stored(name, id));
  if (searchParams.get('digest') !== null) return finishUpload(context, request, { name, id });
  return new Response(null, { status: 202, headers: uploadHeaders(name, id, 0) });
}

/** Takes a chunk. A `Content-Range` has to begin where the upload stands, and to be as long as it says. */
export async function patchUpload(context: Context, request: Request, { name, id }: UploadPlace): Promise<Response> {
  context.auth.check(request, scopes(name));
  const size = await takeChunk(context, request, { name, id });
  return new Response(null, { status: 202, headers: uploadHeaders(name, id, size) });
}

/** How far an upload has come: where a client that was interrupted goes on. */
export async function uploadStatus(context: Context, request: Request, { name, id }: UploadPlace): Promise<Response> {
  context.auth.check(request, scopes(name));
  return new Response(null, { status: 204, headers: uploadHeaders(name, id, await sizeOf(context, { name, id })) });
}

/** Ends an upload under the digest that the client names, which is verified. */
export async function finishUpload(context: Context, request: Request, { name, id }: UploadPlace): Promise<Response> {
  context.auth.check(request, scopes(name));
  const digest = new URL(request.url).searchParams.get('digest') ?? '';
  if (!digestPattern(context.switches).test(digest))
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'the digest is missing or malformed' });
  await takeChunk(context, request, { name, id });
  const finished = await context.blobs.finish(stored(name, id), digest);
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
export async function cancelUpload(context: Context, request: Request, { name, id }: UploadPlace): Promise<Response> {
  context.auth.check(request, scopes(name));
  await sizeOf(context, { name, id });
  await context.blobs.discard(stored(name, id));
  return new Response(null, { status: 204 });
}

async function takeChunk(context: Context, request: Request, place: UploadPlace): Promise<number> {
  const before = await sizeOf(context, place);
  const range = /^(?:bytes[= ])?(\d+)-(\d+)/.exec(request.headers.get('content-range') ?? '');
  const outOfOrder = (size: number) =>
    new RegistryError(416, 'BLOB_UPLOAD_INVALID', {
      message: 'the chunk is not the one that comes next',
      headers: progress(place.name, place.id, size),
    });
  if (range !== null && Number(range[1]) !== before) throw outOfOrder(before);
  if (request.body === null) return before;
  const after = await context.blobs.append(stored(place.name, place.id), request.body);
  if (range !== null && after !== before && after !== Number(range[2]) + 1) {
    await context.blobs.rewind(stored(place.name, place.id), before);
    throw outOfOrder(before);
  }
  return after;
}

async function link(context: Context, name: string, { digest, size }: { digest: string; size: number }): Promise<void> {
  await context.repositories.change(name, (state) => {
    if (state?.blobs.get(digest) === size) return { changes: [] };
    const isNew = state === undefined ? [repositoryChange(emptyRepository(toTime(context.clock())))] : [];
    return { changes: [...isNew, { kind: 'blob', key: digest, size }] };
  });
}

/** An upload belongs to its repository: under another one's name it is not known. */
function stored(name: string, id: string): string {
  return `${createHash('sha256').update(name).digest('hex').slice(0, 16)}-${id}`;
}

async function sizeOf(context: Context, { name, id }: UploadPlace): Promise<number> {
  const size = /^[0-9a-f-]{36}$/.test(id) ? await context.blobs.uploadSize(stored(name, id)) : undefined;
  if (size === undefined)
    throw new RegistryError(404, 'BLOB_UPLOAD_UNKNOWN', { message: 'blob upload unknown to registry' });
  return size;
}

function scopes(name: string) {
  return (['pull', 'push'] as const).map((action) => ({ type: 'repository' as const, name, action }));
}

function uploadHeaders(name: string, id: string, size: number): Record<string, string> {
  return { ...progress(name, id, size), 'content-length': '0' };
}

function progress(name: string, id: string, size: number): Record<string, string> {
  const location = `/v2/${name}/blobs/uploads/${id}`;
  return { location, range: `0-${Math.max(size - 1, 0)}`, 'docker-upload-uuid': id };
}

function blobHeaders(name: string, digest: string): Record<string, string> {
  return { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest, 'content-length': '0' };
}
