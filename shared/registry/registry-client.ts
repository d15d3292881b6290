import type { Descriptor } from '../artifact/descriptor.js';
import type { Digest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey, Place } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import type { Tag } from '../artifact/tag.js';
import { createHttp } from '../net/http.js';
import { registryError } from './errors.js';
import { uncompressedDigest } from './layer-api.js';
import { type ListingApi, createListingApi } from './listing-api.js';
import * as manifests from './manifest-api.js';
import { type MetadataApi, createMetadataApi } from './metadata-api.js';
import * as referrers from './referrer-api.js';
import { createSdkClients } from './sdk-clients.js';
import { createSdkHttpClient } from './sdk-http.js';
import { createSession } from './session.js';
import { type RegistryCredential, createTokenSource } from './token.js';

/** All that Lazaret asks of the configured registries. */
export interface RegistryClient extends MetadataApi, ListingApi {
  readonly fetchManifest: (
    registry: LoginServer,
    repository: Repository,
    reference: Digest | Tag,
  ) => Promise<manifests.FetchedManifest>;
  readonly pullState: (
    registry: LoginServer,
    repository: Repository,
    reference: Digest | Tag,
  ) => Promise<{ readonly state: 'served' | 'refused' | 'absent' }>;
  readonly fetchBlob: (key: Place, descriptor: Descriptor, maxBytes: number) => Promise<Uint8Array>;
  /** The digest of what a layer unpacks to, streamed. */
  readonly uncompressedDigest: (key: ArtifactKey, layer: Descriptor) => Promise<Digest>;
  readonly listReferrers: (
    key: ArtifactKey,
    bounds: { readonly maxDescriptors: number; readonly maxPages: number },
  ) => Promise<referrers.Referrers>;
  readonly pushReferrer: (
    subject: { readonly key: ArtifactKey; readonly mediaType: string; readonly size: number },
    referrer: referrers.Referrer,
  ) => Promise<Digest>;
  readonly retag: (key: ArtifactKey, tag: Tag) => Promise<'done' | 'refused' | 'gone'>;
  /** A token that pulls from this repository and does nothing else. */
  readonly pullToken: (registry: LoginServer, repository: Repository) => Promise<string>;
}

/** The effects of {@link createRegistryClient}. */
export interface RegistryClientDeps {
  readonly fetch: typeof fetch;
  readonly clock: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly credential: RegistryCredential;
  readonly registries: readonly LoginServer[];
}

/** Builds the client. Every call refuses a registry that is not configured before anything leaves. */
export function createRegistryClient({
  fetch,
  clock,
  sleep,
  credential,
  registries,
}: RegistryClientDeps): RegistryClient {
  const allowed: ReadonlySet<LoginServer> = new Set(registries);
  const http = createHttp({ fetch, sleep });
  const session = createSession({ http, registries: allowed, token: createTokenSource({ http, clock, credential }) });
  const httpClient = createSdkHttpClient({ fetch, registries: allowed });
  const clients = createSdkClients({ httpClient, credential, registries: allowed });
  const anywhere = async (url: URL, maxBytes: number): Promise<Uint8Array> => {
    const response = await http({ url, maxBytes });
    if (response.status !== 200) throw registryError('blob storage', response.status, response);
    return response.body;
  };
  return {
    ...createMetadataApi(clients),
    ...createListingApi(clients),
    fetchManifest: (registry, repository, reference) =>
      manifests.fetchManifest(session, { registry, repository }, reference),
    pullState: (registry, repository, reference) => manifests.pullState(session, { registry, repository }, reference),
    fetchBlob: (key, descriptor, maxBytes) =>
      manifests.fetchBlob({ ...session, http: anywhere }, key, { descriptor, maxBytes }),
    uncompressedDigest: (key, layer) => uncompressedDigest(session, { key, layer }, { fetch }),
    listReferrers: (key, bounds) => referrers.listReferrers(session, key, bounds),
    pushReferrer: (subject, referrer) => referrers.pushReferrer(session, subject, referrer),
    retag: (key, tag) => manifests.retag(session, key, tag),
    pullToken: (registry, repository) => session.token(registry, `repository:${repository}:pull`),
  };
}
