import { randomBytes } from 'node:crypto';
import type { Handler } from '../web/node-adapter.js';
import * as acr from './acr.js';
import { type AuthOptions, createAuth } from './auth.js';
import * as blobs from './blobs.js';
import type { Context } from './context.js';
import * as discovery from './discovery.js';
import { RegistryError } from './error.js';
import type { RegistryEvent } from './event.js';
import { deleteManifest, getManifest, putManifest } from './manifests.js';
import { openRepositories } from './repositories.js';
import type { RegistryStore } from './store.js';

/** What an emulated registry is. */
export interface RegistryOptions {
  readonly loginServer: string;
  readonly resourceId: string;
  readonly location?: string;
  readonly store: RegistryStore;
  readonly clock: () => Date;
  /** Called for each push and delete, and awaited before the answer. */
  readonly publish: (event: RegistryEvent) => Promise<void>;
  /** Default: whoever comes without credentials may do everything. */
  readonly anonymous?: boolean;
  readonly identities?: AuthOptions['identities'];
}

const PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const NAME = `(?<name>${PART}(?:/${PART})*)`;
const UPLOAD = new RegExp(`^/v2/${NAME}/blobs/uploads/(?<id>[^/]*)$`);
const BLOB = new RegExp(`^/v2/${NAME}/blobs/(?<digest>sha256:[0-9a-f]{64})$`);
const MANIFEST = new RegExp(`^/v2/${NAME}/manifests/(?<reference>[^/]+)$`);
const TAGS = new RegExp(`^/v2/${NAME}/tags/list$`);
const REFERRERS = new RegExp(`^/v2/${NAME}/referrers/(?<digest>sha256:[0-9a-f]{64})$`);
const ACR = new RegExp(`^/acr/v1/${NAME}(?:/_(?<kind>tags|manifests)(?:/(?<item>[^/]+))?)?$`);

/** Opens an emulated Azure Container Registry: one pure handler, to be mounted anywhere. */
export async function createRegistry(options: RegistryOptions): Promise<{ readonly handle: Handler }> {
  const { loginServer, clock } = options;
  const context: Context = {
    ...options,
    location: options.location ?? 'local',
    repositories: await openRepositories(options.store),
    auth: createAuth({
      loginServer,
      clock,
      secret: randomBytes(32),
      anonymous: options.anonymous ?? true,
      ...(options.identities && { identities: options.identities }),
    }),
  };
  return {
    handle: async (request) => {
      try {
        const response = await route(context, request);
        response.headers.set('docker-distribution-api-version', 'registry/2.0');
        return response;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        const response = error.toResponse();
        response.headers.set('docker-distribution-api-version', 'registry/2.0');
        return response;
      }
    },
  };
}

async function route(context: Context, request: Request): Promise<Response> {
  const path = decodePath(new URL(request.url).pathname);
  const { method } = request;
  if (path === '/oauth2/exchange' && method === 'POST') return context.auth.exchange(request);
  if (path === '/oauth2/token' && (method === 'POST' || method === 'GET')) return context.auth.token(request);
  if (path === '/v2/' || path === '/v2') {
    context.auth.check(request, []);
    return Response.json({});
  }
  if (path === '/v2/_catalog' || path === '/acr/v1/_catalog') return discovery.listCatalog(context, request, path);
  return (await routeContent(context, request, path)) ?? (await routeMetadata(context, request, path)) ?? notFound();
}

async function routeContent(context: Context, request: Request, path: string): Promise<Response | undefined> {
  const { method } = request;
  const reads = method === 'GET' || method === 'HEAD';
  const upload = match(UPLOAD, path);
  if (upload !== undefined) return routeUpload(context, request, upload);
  const blob = match(BLOB, path);
  if (blob !== undefined && reads) return blobs.getBlob(context, request, blob);
  if (blob !== undefined && method === 'DELETE') return blobs.deleteBlob(context, request, blob);
  const manifest = match(MANIFEST, path);
  if (manifest !== undefined && reads) return getManifest(context, request, manifest);
  if (manifest !== undefined && method === 'PUT') return putManifest(context, request, manifest);
  if (manifest !== undefined && method === 'DELETE') return deleteManifest(context, request, manifest);
  const tags = match(TAGS, path);
  if (tags !== undefined && method === 'GET') return discovery.listTags(context, request, tags.name);
  const referrers = match(REFERRERS, path);
  if (referrers !== undefined && method === 'GET') return discovery.listReferrers(context, request, referrers);
  return undefined;
}

async function routeUpload(context: Context, request: Request, { name, id }: Place): Promise<Response> {
  if (id === '') {
    if (request.method === 'POST') return blobs.startUpload(context, request, name);
    throw new RegistryError(405, 'UNSUPPORTED');
  }
  switch (request.method) {
    case 'PATCH':
      return blobs.patchUpload(context, request, { name, id });
    case 'PUT':
      return blobs.finishUpload(context, request, { name, id });
    case 'GET':
      return blobs.uploadStatus(context, request, { name, id });
    case 'DELETE':
      return blobs.cancelUpload(context, request, { name, id });
    default:
      throw new RegistryError(405, 'UNSUPPORTED');
  }
}

async function routeMetadata(context: Context, request: Request, path: string): Promise<Response | undefined> {
  const found = match(ACR, path);
  if (found === undefined) return undefined;
  const { name, kind, item } = found;
  if (kind === '') return acr.repositoryRoute(context, request, name);
  if (item === '') {
    if (request.method !== 'GET') throw new RegistryError(405, 'UNSUPPORTED');
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

/** The Azure SDK percent-encodes names as one part: `/acr/v1/team%2Fapp`. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RegistryError(400, 'NAME_INVALID', { message: 'the path is malformed' });
  }
}

function notFound(): never {
  throw new RegistryError(404, 'NOT_FOUND', { message: 'page not found' });
}
