import { setTimeout as sleep } from 'node:timers/promises';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import { createCredential } from '../../shared/connect.js';
import type { CollectDeps } from '../../shared/pipeline/collect-signatures.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';

const LOOPBACK = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;

/**
 * A registry that is read directly: with the identity of whoever is signed in (`az login`), or, where it is on this machine,
 * without any and over plain http.
 */
export function openRegistry(registry: LoginServer): CollectDeps['registry'] {
  const local = LOOPBACK.test(registry);
  const credential = local ? undefined : createCredential({ identity: { kind: 'developer', clientId: undefined } });
  return createRegistryClient({
    fetch: local ? plainly : fetch,
    clock: () => new Date(),
    sleep,
    registries: [registry],
    credential: credential === undefined ? { kind: 'anonymous' } : { kind: 'entra', credential },
  });
}

/** The client speaks https alone; a registry on loopback need not. */
function plainly(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  url.protocol = 'http:';
  return fetch(url, init);
}
