import { digestOf } from '../../shared/artifact/digest.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import { isRepository } from '../../shared/artifact/repository.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import type { Tag } from '../../shared/artifact/tag.js';
import type { HttpRequest, HttpResponse } from '../../shared/net/http.js';
import * as manifests from '../../shared/registry/manifest-api.js';
import type { ListingApi } from '../../shared/registry/listing-api.js';
import type { MetadataApi } from '../../shared/registry/metadata-api.js';
import * as referrers from '../../shared/registry/referrer-api.js';
import type { RegistryClient } from '../../shared/registry/registry-client.js';
import { createSession } from '../../shared/registry/session.js';
import { type HeldRepository, type MemoryRegistry, type Taken, describe } from './memory-registry.js';
import type { Effect } from './process.js';

/**
 * The production client over registries in memory: everything that it says in HTTP is real up to the request; what it
 * says by way of the Azure SDK is answered directly. Every request is an effect of its own.
 */
export function createMemoryClient(
  registries: ReadonlyMap<LoginServer, MemoryRegistry>,
  effect: Effect,
): RegistryClient {
  const http = (request: HttpRequest): Promise<HttpResponse> => {
    const reads = request.method === undefined || request.method === 'GET' || request.method === 'HEAD';
    return effect(reads ? 'registry.read' : 'registry.write', () => Promise.resolve(handle(registries, request)));
  };
  const session = createSession({
    http,
    token: () => Promise.resolve('simulated'),
    registries: new Set(registries.keys()),
  });
  const anywhere = async (url: URL): Promise<Uint8Array> => (await http({ url })).body;
  return {
    ...createMetadata(registries, effect),
    ...createListing(registries, effect),
    fetchManifest: (registry, repository, reference) =>
      manifests.fetchManifest(session, { registry, repository }, reference),
    pullState: (registry, repository, reference) => manifests.pullState(session, { registry, repository }, reference),
    fetchBlob: (key, descriptor, maxBytes) =>
      manifests.fetchBlob({ ...session, http: anywhere }, key, { descriptor, maxBytes }),
    listReferrers: (key, bounds) => referrers.listReferrers(session, key, bounds),
    pushReferrer: (subject, referrer) => referrers.pushReferrer(session, subject, referrer),
    retag: (key, tag) => manifests.retag(session, key, tag),
    uncompressedDigest: () => Promise.reject(new Error('no two layers of a simulated image share a name')),
    pullToken: () => Promise.resolve('simulated'),
  };
}

function createMetadata(registries: ReadonlyMap<LoginServer, MemoryRegistry>, effect: Effect): MetadataApi {
  const at = (registry: LoginServer): MemoryRegistry => {
    const found = registries.get(registry);
    if (found === undefined) throw new Error('a registry that is not simulated');
    return found;
  };
  const outcome = (taken: Taken) => Promise.resolve(taken === 'unknown' ? ('gone' as const) : taken);
  return {
    observe: ({ registry, repository, digest }) =>
      effect('registry.observe', () => {
        const held = at(registry).repository(repository);
        const manifest = held.manifests.get(digest);
        if (manifest === undefined) return Promise.resolve(undefined);
        const tags = [...held.tags].flatMap(([tag, target]) => (target === digest ? [tag as Tag] : []));
        return Promise.resolve({ attributes: manifest.attributes, tags: tags.sort() });
      }),
    resolveTag: (registry, repository, tag) =>
      effect('registry.resolveTag', () => Promise.resolve(at(registry).repository(repository).tags.get(tag))),
    untag: (registry, repository, tag) =>
      effect('registry.untag', () => {
        // The SDK takes a tag that is not there for one that is removed.
        at(registry).removeTag(repository, tag);
        return Promise.resolve('done');
      }),
    lock: ({ registry, repository, digest }) =>
      effect('registry.lock', () =>
        outcome(at(registry).setAttributes(repository, digest, { readEnabled: false, deleteEnabled: false })),
      ),
    deleteReferrer: ({ registry, repository, digest }) =>
      effect('registry.delete', () => outcome(at(registry).remove(repository, digest))),
    unlock: ({ registry, repository, digest }, { readEnabled, deleteEnabled }) =>
      effect('registry.unlock', () =>
        outcome(at(registry).setAttributes(repository, digest, { readEnabled, deleteEnabled })),
      ),
  };
}

/** Manifests on a page. Few, so that there is more than one. */
const PAGE = 5;

