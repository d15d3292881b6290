import { ContainerRegistryClient } from '@azure/container-registry';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { LoginServer } from '../artifact/login-server.js';
import { AppError } from '../error/app-error.js';
import { createRecent } from '../artifact/recent.js';
import { REGISTRY_AUDIENCE, type RegistryCredential } from './token.js';

/** A client of the Azure SDK for one scope of one registry: it keeps one token, so scopes do not share one. */
export type SdkClients = (registry: LoginServer, scope: string) => ContainerRegistryClient;

/** What {@link createSdkClients} needs. */
export interface SdkDeps {
  readonly httpClient: HttpClient;
  readonly credential: RegistryCredential;
  readonly registries: ReadonlySet<LoginServer>;
}

/**
 * Of some three thousand bytes each, and as much for its tokens. One that is forgotten costs three requests to get its
 * token again: a challenge, an exchange, a token.
 */
const MAX_CLIENTS = 4000;

/** Makes clients and keeps them. Throws `REGISTRY_NOT_CONFIGURED` for any other registry. */
export function createSdkClients({ httpClient, credential, registries }: SdkDeps): SdkClients {
  const clients = createRecent<ContainerRegistryClient>({ max: MAX_CLIENTS });
  return (registry, scope) => {
    if (!registries.has(registry)) throw new AppError('REGISTRY_NOT_CONFIGURED', 'a registry that is not configured');
    const name = `${registry} ${scope}`;
    let client = clients.get(name);
    if (client === undefined) {
      const endpoint = `https://${registry}`;
      const options = { audience: REGISTRY_AUDIENCE, httpClient, retryOptions: { maxRetries: 2 } };
      client =
        credential.kind === 'anonymous'
          ? new ContainerRegistryClient(endpoint, options)
          : new ContainerRegistryClient(endpoint, credential.credential, options);
      clients.set(name, client);
    }
    return client;
  };
}
