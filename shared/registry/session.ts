import type { LoginServer } from '../artifact/login-server.js';
import type { Repository } from '../artifact/repository.js';
import { AppError } from '../error/app-error.js';
import type { Http, HttpRequest, HttpResponse } from '../net/http.js';
import type { TokenSource } from './token.js';

/** The registry operations that a token is asked for. */
export type RepositoryAction = 'pull' | 'pull,push' | 'metadata_read' | 'metadata_write';

/** A request inside one repository. */
export interface RepositoryRequest extends Omit<HttpRequest, 'url'> {
  readonly registry: LoginServer;
  readonly repository: Repository;
  readonly action: RepositoryAction;
  /** Path below `/v2/<repository>`, or a whole path that the registry gave. */
  readonly path: string;
}

/** Sends authorised requests to configured registries, and to nobody else. */
export interface Session {
  readonly send: (request: RepositoryRequest) => Promise<HttpResponse>;
  readonly token: TokenSource;
}

/** Throws `REGISTRY_NOT_CONFIGURED`, before any request or token leaves, for a registry that is not in the settings. */
export function createSession(deps: {
  readonly http: Http;
  readonly token: TokenSource;
  readonly registries: ReadonlySet<LoginServer>;
}): Session {
  const check = (registry: LoginServer) => {
    if (!deps.registries.has(registry))
      throw new AppError('REGISTRY_NOT_CONFIGURED', 'a registry that is not configured');
  };
  return {
    token: async (registry, scope) => {
      check(registry);
      return deps.token(registry, scope);
    },
    send: async ({ registry, repository, action, path, headers, ...request }) => {
      check(registry);
      // A path from the registry (an upload location, a next page) must not lead to another host.
      const base = `https://${registry}`;
      const url = new URL(path.startsWith('/v2/') || path.startsWith('http') ? path : `/v2/${repository}${path}`, base);
      if (url.origin !== new URL(base).origin)
        throw new AppError('FOREIGN_LOCATION', 'the registry points to another host');
      const attempt = async (fresh: boolean) => {
        const token = await deps.token(registry, `repository:${repository}:${action}`, { fresh });
        return deps.http({ ...request, url, headers: { ...headers, authorization: `Bearer ${token}` } });
      };
      const response = await attempt(false);
      return response.status === 401 ? attempt(true) : response;
    },
  };
}