/** Listings as the registry lists them. */
function createListing(registries: ReadonlyMap<LoginServer, MemoryRegistry>, effect: Effect): ListingApi {
  const heldBy = (registry: LoginServer, repository: string) =>
    registries.get(registry)?.repositories().get(repository);
  return {
    listRepositories: (registry) =>
      effect('registry.list', () => {
        const items = [...(registries.get(registry)?.repositories().keys() ?? [])].filter(isRepository);
        return Promise.resolve({ items, next: undefined });
      }),
    repositoryUpdatedAt: (registry, repository) =>
      effect('registry.list', () => {
        const times = [...(heldBy(registry, repository)?.manifests.values() ?? [])].map(({ updatedAt }) => updatedAt);
        return Promise.resolve(times.toSorted((a, b) => b.getTime() - a.getTime())[0]);
      }),
    listManifests: ({ registry, repository }, { newestFirst, after }) =>
      effect('registry.list', () => {
        const held = heldBy(registry, repository);
        const items = [...(held?.manifests.values() ?? [])].map(({ digest, attributes, createdAt, updatedAt }) => {
          const tags = [...(held?.tags ?? [])].flatMap(([tag, target]) => (target === digest ? [tag as Tag] : []));
          return { digest, attributes, tags, createdAt, updatedAt };
        });
        const sorted = items.toSorted((a, b) =>
          newestFirst ? b.updatedAt.getTime() - a.updatedAt.getTime() : a.digest < b.digest ? -1 : 1,
        );
        const start = after === undefined ? 0 : sorted.findIndex(({ digest }) => digest === after) + 1;
        const page = sorted.slice(start, start + PAGE);
        return Promise.resolve({
          items: page,
          next: start + PAGE < sorted.length ? page.at(-1)?.digest : undefined,
        });
      }),
  };
}

const PATH = /^\/v2\/(?<name>.+)\/(?<kind>manifests|blobs|referrers)\/(?<item>.+)$/;

/** Answers what the client asks by HTTP, as the emulator does. */
function handle(registries: ReadonlyMap<string, MemoryRegistry>, request: HttpRequest): HttpResponse {
  const registry = registries.get(request.url.host);
  const groups = PATH.exec(decodeURIComponent(request.url.pathname))?.groups;
  if (registry === undefined || groups === undefined) return answer(404);
  const { name = '', kind, item = '' } = groups;
  const held = registry.repository(name);
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : (request.body ?? Buffer.alloc(0));
  if (kind === 'referrers') return listReferrers(held, item);
  if (kind === 'manifests') {
    if (request.method !== 'PUT') return getManifest(held, item);
    const mediaType = request.headers?.['content-type'] ?? '';
    const taken = registry.put(name, { bytes: body, mediaType }, item.includes(':') ? undefined : item);
    const subject = held.manifests.get(digestOf(body))?.subject;
    return answer(taken === 'done' ? 201 : taken === 'refused' ? 405 : 404, subject && { 'oci-subject': subject });
  }
  if (request.method === 'POST') return answer(202, { location: `/v2/${name}/blobs/uploads/one` });
  if (request.method === 'PUT') {
    if (request.url.searchParams.get('digest') !== digestOf(body)) return answer(400);
    registry.blobs.set(digestOf(body), body);
    return answer(201);
  }
  const blob = registry.blobs.get(item);
  return blob === undefined ? answer(404) : answer(200, {}, blob);
}

function getManifest(held: HeldRepository, reference: string): HttpResponse {
  const digest = reference.includes(':') ? reference : held.tags.get(reference);
  const manifest = digest === undefined ? undefined : held.manifests.get(digest);
  if (manifest === undefined) return answer(404);
  if (!manifest.attributes.readEnabled) return answer(405);
  return answer(200, { 'content-type': manifest.mediaType }, manifest.bytes);
}

function listReferrers(held: HeldRepository, digest: string): HttpResponse {
  const found = [...(held.referrers.get(digest) ?? [])].sort().flatMap((referrer) => {
    const manifest = held.manifests.get(referrer);
    return manifest === undefined ? [] : [describe(manifest)];
  });
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: found };
  return answer(200, { 'content-type': MediaType.ociIndex }, Buffer.from(JSON.stringify(index)));
}

function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array = new Uint8Array(),
): HttpResponse {
  return { status, headers: new Headers(headers), body };
}
