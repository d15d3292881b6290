import { RegistryError } from './error.js';
import { type Access, type Tokens, createTokens } from './jwt.js';
import { type Identity, type Permission, type RoleMode, isPermitted } from './roles.js';
import { type TokenService, createTokenService } from './token-service.js';

/** How the registry knows its callers. */
export interface AuthOptions {
  readonly loginServer: string;
  readonly clock: () => Date;
  /** Signs tokens; any secret bytes. */
  readonly secret: Uint8Array;
  /** What a caller without credentials may do: everything (the local default, on loopback), pull, or nothing. */
  readonly anonymous: boolean | 'pull';
  readonly mode: RoleMode;
  readonly identities: readonly Identity[];
}

/** What a request needs: `repository:team/app:pull`, or `registry:catalog:*`. */
export interface Scope {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly action: string;
  /** Actions that are enough, too. */
  readonly or?: readonly string[];
}

/** The token service and the check of every request. */
export interface Auth extends TokenService {
  /** Throws the challenge where the credentials are missing, or do not allow what is asked. */
  readonly check: (request: Request, scopes: readonly Scope[]) => void;
  readonly allows: (request: Request, scope: Scope) => boolean;
  /** Who comes: the name of an identity, empty for nobody in particular. */
  readonly caller: (request: Request) => string;
}

/** Whether a caller, by name, has a permission; the catalogue is asked for with an empty name. */
export type May = (caller: string, repository: string, permission: Permission) => boolean;

/** The user name that goes with a token as the password. */
export const TOKEN_USER = '00000000-0000-0000-0000-000000000000';

interface Given {
  readonly caller: string;
  /** Undefined: whatever the caller is permitted. */
  readonly access?: readonly Access[];
}

/** Builds both. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
export function createAuth(options: AuthOptions): Auth {
  const { loginServer, identities, mode } = options;
  const tokens = createTokens({ audience: loginServer, secret: options.secret, clock: options.clock });
  const byName = new Map(identities.map((identity) => [identity.name, identity]));
  const may: May = (caller, repository, permission) => {
    if (caller === '') return options.anonymous === true || (options.anonymous === 'pull' && permission === 'pull');
    const identity = byName.get(caller);
    return identity !== undefined && isPermitted(identity, { mode, repository, permission });
  };
  const allowed = (given: Given, scope: Scope): boolean => {
    const actions = [scope.action, ...(scope.or ?? [])];
    const { access } = given;
    if (access === undefined)
      return actions.some((action) => may(given.caller, scope.name, permissionOf(scope, action)));
    return access.some(
      ({ type, name, actions: granted }) =>
        type === scope.type &&
        (name === scope.name || name === '*') &&
        granted.some((action) => actions.includes(action)),
    );
  };
  const read = (request: Request) => readCredentials(request, { tokens, identities });
  return {
    ...createTokenService({ ...options, tokens, may }),
    check: (request, scopes) => {
      const given = read(request);
      if (typeof given === 'object' && scopes.every((scope) => allowed(given, scope))) return;
      const error =
        typeof given === 'object' ? 'insufficient_scope' : given === 'expired' ? 'invalid_token' : undefined;
      throw challenge(request, scopes, { loginServer, error });
    },
    allows: (request, scope) => {
      const given = read(request);
      return typeof given === 'object' && allowed(given, scope);
    },
    caller: (request) => {
      const given = read(request);
      return typeof given === 'object' ? given.caller : '';
    },
  };
}

function permissionOf({ type }: Scope, action: string): Permission {
  return type === 'registry' ? 'catalog' : (action as Permission);
}

function readCredentials(
  request: Request,
  deps: { readonly tokens: Tokens; readonly identities: readonly Identity[] },
): Given | 'expired' | undefined {
  const [scheme = '', value = ''] = (request.headers.get('authorization') ?? '').split(' ');
  switch (scheme.toLowerCase()) {
    case 'bearer': {
      const claims = deps.tokens.read(value);
      if (typeof claims !== 'object') return claims;
      return claims.grant_type === 'access_token' ? { caller: claims.sub, access: claims.access ?? [] } : undefined;
    }
    case 'basic': {
      const caller = basicCaller(value, deps);
      return caller === undefined ? undefined : { caller };
    }
    default:
      return undefined;
  }
}

/** The identity behind Basic credentials: a name and its password, or {@link TOKEN_USER} and a token of the registry. */
export function basicCaller(
  value: string,
  { tokens, identities }: { readonly tokens: Tokens; readonly identities: readonly Identity[] },
): string | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8');
  // Some clients send empty credentials where they have none.
  if (text === ':') return '';
  const [user, password] = [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
  if (user === TOKEN_USER) {
    const claims = tokens.read(password);
    return typeof claims === 'object' ? claims.sub : undefined;
  }
  return identities.find((identity) => identity.name === user && identity.password === password)?.name;
}

function challenge(
  request: Request,
  scopes: readonly Scope[],
  { loginServer, error }: { readonly loginServer: string; readonly error: string | undefined },
): RegistryError {
  const { protocol, host } = new URL(request.url);
  const [first] = scopes;
  const parts = [
    `realm="${protocol}//${host}/oauth2/token"`,
    `service="${loginServer}"`,
    ...(first === undefined
      ? []
      : [`scope="${first.type}:${first.name}:${scopes.map(({ action }) => action).join(',')}"`]),
    ...(error === undefined ? [] : [`error="${error}"`]),
  ];
  return new RegistryError(401, 'UNAUTHORIZED', {
    message: 'authentication required, visit https://aka.ms/acr/authorization for more information.',
    detail: scopes.map(({ type, name, action }) => ({ Type: type, Name: name, Action: action })),
    headers: { 'www-authenticate': `Bearer ${parts.join(',')}` },
  });
}
