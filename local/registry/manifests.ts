import { isTag } from '../../shared/artifact/tag.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { type Manifest, MAX_MANIFEST_BYTES, parseManifest } from '../../shared/artifact/manifest.js';
import { isAppError } from '../../shared/error/app-error.js';
import { readBody } from '../../shared/net/read-body.js';
import type { Context } from './context.js';
import { RegistryError, disallowed, manifestUnknown } from './error.js';
import { toEvent } from './event.js';
import { type ManifestRecord, OPEN, type RepositoryState, emptyRepository } from './state.js';

interface Place {
  readonly name: string;
  readonly reference: string;
}

/** Serves a manifest by tag or digest. A read lock of repository, tag or manifest refuses it. */
export async function getManifest(context: Context, request: Request, { name, reference }: Place): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const state = context.repositories.get(name);
  const digest = resolve(state, reference);
  const record = state.manifests[digest];
  if (record === undefined) throw manifestUnknown(reference);
  const locked = [state.attributes, record.attributes, state.tags[reference]?.attributes ?? OPEN];
  if (locked.some(({ readEnabled }) => !readEnabled)) throw disallowed();
  const headers = {
    'content-type': record.mediaType,
    'content-length': String(record.size),
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  const body = request.method === 'HEAD' ? null : Buffer.from(await context.store.readAll(digest));
  return new Response(body, { headers });
}

/** Takes a manifest: verified, stored, tagged, told. The answer comes after the event is durable. */
export async function putManifest(context: Context, request: Request, { name, reference }: Place): Promise<Response> {
  context.auth.check(
    request,
    (['pull', 'push'] as const).map((action) => ({ type: 'repository' as const, name, action })),
  );
  const bytes = await readBody(request.body, MAX_MANIFEST_BYTES);
  if (bytes === undefined) {
    throw new RegistryError(413, 'MANIFEST_INVALID', { message: 'the manifest is larger than 4 MiB' });
  }
  const digest = digestOf(bytes);
  const tag = reference.includes(':') ? undefined : reference;
  if (tag === undefined && reference !== digest) {
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'provided digest did not match uploaded content' });
  }
  if (tag !== undefined && !isTag(tag))
    throw new RegistryError(400, 'TAG_INVALID', { message: 'manifest tag is malformed' });
  const mediaType = (request.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
  const manifest = parse(bytes, mediaType);
  const platform = await platformOf(context, manifest);
  await context.repositories.change(name, async (state) => {
    const now = context.clock().toISOString();
    const current = state ?? emptyRepository(now);
    refuseLocked(current, { tag, digest });
    refuseMissing(current, manifest);
    await context.store.put(digest, bytes);
    return addManifest(current, {
      digest,
      tag,
      now,
      record: toRecord(manifest, { size: bytes.byteLength, platform, now }),
    });
  });
  await context.publish(
    toEvent(
      {
        action: 'push',
        repository: name,
        digest,
        mediaType,
        size: bytes.byteLength,
        ...(tag !== undefined && { tag }),
        request: origin(request),
      },
      { resourceId: context.resourceId, location: context.location, now: context.clock() },
    ),
  );
  const headers: Record<string, string> = {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    'content-length': '0',
  };
  if (manifest.subject !== undefined) headers['oci-subject'] = manifest.subject.digest;
  return new Response(null, { status: 201, headers });
}

/** Deletes by digest, with the tags that point to it and the referrers that refer to it. */
export async function deleteManifest(
  context: Context,
  request: Request,
  { name, reference }: Place,
): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'delete' }]);
  let mediaType = '';
  await context.repositories.change(name, (state) => {
    if (state === undefined) return Promise.reject(manifestUnknown(reference));
    if (!reference.includes(':'))
      throw new RegistryError(400, 'UNSUPPORTED', { message: 'a manifest is deleted by its digest' });
    const record = state.manifests[reference];
    if (record === undefined) throw manifestUnknown(reference);
    if (!record.attributes.deleteEnabled || !record.attributes.writeEnabled) throw disallowed();
    mediaType = record.mediaType;
    const gone = new Set([
      reference,
      ...Object.entries(state.manifests).flatMap(([digest, { subject }]) => (subject === reference ? [digest] : [])),
    ]);
    const keep = <T>(all: Readonly<Record<string, T>>, digestFor: (key: string, value: T) => string) =>
      Object.fromEntries(Object.entries(all).filter(([key, value]) => !gone.has(digestFor(key, value))));
    return Promise.resolve({
      ...state,
      manifests: keep(state.manifests, (digest) => digest),
      tags: keep(state.tags, (_, { digest }) => digest),
    });
  });
  await context.publish(
    toEvent(
      { action: 'delete', repository: name, digest: reference, mediaType, request: origin(request) },
      { resourceId: context.resourceId, location: context.location, now: context.clock() },
    ),
  );
  return new Response(null, { status: 202 });
}

