import { createMemoryStore } from '../../local/registry/store.js';
import { type RegistryOptions, createRegistry } from '../../local/registry/registry.js';
import type { RegistryEvent } from '../../local/registry/event.js';
import type { Artifact } from '../../local/sample/image.js';
import { type PushOptions, push, pullStatus } from '../../local/sample/push.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';
import type { RegistryCredential } from '../../shared/registry/token.js';

export const LOGIN_SERVER = parseLoginServer('team.azurecr.test');
export const RESOURCE_ID = '/subscriptions/0/resourcegroups/rg/providers/microsoft.containerregistry/registries/team';
export const BLOB_HOST = 'teamstorage.blob.test';

export interface TestRegistryOptions extends Partial<RegistryOptions> {
  /** Names of the identities that the function app and the scan job have; without them both come as nobody. */
  readonly callers?: { readonly app: string; readonly job: string; readonly developer: string };
}

/** An Entra token of an identity, in the form that the registry reads. */
export function entraToken(oid: string): string {
  return `h.${Buffer.from(JSON.stringify({ oid })).toString('base64url')}.s`;
}

/** A credential that has such a token. */
export function entraCredential(oid: string): RegistryCredential {
  return {
    kind: 'entra',
    credential: { getToken: () => Promise.resolve({ token: entraToken(oid), expiresOnTimestamp: Date.UTC(2100, 0) }) },
  };
}

/** The emulated registry in memory, reached by an injected `fetch` that knows this one host and its blob storage. */
export async function createTestRegistry(clock: () => Date, options: TestRegistryOptions = {}) {
  const events: RegistryEvent[] = [];
  const requests: string[] = [];
  const blobRequests: string[] = [];
  const statuses: number[] = [];
  const faults: ((request: Request) => Response | undefined)[] = [];
  const { callers, ...registryOptions } = options;
  const registry = await createRegistry({
    loginServer: LOGIN_SERVER,
    resourceId: RESOURCE_ID,
    store: createMemoryStore(),
    clock,
    publish: (event) => {
      events.push(event);
      return Promise.resolve();
    },
    ...registryOptions,
  });
  const testFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, { ...init, ...(init?.body !== undefined && { duplex: 'half' as const }) });
    const url = new URL(request.url);
    if (url.host === BLOB_HOST) {
      blobRequests.push(request.method);
      return registry.handle(request);
    }
    if (url.host !== LOGIN_SERVER && !url.host.endsWith('.geo.azurecr.test'))
      throw new Error(`a request to ${url.host}`);
    requests.push(`${request.method} ${url.pathname}`);
    for (const fault of faults) {
      const response = fault(request);
      if (response !== undefined) return response;
    }
    const response = await registry.handle(request);
    statuses.push(response.status);
    return response;
  };
  const clientOf = (credential: RegistryCredential) =>
    createRegistryClient({
      fetch: testFetch,
      clock,
      sleep: () => Promise.resolve(),
      credential,
      registries: [LOGIN_SERVER],
    });
  const as = (oid: string | undefined) => clientOf(oid === undefined ? { kind: 'anonymous' } : entraCredential(oid));
  const target = (repository: string) => ({
    origin: `https://${LOGIN_SERVER}`,
    repository,
    fetch: testFetch,
    ...(callers && { credentials: { user: callers.developer, password: callers.developer } }),
  });
  return {
    registry,
    fetch: testFetch,
    events,
    requests,
    /** What reached the other host that blobs are redirected to. */
    blobRequests,
    statuses,
    /** Scripted faults: the first one that answers stands in for the registry. */
    faults,
    push: (artifact: Artifact, repository: string, pushOptions?: PushOptions) =>
      push(artifact, target(repository), pushOptions),
    /** Deletes a manifest, as a person would. */
    remove: async (repository: string, digest: string) => {
      const asked = `https://${LOGIN_SERVER}/oauth2/token?service=${LOGIN_SERVER}&scope=repository:${repository}:delete`;
      const { token } = (await (await testFetch(asked)).json()) as { token: string };
      const headers = { authorization: `Bearer ${token}` };
      const url = `https://${LOGIN_SERVER}/v2/${repository}/manifests/${digest}`;
      const { status } = await testFetch(url, { method: 'DELETE', headers });
      if (status !== 202) throw new Error(`the registry answered ${status}`);
    },
    /** The status that a developer's pull gets. */
    pull: (repository: string, reference: string) => pullStatus(reference, target(repository)),
    clientOf,
    client: as(callers?.app),
    scanClient: as(callers?.job),
  };
}

export type TestRegistry = Awaited<ReturnType<typeof createTestRegistry>>;
