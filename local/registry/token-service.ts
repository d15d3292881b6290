import { randomUUID } from 'node:crypto';
import { type AuthOptions, type May, basicCaller } from './auth.js';
import { RegistryError } from './error.js';
import { type Access, type Tokens, objectIdOf } from './jwt.js';
import type { Permission } from './roles.js';

/** The two doors of the token service. */
export interface TokenService {
  /** Entra token → refresh token. */
  readonly exchange: (request: Request) => Promise<Response>;
  /** Refresh token, Basic credentials, a password or nothing → access token for the scopes asked for. */
  readonly token: (request: Request) => Promise<Response>;
}

/** 75 minutes: the lifetime of the access token in https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
const ACCESS_SECONDS = 4500;
/** https://learn.microsoft.com/azure/container-registry/container-registry-authentication */
const REFRESH_SECONDS = 3 * 3600;
const ALL: readonly Permission[] = ['pull', 'push', 'delete', 'metadata_read', 'metadata_write', 'untag'];

/** Builds the token service. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
export function createTokenService(deps: AuthOptions & { readonly tokens: Tokens; readonly may: May }): TokenService {
  const { loginServer, identities, tokens, may, mode } = deps;
  const holdsAny = (name: string) =>
    identities.some(
      (identity) => identity.name === name && [...(identity.roles ?? []), ...(identity.custom ?? [])].length > 0,
    );
  const refresh = (caller: string) => tokens.sign({ sub: caller, grant_type: 'refresh_token' }, REFRESH_SECONDS);
  return {
    exchange: async (request) => {
      const form = new URLSearchParams(await request.text());
      if (form.get('grant_type') !== 'access_token' || form.get('service') !== loginServer) throw unauthorized();
      const oid = objectIdOf(form.get('access_token') ?? '');
      const identity = oid === undefined ? undefined : identities.find((candidate) => candidate.oid === oid);
      if (identity === undefined || !holdsAny(identity.name)) throw unauthorized(` CorrelationId: ${randomUUID()}`);
      return Response.json({ refresh_token: refresh(identity.name) });
    },
    token: async (request) => {
      const form =
        request.method === 'GET' ? new URL(request.url).searchParams : new URLSearchParams(await request.text());
      const service = form.get('service');
      if (service !== null && service !== loginServer) throw unauthorized();
      const caller = callerOf(request, form, deps);
      if (caller === undefined || (caller === '' && deps.anonymous === false)) throw unauthorized();
      const access = form
        .getAll('scope')
        .flatMap((scopes) => scopes.split(' '))
        .flatMap((scope) => granted(scope, { caller, may, mode }));
      const accessToken = tokens.sign({ sub: caller, grant_type: 'access_token', access }, ACCESS_SECONDS);
      // Docker and its kin read `token`, ACR's own clients `access_token`.
      return Response.json({ access_token: accessToken, token: accessToken, expires_in: ACCESS_SECONDS });
    },
  };
}

/** Who asks for a token: an identity's name, empty for nobody in particular, undefined for wrong credentials. */
function callerOf(
  request: Request,
  form: URLSearchParams,
  deps: AuthOptions & { readonly tokens: Tokens },
): string | undefined {
  const [scheme = '', value = ''] = (request.headers.get('authorization') ?? '').split(' ');
  if (scheme.toLowerCase() === 'basic') return basicCaller(value, deps);
  const token = form.get('refresh_token') ?? '';
  if (token !== '') {
    const claims = deps.tokens.read(token);
    return typeof claims === 'object' && claims.grant_type === 'refresh_token' ? claims.sub : undefined;
  }
  const [user, password] = [form.get('username'), form.get('password')];
  if (user === null) return '';
  return basicCaller(Buffer.from(`${user}:${password ?? ''}`).toString('base64'), deps);
}

function granted(
  scope: string,
  { caller, may, mode }: { readonly caller: string; readonly may: May; readonly mode: AuthOptions['mode'] },
): readonly Access[] {
  const [type = '', ...rest] = scope.split(':');
  const asked = (rest.pop() ?? '').split(',');
  const name = rest.join(':');
  if (type === 'registry') return [{ type, name, actions: may(caller, '', 'catalog') ? asked : [] }];
  // A registry with attribute-based access ignores the wildcard.
  if (type !== 'repository' || (name === '*' && mode === 'abac')) return [];
  const wanted = ALL.filter(
    (permission) =>
      asked.includes('*') ||
      asked.includes(permission) ||
      // Removing a tag is asked for as a change of metadata, which a role that may untag need not allow.
      (permission === 'untag' && asked.includes('metadata_write')),
  );
  return [{ type, name, actions: wanted.filter((permission) => may(caller, name, permission)) }];
}

function unauthorized(message = ''): RegistryError {
  return new RegistryError(401, 'UNAUTHORIZED', {
    message: `authentication required, visit https://aka.ms/acr/authorization for more information.${message}`,
  });
}
