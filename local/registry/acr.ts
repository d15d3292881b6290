import { type Context, page } from './context.js';
import { RegistryError, disallowed, manifestUnknown } from './error.js';
import { type Attributes, type ManifestRecord, type RepositoryState, type TagRecord } from './state.js';

// ACR's own interface, version 2021-07-01:
// https://github.com/Azure/azure-rest-api-specs/tree/main/specification/containerregistry/data-plane

type Metadata = 'metadata_read' | 'metadata_write' | 'delete';

function authorise(context: Context, request: Request, { name, action }: { name: string; action: Metadata }): void {
  context.auth.check(request, [{ type: 'repository', name, action }]);
}

/** `/acr/v1/<name>`. */
export async function repositoryRoute(context: Context, request: Request, name: string): Promise<Response> {
  switch (request.method) {
    case 'GET':
      authorise(context, request, { name, action: 'metadata_read' });
      return Response.json(repositoryJson(context, name, context.repositories.get(name)));
    case 'PATCH': {
      authorise(context, request, { name, action: 'metadata_write' });
      const patch = await readPatch(request);
      await change(context, name, (state) => ({ ...state, attributes: { ...state.attributes, ...patch } }));
      return Response.json(repositoryJson(context, name, context.repositories.get(name)));
    }
    case 'DELETE': {
      authorise(context, request, { name, action: 'delete' });
      const { manifests, tags, attributes } = context.repositories.get(name);
      if (!attributes.deleteEnabled || !attributes.writeEnabled) throw disallowed();
      await context.repositories.change(name, () => Promise.resolve(undefined));
      return Response.json(
        { manifestsDeleted: Object.keys(manifests), tagsDeleted: Object.keys(tags) },
        { status: 202 },
      );
    }
    default:
      throw methodNotAllowed();
  }
}

/** `/acr/v1/<name>/_tags`. */
export function listTags(context: Context, request: Request, name: string): Response {
  authorise(context, request, { name, action: 'metadata_read' });
  const url = new URL(request.url);
  const state = context.repositories.get(name);
  const digest = url.searchParams.get('digest');
  const names = order(Object.entries(state.tags), url).filter(
    (tag) => digest === null || state.tags[tag]?.digest === digest,
  );
  const { items, more, size } = page(names, url, 100);
  const tags = items.flatMap((tag) => (state.tags[tag] === undefined ? [] : [tagJson(tag, state.tags[tag])]));
  return Response.json(
    { ...head(context, name), tags },
    { headers: more ? link(`/acr/v1/${name}/_tags`, items, size) : {} },
  );
}

/** `/acr/v1/<name>/_tags/<tag>`; DELETE is what people call untag, and raises no event. */
export async function tagRoute(
  context: Context,
  request: Request,
  { name, tag }: { name: string; tag: string },
): Promise<Response> {
  const read = (): Response => {
    const record = context.repositories.get(name).tags[tag];
    if (record === undefined) throw tagUnknown(tag);
    return Response.json({ ...head(context, name), tag: tagJson(tag, record) });
  };
  switch (request.method) {
    case 'GET':
      authorise(context, request, { name, action: 'metadata_read' });
      return read();
    case 'PATCH': {
      authorise(context, request, { name, action: 'metadata_write' });
      const patch = await readPatch(request);
      await change(context, name, (state) => {
        const record = state.tags[tag];
        if (record === undefined) throw tagUnknown(tag);
        return {
          ...state,
          tags: { ...state.tags, [tag]: { ...record, attributes: { ...record.attributes, ...patch } } },
        };
      });
      return read();
    }
    case 'DELETE':
      authorise(context, request, { name, action: 'delete' });
      await change(context, name, (state) => {
        const { [tag]: record, ...tags } = state.tags;
        if (record === undefined) throw tagUnknown(tag);
        const locks = [state.attributes, record.attributes];
        if (locks.some(({ writeEnabled, deleteEnabled }) => !writeEnabled || !deleteEnabled)) throw disallowed();
        return { ...state, tags, lastUpdateTime: context.clock().toISOString() };
      });
      return new Response(null, { status: 202 });
    default:
      throw methodNotAllowed();
  }
}

/** `/acr/v1/<name>/_manifests`. */
export function listManifests(context: Context, request: Request, name: string): Response {
  authorise(context, request, { name, action: 'metadata_read' });
  const url = new URL(request.url);
  const state = context.repositories.get(name);
  const { items, more, size } = page(order(Object.entries(state.manifests), url), url, 100);
  const manifests = items.flatMap((digest) => {
    const record = state.manifests[digest];
    return record === undefined ? [] : [manifestJson(state, digest, record)];
  });
  return Response.json(
    { ...head(context, name), manifests },
    { headers: more ? link(`/acr/v1/${name}/_manifests`, items, size) : {} },
  );
}

