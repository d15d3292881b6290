import type { TokenCredential } from '@azure/identity';
import type { LoginServer } from '../artifact/login-server.js';
import { AppError } from '../error/app-error.js';
import type { Http } from '../net/http.js';
import { registryError } from './errors.js';
import { createRecent } from '../artifact/recent.js';

/** Who we are to the registry. */
export type RegistryCredential =
  { readonly kind: 'anonymous' } | { readonly kind: 'entra'; readonly credential: TokenCredential };

/** The audience of Azure Container Registry's own tokens; registries may refuse those of Azure Resource Manager. */
export const REGISTRY_AUDIENCE = 'https://containerregistry.azure.net';

/**
 * Gets an access token for one scope, such as `repository:team/app:pull`; a new one where `fresh` says that the one before
 * was refused. A token keeps what it allowed when it was made, though a role may have arrived since.
 */
export type TokenSource = (
  registry: LoginServer,
  scope: string,
  options?: { readonly fresh: boolean },
) => Promise<string>;

interface Cached {
  readonly token: string;
  readonly expiresAt: number;
}

/** Of one or two thousand bytes each; a walk through a registry needs one for each repository. */
const MAX_CACHED = 4000;

/**
 * The token flow of ACR (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md): Entra token → refresh token → access
 * token per scope. Tokens are kept until shortly before they expire. Callers check first that the host is configured.
 */
export function createTokenSource(deps: {
  readonly http: Http;
  readonly clock: () => Date;
  readonly credential: RegistryCredential;
}): TokenSource {
  const cache = createRecent<Cached>({ max: MAX_CACHED });
  const cached = async (name: string, marginSeconds: number, get: () => Promise<string>): Promise<string> => {
    const now = deps.clock().getTime();
    const known = cache.get(name);
    if (known !== undefined && known.expiresAt - marginSeconds * 1000 > now) return known.token;
    const token = await get();
    cache.set(name, { token, expiresAt: expiryOf(token) ?? now + 60_000 });
    return token;
  };
  const post = async (registry: LoginServer, path: string, form: Readonly<Record<string, string>>) => {
    const response = await deps.http({
      url: new URL(`https://${registry}${path}`),
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
      repeatable: true,
    });
    if (response.status !== 200) throw registryError('token', response.status, response);
    return parseAnswer(response.body);
  };
  const refresh = (registry: LoginServer) =>
    cached(`refresh ${registry}`, 300, async () => {
      if (deps.credential.kind === 'anonymous') return '';
      const entra = await deps.credential.credential.getToken(`${REGISTRY_AUDIENCE}/.default`);
      if (entra === null) throw new AppError('IDENTITY_UNAVAILABLE', 'no token of the identity', { retryable: true });
      const form = { grant_type: 'access_token', service: registry, access_token: entra.token };
      return readToken(await post(registry, '/oauth2/exchange', form), 'refresh_token');
    });
  return (registry, scope, { fresh } = { fresh: false }) => {
    const name = `${registry} ${scope}`;
    if (fresh) cache.delete(name);
    return cached(name, 60, async () => {
      const grant =
        deps.credential.kind === 'anonymous'
          ? { grant_type: 'password', refresh_token: '' }
          : { grant_type: 'refresh_token', refresh_token: await refresh(registry) };
      return readToken(await post(registry, '/oauth2/token', { service: registry, scope, ...grant }), 'access_token');
    });
  };
}

function parseAnswer(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof answer === 'object' && answer !== null) return answer as Readonly<Record<string, unknown>>;
  } catch {
    // Whatever answers like this is no registry, or not yet one again.
  }
  throw new AppError('REGISTRY_UNAVAILABLE', 'the registry answered a request for a token with no JSON', {
    retryable: true,
  });
}

function readToken(answer: Readonly<Record<string, unknown>>, name: string): string {
  const token = answer[name];
  if (typeof token === 'string' && token !== '') return token;
  throw new AppError('REGISTRY_DENIED', 'the registry gave no token', { retryable: true });
}

/** Read for the cache alone; what a token allows is the registry's business. */
function expiryOf(token: string): number | undefined {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      exp?: unknown;
    };
    return typeof payload.exp === 'number' ? payload.exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
