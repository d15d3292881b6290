import { AppError } from '../../shared/error/app-error.js';

/** Who asks: a user with a password, a refresh or access token of the registry, or nobody. */
export type ProbeCredential =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'anonymous' };

/** One answer, read to its end. */
export interface ProbeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Sends requests into one repository, and to nowhere else. */
export type ProbeSend = (
  method: string,
  path: string,
  options?: { readonly body?: Uint8Array; readonly contentType?: string },
) => Promise<ProbeAnswer>;

const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MILLISECONDS = 30_000;

/**
 * Opens a session. `path` of a request is below `/v2/<repository>` or `/acr/v1/<repository>`, or one of these whole; any
 * other is refused before it is sent (`OUTSIDE_SCRATCH`). Throws `UNREACHABLE` and `PROBE_DENIED`.
 */
export function openProbeSession(deps: {
  readonly origin: string;
  readonly repository: string;
  readonly credential: ProbeCredential;
  readonly fetch: typeof fetch;
}): ProbeSend {
  const { origin, repository, credential } = deps;
  const roots = [`/v2/${repository}`, `/acr/v1/${repository}`];
  let authorization: string | undefined;
  const send = async (url: URL, init: RequestInit): Promise<ProbeAnswer> => {
    const response = await deps
      .fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) })
      .catch((cause: unknown) => {
        throw new AppError('UNREACHABLE', `no registry answers at ${origin}`, { retryable: true, cause });
      });
    const body = new Uint8Array(await response.arrayBuffer());
    if (body.byteLength > MAX_BYTES) throw new AppError('RESPONSE_TOO_LARGE', 'an answer of more than 4 MiB');
    return { status: response.status, headers: response.headers, body };
  };
  return async (method, path, { body, contentType } = {}) => {
    const url = new URL(path, origin);
    const inside = roots.some((root) => url.pathname === root || url.pathname.startsWith(`${root}/`));
    if (url.origin !== new URL(origin).origin || !inside)
      throw new AppError('OUTSIDE_SCRATCH', `not in the scratch repository: ${url.host}${url.pathname}`);
    const attempt = () =>
      send(url, {
        method,
        headers: {
          accept: '*/*',
          ...(contentType !== undefined && { 'content-type': contentType }),
          ...(authorization !== undefined && { authorization }),
        },
        ...(body !== undefined && { body: Buffer.from(body) }),
      });
    const first = await attempt();
    if (first.status !== 401) return first;
    authorization = await authorise(first, { origin, repository, credential, send });
    const second = await attempt();
    if (second.status === 401 || second.status === 403)
      throw new AppError('PROBE_DENIED', `${method} ${url.pathname}: these credentials are not enough`);
    return second;
  };
}

/** By the registry's own challenge; the token goes to the registry that was named and to no other host. */
async function authorise(
  { headers }: ProbeAnswer,
  deps: {
    readonly origin: string;
    readonly repository: string;
    readonly credential: ProbeCredential;
    readonly send: (url: URL, init: RequestInit) => Promise<ProbeAnswer>;
  },
): Promise<string> {
  const { origin, credential, repository } = deps;
  const service = /service="([^"]*)"/.exec(headers.get('www-authenticate') ?? '')?.[1] ?? new URL(origin).host;
  const form: Record<string, string> = {
    service,
    scope: `repository:${repository}:pull,push,delete,metadata_read,metadata_write`,
  };
  switch (credential.kind) {
    case 'token':
      if (isAccessToken(credential.token)) return `Bearer ${credential.token}`;
      Object.assign(form, { grant_type: 'refresh_token', refresh_token: credential.token });
      break;
    case 'basic':
      Object.assign(form, { grant_type: 'password', username: credential.user, password: credential.password });
      break;
    case 'anonymous':
      Object.assign(form, { grant_type: 'password', refresh_token: '' });
      break;
  }
  const answer = await deps.send(new URL('/oauth2/token', origin), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  if (answer.status !== 200) throw new AppError('PROBE_DENIED', `the token service answered ${answer.status}`);
  const { access_token: token } = JSON.parse(Buffer.from(answer.body).toString('utf8')) as { access_token?: unknown };
  if (typeof token !== 'string') throw new AppError('PROBE_DENIED', 'the token service gave no token');
  return `Bearer ${token}`;
}

function isAccessToken(token: string): boolean {
  try {
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    return (JSON.parse(claims) as { grant_type?: unknown }).grant_type === 'access_token';
  } catch {
    return false;
  }
}
