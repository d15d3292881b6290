import { createMemoryStore } from '../../local/registry/store.js';
import { createRegistry, type RegistryOptions } from '../../local/registry/registry.js';
import type { RegistryEvent } from '../../local/registry/event.js';
import type { Artifact } from '../../local/sample/image.js';
import { type PushOptions, push } from '../../local/sample/push.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';

export const LOGIN_SERVER = parseLoginServer('team.azurecr.test');
export const RESOURCE_ID = '/subscriptions/0/resourcegroups/rg/providers/microsoft.containerregistry/registries/team';

/** The emulated registry in memory, reached by an injected `fetch` that knows this one host. */
export async function createTestRegistry(clock: () => Date, options: Partial<RegistryOptions> = {}) {
  const events: RegistryEvent[] = [];
  const requests: string[] = [];
  const faults: ((request: Request) => Response | undefined)[] = [];
  const { handle } = await createRegistry({
    loginServer: LOGIN_SERVER,
    resourceId: RESOURCE_ID,
    store: createMemoryStore(),
    clock,
    publish: (event) => {
      events.push(event);
      return Promise.resolve();
    },
    ...options,
  });
  const testFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, { ...init, ...(init?.body !== undefined && { duplex: 'half' as const }) });
    const url = new URL(request.url);
    if (url.host !== LOGIN_SERVER) throw new Error(`a request to ${url.host}`);
    requests.push(`${request.method} ${url.pathname}`);
    for (const fault of faults) {
      const response = fault(request);
      if (response !== undefined) return response;
    }
    return handle(request);
  };
  return {
    fetch: testFetch,
    events,
    requests,
    /** Scripted faults: the first one that answers stands in for the registry. */
    faults,
    push: (artifact: Artifact, repository: string, pushOptions?: PushOptions) =>
      push(artifact, { origin: `https://${LOGIN_SERVER}`, repository, fetch: testFetch }, pushOptions),
    client: createRegistryClient({
      fetch: testFetch,
      clock,
      sleep: () => Promise.resolve(),
      credential: { kind: 'anonymous' },
      registries: [LOGIN_SERVER],
    }),
  };
}

export type TestRegistry = Awaited<ReturnType<typeof createTestRegistry>>;
