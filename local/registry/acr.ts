import { manifestJson, repositoryJson, tagJson } from './acr-json.js';
import { type Context, nextLink, page, toTime } from './context.js';
import { tagUnknown, untag } from './delete-manifest.js';
import { RegistryError, manifestUnknown } from './error.js';
import { refusePatch, refuseRemoval } from './locks.js';
import { type Order, listedNames } from './order.js';
import type { Transaction } from './repositories.js';
import { type Attributes, type RepositoryState, repositoryChange } from './state.js';

// ACR's own interface, version 2021-07-01:
// https://github.com/Azure/azure-rest-api-specs/tree/main/specification/containerregistry/data-plane

function authorise(context: Context, request: Request, name: string): void {
  const action = request.method === 'GET' ? 'metadata_read' : 'metadata_write';
  context.auth.check(request, [{ type: 'repository', name, action }]);
}

/** `/acr/v1/<name>`. */
export async function repositoryRoute(context: Context, request: Request, name: string): Promise<Response> {
  const read = () => Response.json({ ...head(context, name), ...repositoryJson(context.repositories.get(name)) });
  switch (request.method) {
    case 'GET':
      authorise(context, request, name);
      return read();
    case 'PATCH': {
      authorise(context, request, name);
      const patch = await readPatch(request);
      await change(context, name, (state) => ({
        changes: [repositoryChange(state, { attributes: { ...state.attributes, ...patch } })],
      }));
      return read();
    }
    case 'DELETE': {
      context.auth.check(request, [{ type: 'repository', name, action: 'delete' }]);
      const { manifests, tags } = context.repositories.get(name);
      const body = { manifestsDeleted: [...manifests.keys()], tagsDeleted: [...tags.keys()] };
      await change(context, name, (state) => {
        refuseRemoval(state);
        return { removed: true };
      });
      return Response.json(body, { status: 202 });
    }
    default:
      throw methodNotAllowed();
  }
}

/** `/acr/v1/<name>/_tags`. */
export function listTags(context: Context, request: Request, name: string): Response {
  authorise(context, request, name);
  const url = new URL(request.url);
  const { tags } = context.repositories.get(name);
  const digest = url.searchParams.get('digest');
  const by = orderOf(url);
  const listed = listedNames(tags, by);
  const names = digest === null ? listed : listed.filter((tag) => tags.get(tag)?.digest === digest);
  const cut = page(names, url, by === '');
  const items = cut.items.flatMap((tag) => {
    const record = tags.get(tag);
    return record === undefined ? [] : [tagJson(tag, record)];
  });
  const headers = nextLink(cut, `/acr/v1/${name}/_tags`, `&orderby=${by}`);
  return Response.json({ ...head(context, name), tags: items }, { headers });
}

/** `/acr/v1/<name>/_tags/<tag>`; DELETE is what people call untag, and raises no event. */
export async function tagRoute(
  context: Context,
  request: Request,
  { name, tag }: { name: string; tag: string },
): Promise<Response> {
  const find = (state: RepositoryState) => {
    const record = state.tags.get(tag);
    if (record === undefined) throw tagUnknown(tag);
    return record;
  };
  const read = () => Response.json({ ...head(context, name), tag: tagJson(tag, find(context.repositories.get(name))) });
  switch (request.method) {
    case 'GET':
      authorise(context, request, name);
      return read();
    case 'PATCH': {
      authorise(context, request, name);
      const patch = await readPatch(request);
      await change(context, name, (state) => {
        const record = find(state);
        refusePatch(state, context.switches);
        const attributes = { ...record.attributes, ...patch };
        return { changes: [{ kind: 'tag', key: tag, record: { ...record, attributes } }] };
      });
      return read();
    }
    case 'DELETE':
      // Documentation asks for `metadata/write`, older clients for `delete`; either is enough.
      context.auth.check(request, [{ type: 'repository', name, action: 'metadata_write', or: ['delete', 'untag'] }]);
      await change(context, name, (state) => untag(state, { tag, now: toTime(context.clock()) }, context));
      return new Response(null, { status: 202 });
    default:
      throw methodNotAllowed();
  }
}

/** `/acr/v1/<name>/_manifests`. */
export function listManifests(context: Context, request: Request, name: string): Response {
  authorise(context, request, name);
  const url = new URL(request.url);
  const state = context.repositories.get(name);
  const by = orderOf(url);
  const cut = page(listedNames(state.manifests, by), url, by === '');
  const manifests = cut.items.flatMap((digest) => {
    const record = state.manifests.get(digest);
    return record === undefined ? [] : [manifestJson(state, digest, record)];
  });
  const headers = nextLink(cut, `/acr/v1/${name}/_manifests`, `&orderby=${by}`);
  return Response.json({ ...head(context, name), manifests }, { headers });
}

/** `/acr/v1/<name>/_manifests/<digest>`. */
export async function manifestRoute(
  context: Context,
  request: Request,
  { name, digest }: { name: string; digest: string },
): Promise<Response> {
  const read = () => {
    const state = context.repositories.get(name);
    const record = state.manifests.get(digest);
    if (record === undefined) throw manifestUnknown(digest);
    return Response.json({ ...head(context, name), manifest: manifestJson(state, digest, record) });
  };
  switch (request.method) {
    case 'GET':
      authorise(context, request, name);
      return read();
    case 'PATCH': {
      authorise(context, request, name);
      const patch = await readPatch(request);
      await change(context, name, (state) => {
        const record = state.manifests.get(digest);
        if (record === undefined) throw manifestUnknown(digest);
        refusePatch(state, context.switches);
        const attributes = { ...record.attributes, ...patch };
        return { changes: [{ kind: 'manifest', key: digest, record: { ...record, attributes } }] };
      });
      return read();
    }
    default:
      throw methodNotAllowed();
  }
}

async function change(context: Context, name: string, work: (state: RepositoryState) => Transaction): Promise<void> {
  await context.repositories.change(name, () => work(context.repositories.get(name)));
}

const NAMES: readonly (keyof Attributes)[] = ['deleteEnabled', 'writeEnabled', 'readEnabled', 'listEnabled'];

/** The body is flat and partial: `{"readEnabled": false}`. */
async function readPatch(request: Request): Promise<Partial<Attributes>> {
  const body: unknown = await request.json().catch(() => undefined);
  const entries = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  const known = entries.filter(([name]) => NAMES.some((attribute) => attribute === name));
  if (typeof body !== 'object' || body === null || known.some(([, value]) => typeof value !== 'boolean')) {
    throw new RegistryError(400, 'BAD_REQUEST', { message: 'the attributes are malformed' });
  }
  return Object.fromEntries(known);
}

/** The order that is asked for; any that is not known is by name. */
function orderOf(url: URL): Order {
  const asked = url.searchParams.get('orderby');
  return asked === 'timeasc' || asked === 'timedesc' ? asked : '';
}

function head(context: Context, name: string) {
  return { registry: context.loginServer, imageName: name };
}

function methodNotAllowed(): RegistryError {
  return new RegistryError(405, 'UNSUPPORTED', { message: 'the operation is unsupported' });
}
