import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { RegistryError } from './error.js';

/** How the registry knows its callers. */
export interface AuthOptions {
  readonly loginServer: string;
  readonly clock: () => Date;
  /** Signs tokens; any secret bytes. */
  readonly secret: Uint8Array;
  /** Whether a caller without credentials may do everything: the local default, on loopback. */
  readonly anonymous: boolean;
  /** Identities by the `oid` of their Entra token, with the scopes that they are given. The token's signature is not checked. */
  readonly identities?: Readonly<Record<string, (type: string, name: string, action: string) => boolean>>;
}

/** What a request needs: `repository:team/app:pull`, or `registry:catalog:*`. */
export interface Scope {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly action: string;
}

interface Claims {
  readonly sub: string;
  readonly exp: number;
  readonly access?: readonly { readonly type: string; readonly name: string; readonly actions: readonly string[] }[];
}

const ACCESS_SECONDS = 4500;
const REFRESH_SECONDS = 3 * 3600;

/** The token service and the check of every request. https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
export function createAuth(options: AuthOptions) {
  const { loginServer, clock, secret } = options;
  const sign = (claims: object, seconds: number): string => {
    const iat = Math.floor(clock().getTime() / 1000);
    const full = {
      jti: randomUUID(),
      iss: 'Azure Container Registry',
      aud: loginServer,
      version: '1.0',
      nbf: iat,
      iat,
      exp: iat + seconds,
      ...claims,
    };
    const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(full)}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
  };
  const read = (token: string): Claims | undefined => {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
    const given = Buffer.from(signature, 'base64url');
    if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) return undefined;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
    return claims.exp * 1000 > clock().getTime() ? claims : undefined;
  };
  const may = (subject: string, scope: Scope): boolean => {
    if (subject === '') return options.anonymous;
    return options.identities?.[subject]?.(scope.type, scope.name, scope.action) ?? false;
  };
  const unauthorized = (message = '') =>
    new RegistryError(401, 'UNAUTHORIZED', {
      message: `authentication required, visit https://aka.ms/acr/authorization for more information.${message}`,
    });

  const exchange = async (request: Request): Promise<Response> => {
    const form = new URLSearchParams(await request.text());
    if (form.get('grant_type') !== 'access_token' || form.get('service') !== loginServer) throw unauthorized();
    const subject = subjectOf(form.get('access_token') ?? '');
    if (subject === undefined || options.identities?.[subject] === undefined)
      throw unauthorized(` CorrelationId: ${randomUUID()}`);
    return Response.json({ refresh_token: sign({ sub: subject, grant_type: 'refresh_token' }, REFRESH_SECONDS) });
  };
  const token = async (request: Request): Promise<Response> => {
    const form =
      request.method === 'GET' ? new URL(request.url).searchParams : new URLSearchParams(await request.text());
    const refresh = form.get('refresh_token') ?? '';
    const subject = refresh === '' ? '' : read(refresh)?.sub;
    if (subject === undefined || (subject === '' && !options.anonymous)) throw unauthorized();
    const access = form
      .getAll('scope')
      .flatMap((scopes) => scopes.split(' '))
      .filter((scope) => scope !== '')
      .map((scope) => {
        const [type = '', ...rest] = scope.split(':');
        const actions = (rest.pop() ?? '').split(',');
        const name = rest.join(':');
        const kind = type === 'registry' ? 'registry' : 'repository';
        return { type, name, actions: actions.filter((action) => may(subject, { type: kind, name, action })) };
      });
    const accessToken = sign({ sub: subject, grant_type: 'access_token', access }, ACCESS_SECONDS);
    // Docker and its kin read `token`, ACR's own clients `access_token`.
    return Response.json({ access_token: accessToken, token: accessToken, expires_in: ACCESS_SECONDS });
  };
  /** Throws the challenge where the token is missing, or does not allow what is asked. Returns the caller's name. */
  const check = (request: Request, scopes: readonly Scope[]): string => {
    const given = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
    const claims = given === undefined ? undefined : read(given);
    const missing = scopes.filter(
      ({ type, name, action }) =>
        claims?.access?.some(
          (entry) => entry.type === type && entry.name === name && entry.actions.includes(action),
        ) !== true,
    );
    if (claims !== undefined && missing.length === 0) return claims.sub;
    throw challenge(request, scopes, claims === undefined ? undefined : 'insufficient_scope');
  };
  const challenge = (request: Request, scopes: readonly Scope[], error: string | undefined): RegistryError => {
    const { protocol, host } = new URL(request.url);
    const first = scopes[0];
    const scope =
      first === undefined ? '' : `,scope="${first.type}:${first.name}:${scopes.map(({ action }) => action).join(',')}"`;
    return new RegistryError(401, 'UNAUTHORIZED', {
      message: 'authentication required, visit https://aka.ms/acr/authorization for more information.',
      detail: scopes.map(({ type, name, action }) => ({ Type: type, Name: name, Action: action })),
      headers: {
        'www-authenticate': `Bearer realm="${protocol}//${host}/oauth2/token",service="${loginServer}"${scope}${error === undefined ? '' : `,error="${error}"`}`,
      },
    });
  };
  return { exchange, token, check };
}

/** The registry's token service. */
export type Auth = ReturnType<typeof createAuth>;

function subjectOf(entraToken: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(entraToken.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      oid?: unknown;
    };
    return typeof claims.oid === 'string' ? claims.oid : undefined;
  } catch {
    return undefined;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
