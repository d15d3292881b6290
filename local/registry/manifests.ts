import { MAX_MANIFEST_BYTES } from '../../shared/artifact/manifest.js';
import { isTag } from '../../shared/artifact/tag.js';
import { readBody } from '../../shared/net/read-body.js';
import { algorithmOf, hashOf } from './blob-store.js';
import { type Context, toTime } from './context.js';
import { RegistryError, manifestUnknown } from './error.js';
import type { Happening } from './event.js';
import { refuseRead, refuseWrite } from './locks.js';
import { type ManifestBody, childrenOf, digestPattern, readManifestBody } from './manifest-body.js';
import type { Transaction } from './repositories.js';
import {
  type Change,
  type ManifestRecord,
  OPEN,
  type RepositoryState,
  emptyRepository,
  repositoryChange,
} from './state.js';

/** A repository, and a tag or digest in it. */
export interface Place {
  readonly name: string;
  readonly reference: string;
}

/** Serves a manifest by tag or digest. */
export async function getManifest(context: Context, request: Request, { name, reference }: Place): Promise<Response> {
  context.auth.check(request, [{ type: 'repository', name, action: 'pull' }]);
  const state = context.repositories.get(name);
  const digest = resolveReference(state, reference);
  const record = state.manifests.get(digest);
  if (record === undefined) throw manifestUnknown(reference);
  refuseRead(state, { reference, digest, method: request.method }, context.switches);
  const headers = {
    'content-type': record.mediaType,
    'content-length': String(record.size),
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  const body = request.method === 'HEAD' ? null : Buffer.from(await context.blobs.readAll(digest));
  return new Response(body, { headers });
}

/** The digest that a reference stands for. Throws `MANIFEST_UNKNOWN` for a tag that is not there. */
export function resolveReference(state: RepositoryState, reference: string): string {
  if (reference.includes(':')) return reference;
  const tag = state.tags.get(reference);
  if (tag === undefined) throw manifestUnknown(reference);
  return tag.digest;
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
  const tag = reference.includes(':') ? undefined : reference;
  if (tag !== undefined && !isTag(tag))
    throw new RegistryError(400, 'TAG_INVALID', { message: 'manifest tag is malformed' });
  const digest = hashOf(bytes, tag === undefined ? algorithmOf(reference) : 'sha256');
  if (tag === undefined && (reference !== digest || !digestPattern(context.switches).test(reference))) {
    throw new RegistryError(400, 'DIGEST_INVALID', { message: 'provided digest did not match uploaded content' });
  }
  const body = readManifestBody(bytes, request.headers.get('content-type') ?? '', context.switches);
  await storeManifest(context, { name, tag, digest, bytes, body, request: origin(request) });
  const headers: Record<string, string> = {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    'content-length': '0',
  };
  if (body.subject !== undefined && context.switches.referrersApi === 'on')
    headers['oci-subject'] = body.subject.digest;
  return new Response(null, { status: 201, headers });
}

async function storeManifest(
  context: Context,
  push: {
    readonly name: string;
    readonly tag: string | undefined;
    readonly digest: string;
    readonly bytes: Uint8Array;
    readonly body: ManifestBody;
    readonly request: NonNullable<Happening['request']>;
  },
): Promise<void> {
  const { name, tag, digest, bytes, body, request } = push;
  const platform = await platformOf(context, body);
  const happened = await context.repositories.change(name, async (state): Promise<Transaction> => {
    const now = toTime(context.clock());
    const current = state ?? emptyRepository(now);
    refuseWrite(current, { tag, digest, subject: body.subject?.digest }, context.switches);
    refuseMissing(current, body);
    await context.blobs.put(digest, bytes);
    const record = toRecord(body, { size: bytes.byteLength, platform, now, state: current });
    const silent = body.subject !== undefined && context.switches.referrerEvent === 'off';
    const happening: Happening = {
      action: 'push',
      repository: name,
      digest,
      mediaType: body.mediaType,
      size: bytes.byteLength,
      ...(tag !== undefined && { tag }),
      request,
    };
    return {
      changes: manifestChanges(current, { digest, tag, now, record }),
      happened: silent ? [] : [happening],
    };
  });
  await context.publish(happened);
}

/** What a manifest names has to be there; its subject need not be (OCI distribution 1.1, *Pushing Manifests with Subject*). */
function refuseMissing(state: RepositoryState, { manifests, blobs }: ManifestBody): void {
  const child = manifests?.find(({ digest }) => !state.manifests.has(digest));
  const blob = blobs.find(({ digest }) => !state.blobs.has(digest));
  const missing = child ?? blob;
  if (missing === undefined) return;
  throw new RegistryError(404, child === undefined ? 'MANIFEST_BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN', {
    message: 'the manifest names what is not here',
    detail: { digest: missing.digest },
  });
}

type Platform = Pick<ManifestRecord, 'architecture' | 'os'>;

async function platformOf(context: Context, { config }: ManifestBody): Promise<Platform> {
  if (config === undefined || config.size > MAX_MANIFEST_BYTES) return {};
  try {
    const bytes = await context.blobs.readAll(config.digest);
    const json = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    const [architecture, os] = [text(json['architecture']), text(json['os'])];
    return { ...(architecture !== undefined && { architecture }), ...(os !== undefined && { os }) };
  } catch {
    return {};
  }
}

function toRecord(
  body: ManifestBody,
  { size, platform, now, state }: { size: number; platform: Platform; now: string; state: RepositoryState },
): ManifestRecord {
  const { mediaType, configMediaType, artifactType, subject, annotations, manifests } = body;
  return {
    createdTime: now,
    lastUpdateTime: now,
    attributes: OPEN,
    mediaType,
    size,
    ...(configMediaType !== undefined && { configMediaType }),
    ...(artifactType !== undefined && { artifactType }),
    ...(subject && { subject: subject.digest }),
    ...(subject && annotations && { annotations }),
    ...platform,
    contentSize: body.blobs.reduce((sum, { digest }) => sum + (state.blobs.get(digest) ?? 0), 0),
    ...(manifests && { children: childrenOf(manifests) }),
  };
}

/** The changes that bring a manifest and its tag: a few records, whatever the repository holds. */
export function manifestChanges(
  state: RepositoryState,
  push: {
    readonly digest: string;
    readonly tag: string | undefined;
    readonly now: string;
    readonly record: ManifestRecord;
  },
): readonly Change[] {
  const { digest, tag, now } = push;
  const known = state.manifests.get(digest);
  const { untaggedTime, ...rest } = known === undefined ? push.record : { ...known, lastUpdateTime: now };
  const tagged = tag !== undefined || (state.tagsOf.get(digest)?.size ?? 0) > 0;
  const record: ManifestRecord = { ...rest, ...(!tagged && { untaggedTime: untaggedTime ?? now }) };
  const own: Change[] = [repositoryChange(state, { lastUpdateTime: now }), { kind: 'manifest', key: digest, record }];
  if (tag === undefined) return own;
  const before = state.tags.get(tag);
  return [
    ...own,
    ...(before === undefined || before.digest === digest ? [] : leftBehind(state, { tag, digest: before.digest, now })),
    {
      kind: 'tag',
      key: tag,
      record: {
        digest,
        createdTime: before?.createdTime ?? now,
        lastUpdateTime: now,
        attributes: before?.attributes ?? OPEN,
      },
    },
  ];
}

/** A manifest that loses its last tag is untagged from now on. */
export function leftBehind(
  state: RepositoryState,
  { tag, digest, now }: { readonly tag: string; readonly digest: string; readonly now: string },
): readonly Change[] {
  const record = state.manifests.get(digest);
  const others = [...(state.tagsOf.get(digest) ?? [])].filter((other) => other !== tag);
  if (record === undefined || others.length > 0) return [];
  return [{ kind: 'manifest', key: digest, record: { ...record, untaggedTime: now } }];
}

/** What an event tells of a request. */
export function origin(request: Request): NonNullable<Happening['request']> {
  return {
    host: new URL(request.url).host,
    method: request.method,
    useragent: request.headers.get('user-agent') ?? '',
  };
}