/** `/acr/v1/<name>/_manifests/<digest>`. */
export async function manifestRoute(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Promise<Response> {
  const read = (): Response => {
    const state = context.repositories.get(name);
    const record = state.manifests[digest];
    if (record === undefined) throw manifestUnknown(digest);
    return Response.json({ ...head(context, name), manifest: manifestJson(state, digest, record) });
  };
  switch (request.method) {
    case 'GET':
      authorise(context, request, { name, action: 'metadata_read' });
      return read();
    case 'PATCH': {
      authorise(context, request, { name, action: 'metadata_write' });
      const patch = await readPatch(request);
      await change(context, name, (state) => {
        const record = state.manifests[digest];
        if (record === undefined) throw manifestUnknown(digest);
        const changed = { ...record, attributes: { ...record.attributes, ...patch } };
        return { ...state, manifests: { ...state.manifests, [digest]: changed } };
      });
      return read();
    }
    default:
      throw methodNotAllowed();
  }
}

async function change(
  context: Context,
  name: string,
  work: (state: RepositoryState) => RepositoryState,
): Promise<void> {
  await context.repositories.change(name, () => Promise.resolve().then(() => work(context.repositories.get(name))));
}

const NAMES: readonly (keyof Attributes)[] = ['deleteEnabled', 'writeEnabled', 'readEnabled', 'listEnabled'];

/** The body is flat and partial: `{"readEnabled": false}`. */
async function readPatch(request: Request): Promise<Partial<Attributes>> {
  const body = (await request.json().catch(() => undefined)) as Readonly<Record<string, unknown>> | undefined;
  const known = Object.entries(body ?? {}).filter(([name]) => NAMES.some((attribute) => attribute === name));
  if (body === undefined || known.some(([, value]) => typeof value !== 'boolean')) {
    throw new RegistryError(400, 'BAD_REQUEST', { message: 'the attributes are malformed' });
  }
  return Object.fromEntries(known);
}

function order(
  entries: readonly (readonly [string, { readonly lastUpdateTime: string }])[],
  url: URL,
): readonly string[] {
  const by = url.searchParams.get('orderby');
  const sign = by === 'timedesc' ? -1 : 1;
  const byTime = by === 'timedesc' || by === 'timeasc';
  const sorted = entries.toSorted(([a, first], [b, second]) => {
    const time = byTime ? first.lastUpdateTime.localeCompare(second.lastUpdateTime) * sign : 0;
    return time === 0 ? a.localeCompare(b) : time;
  });
  return sorted.map(([name]) => name);
}

/** Relative, and with an empty `orderby` at its end, as the service writes it. */
function link(path: string, items: readonly string[], size: number): Record<string, string> {
  return { link: `<${path}?last=${encodeURIComponent(items.at(-1) ?? '')}&n=${size}&orderby=>; rel="next"` };
}

function head(context: Context, name: string) {
  return { registry: context.loginServer, imageName: name };
}

function repositoryJson(context: Context, name: string, state: RepositoryState) {
  const { createdTime, lastUpdateTime, manifests, tags, attributes } = state;
  const counts = { manifestCount: Object.keys(manifests).length, tagCount: Object.keys(tags).length };
  return { ...head(context, name), createdTime, lastUpdateTime, ...counts, changeableAttributes: attributes };
}

function tagJson(name: string, { digest, createdTime, lastUpdateTime, attributes }: TagRecord) {
  return { name, digest, createdTime, lastUpdateTime, signed: false, changeableAttributes: attributes };
}

function manifestJson(state: RepositoryState, digest: string, record: ManifestRecord) {
  const { createdTime, lastUpdateTime, size, mediaType, configMediaType, architecture, os, attributes } = record;
  const tags = Object.entries(state.tags).flatMap(([tag, { digest: target }]) => (target === digest ? [tag] : []));
  const layers = record.holds.reduce((sum, held) => sum + (state.blobs[held] ?? 0), 0);
  return {
    digest,
    imageSize: layers + size,
    createdTime,
    lastUpdateTime,
    ...(architecture !== undefined && { architecture }),
    ...(os !== undefined && { os }),
    mediaType,
    ...(configMediaType !== undefined && { configMediaType }),
    // Absent, not empty, while no tag points to it.
    ...(tags.length > 0 && { tags }),
    changeableAttributes: attributes,
  };
}

function tagUnknown(tag: string): RegistryError {
  return new RegistryError(404, 'TAG_UNKNOWN', { message: 'the specified tag does not exist', detail: { name: tag } });
}

function methodNotAllowed(): RegistryError {
  return new RegistryError(405, 'UNSUPPORTED', { message: 'the operation is unsupported' });
}
