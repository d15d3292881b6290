import * as acr from './acr.js';
import { deleteBlob, getBlob } from './blobs.js';
import type { Context } from './context.js';
import { deleteManifest } from './delete-manifest.js';
import * as discovery from './discovery.js';
import { RegistryError } from './error.js';
import { getManifest, putManifest } from './manifests.js';
import * as uploads from './uploads.js';

const PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const NAME = `(?<name>${PART}(?:/${PART})*)`;
const DIGEST = '(?<digest>[a-z0-9]+:[0-9a-f]+)';
const UPLOAD = new RegExp(`^/v2/${NAME}/blobs/uploads/(?<id>[^/]*)$`);
const BLOB = new RegExp(`^/v2/${NAME}/blobs/${DIGEST}$`);
const MANIFEST = new RegExp(`^/v2/${NAME}/manifests/(?<reference>[^/]+)$`);
const TAGS = new RegExp(`^/v2/${NAME}/tags/list$`);
const REFERRERS = new RegExp(`^/v2/${NAME}/referrers/${DIGEST}$`);
const ACR = new RegExp(`^/acr/v1/${NAME}(?:/_(?<kind>tags|manifests)(?:/(?<item>[^/]+))?)?$`);

/** The Azure SDK percent-encodes names as one part: `/acr/v1/team%2Fapp`. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RegistryError(400, 'NAME_INVALID', { message: 'the path is malformed' });
  }
}

/** Answers one request. Throws a {@link RegistryError} for every refusal. */
export async function route(context: Context, request: Request, path: string): Promise<Response> {
  const { method } = request;
  if (path === '/oauth2/exchange' && method === 'POST') return context.auth.exchange(request);
  if (path === '/oauth2/token' && (method === 'POST' || method === 'GET')) return context.auth.token(request);
  if (path === '/v2/' || path === '/v2') {
    context.auth.check(request, []);
    return Response.json({});
  }
  if ((path === '/v2/_catalog' || path === '/acr/v1/_catalog') && method === 'GET')
    return discovery.listCatalog(context, request, path);
  return (await routeContent(context, request, path)) ?? (await routeMetadata(context, request, path)) ?? notFound();
}

async function routeContent(context: Context, request: Request, path: string): Promise<Response | undefined> {
  const upload = match(UPLOAD, path);
  if (upload !== undefined) return routeUpload(context, request, upload);
  const blob = match(BLOB, path);
  if (blob !== undefined) return routeBlob(context, request, blob);
  const manifest = match(MANIFEST, path);
  if (manifest !== undefined) return routeManifest(context, request, manifest);
  const tags = match(TAGS, path);
  if (tags !== undefined && request.method === 'GET') return discovery.listTags(context, request, tags.name);
  const referrers = match(REFERRERS, path);
  if (referrers !== undefined && request.method === 'GET') return discovery.listReferrers(context, request, referrers);
  return undefined;
}

async function routeUpload(context: Context, request: Request, { name, id }: Place): Promise<Response> {
  if (id === '') return request.method === 'POST' ? uploads.startUpload(context, request, name) : unsupported();
  switch (request.method) {
    case 'PATCH':
      return uploads.patchUpload(context, request, { name, id });
    case 'PUT':
      return uploads.finishUpload(context, request, { name, id });
    case 'GET':
      return uploads.uploadStatus(context, request, { name, id });
    case 'DELETE':
      return uploads.cancelUpload(context, request, { name, id });
    default:
      return unsupported();
  }
}

async function routeBlob(context: Context, request: Request, place: Place): Promise<Response> {
  if (request.method === 'GET' || request.method === 'HEAD') return getBlob(context, request, place);
  return request.method === 'DELETE' ? deleteBlob(context, request, place) : unsupported();
}

async function routeManifest(context: Context, request: Request, place: Place): Promise<Response> {
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return getManifest(context, request, place);
    case 'PUT':
      return putManifest(context, request, place);
    case 'DELETE':
      return deleteManifest(context, request, place);
    default:
      return unsupported();
  }
}

async function routeMetadata(context: Context, request: Request, path: string): Promise<Response | undefined> {
  const found = match(ACR, path);
  if (found === undefined) return undefined;
  const { name, kind, item } = found;
  if (kind === '') return acr.repositoryRoute(context, request, name);
  if (item === '') {
    if (request.method !== 'GET') return unsupported();
    return kind === 'tags' ? acr.listTags(context, request, name) : acr.listManifests(context, request, name);
  }
  return kind === 'tags'
    ? acr.tagRoute(context, request, { name, tag: item })
    : acr.manifestRoute(context, request, { name, digest: item });
}

interface Place {
  readonly name: string;
  readonly id: string;
  readonly digest: string;
  readonly reference: string;
  readonly kind: string;
  readonly item: string;
}

function match(pattern: RegExp, path: string): Place | undefined {
  const groups = pattern.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const part = (name: string) => groups[name] ?? '';
  return {
    name: part('name'),
    id: part('id'),
    digest: part('digest'),
    reference: part('reference'),
    kind: part('kind'),
    item: part('item'),
  };
}

function unsupported(): never {
  throw new RegistryError(405, 'UNSUPPORTED', { message: 'the operation is unsupported' });
}

function notFound(): never {
  throw new RegistryError(404, 'NOT_FOUND', { message: 'page not found' });
}