function resolve(state: RepositoryState, reference: string): string {
  if (reference.includes(':')) return reference;
  const tag = state.tags[reference];
  if (tag === undefined) throw manifestUnknown(reference);
  return tag.digest;
}

function parse(bytes: Uint8Array, mediaType: string): Manifest {
  try {
    return parseManifest(bytes, { mediaType });
  } catch (error) {
    if (isAppError(error)) throw new RegistryError(400, 'MANIFEST_INVALID', { message: error.message });
    throw error;
  }
}

function refuseLocked(
  state: RepositoryState,
  { tag, digest }: { readonly tag: string | undefined; readonly digest: string },
): void {
  const locks = [
    state.attributes,
    state.manifests[digest]?.attributes,
    tag === undefined ? undefined : state.tags[tag]?.attributes,
  ];
  if (locks.some((attributes) => attributes?.writeEnabled === false)) throw disallowed();
}

/** What a manifest names has to be there; its subject need not be (OCI distribution 1.1, *Pushing Manifests with Subject*). */
function refuseMissing(state: RepositoryState, manifest: Manifest): void {
  const missing =
    manifest.form === 'index'
      ? manifest.manifests.find(({ digest }) => state.manifests[digest] === undefined)
      : [manifest.config, ...manifest.layers].find(
          ({ digest, mediaType }) => state.blobs[digest] === undefined && !/foreign/.test(mediaType),
        );
  if (missing === undefined) return;
  const code = manifest.form === 'index' ? 'MANIFEST_UNKNOWN' : 'MANIFEST_BLOB_UNKNOWN';
  throw new RegistryError(404, code, {
    message: 'the manifest names what is not here',
    detail: { digest: missing.digest },
  });
}

async function platformOf(
  context: Context,
  manifest: Manifest,
): Promise<{ readonly architecture?: string; readonly os?: string }> {
  if (manifest.form === 'index' || manifest.config.size > MAX_MANIFEST_BYTES) return {};
  try {
    const config = JSON.parse(
      Buffer.from(await context.store.readAll(manifest.config.digest)).toString('utf8'),
    ) as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    const [architecture, os] = [text(config['architecture']), text(config['os'])];
    return { ...(architecture !== undefined && { architecture }), ...(os !== undefined && { os }) };
  } catch {
    return {};
  }
}

function toRecord(
  manifest: Manifest,
  {
    size,
    platform,
    now,
  }: {
    readonly size: number;
    readonly platform: { readonly architecture?: string; readonly os?: string };
    readonly now: string;
  },
): ManifestRecord {
  const config = manifest.form === 'manifest' ? manifest.config.mediaType : undefined;
  const artifactType = manifest.artifactType ?? (manifest.subject === undefined ? undefined : config);
  return {
    createdTime: now,
    lastUpdateTime: now,
    attributes: OPEN,
    mediaType: manifest.mediaType,
    size,
    ...(config !== undefined && { configMediaType: config }),
    ...(artifactType !== undefined && { artifactType }),
    ...(manifest.subject && { subject: manifest.subject.digest }),
    ...(manifest.subject && { annotations: manifest.annotations }),
    ...platform,
    holds: (manifest.form === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers]).map(
      ({ digest }) => digest,
    ),
  };
}

function addManifest(
  state: RepositoryState,
  {
    digest,
    tag,
    now,
    record,
  }: {
    readonly digest: string;
    readonly tag: string | undefined;
    readonly now: string;
    readonly record: ManifestRecord;
  },
): RepositoryState {
  const known = state.manifests[digest];
  const manifests = { ...state.manifests, [digest]: known === undefined ? record : { ...known, lastUpdateTime: now } };
  if (tag === undefined) return { ...state, lastUpdateTime: now, manifests };
  const before = state.tags[tag];
  const tags = {
    ...state.tags,
    [tag]: {
      digest,
      createdTime: before?.createdTime ?? now,
      lastUpdateTime: now,
      attributes: before?.attributes ?? OPEN,
    },
  };
  return { ...state, lastUpdateTime: now, manifests, tags };
}

function origin(request: Request) {
  return {
    host: new URL(request.url).host,
    method: request.method,
    useragent: request.headers.get('user-agent') ?? '',
  };
}
