import { AppError } from '../error/app-error.js';
import { readBody } from './read-body.js';

/** One request to one of the configured services. */
export interface HttpRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** The most bytes of a response body that are read. Default: 64 KiB. */
  readonly maxBytes?: number;
  /** Whether the request may be sent again after a fault. Default: every method but POST. */
  readonly repeatable?: boolean;
}

/** A whole response, read within its limit. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The effects and bounds of {@link createHttp}. */
export interface HttpDeps {
  readonly fetch: typeof fetch;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds for one try, its body included. Default: 30,000. */
  readonly timeoutMilliseconds?: number;
  /** Tries in all. Default: 3. */
  readonly tries?: number;
}

/** Sends a request. Resolves with any status that is not worth another try; redirects are never followed. */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

const RETRIED: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const MAX_WAIT_MILLISECONDS = 10_000;

/**
 * The one place that retries, limits and redacts. Only https is spoken. Throws `INSECURE_URL`, `NETWORK_UNAVAILABLE`
 * (retryable) or `RESPONSE_TOO_LARGE`; messages name the host and the path and never a query or a header.
 */
export function createHttp({ fetch, sleep, timeoutMilliseconds = 30_000, tries = 3 }: HttpDeps): Http {
  return async (request) => {
    if (request.url.protocol !== 'https:') throw new AppError('INSECURE_URL', `not https: ${redactUrl(request.url)}`);
    const repeatable = request.repeatable ?? request.method !== 'POST';
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= tries || !repeatable;
      try {
        const response = await once(request, { fetch, timeoutMilliseconds });
        if (last || !RETRIED.has(response.status)) return response;
        await sleep(waitMilliseconds(attempt, response.headers));
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (last) {
          const message = `no answer from ${redactUrl(request.url)}`;
          throw new AppError('NETWORK_UNAVAILABLE', message, { retryable: true, cause: error });
        }
        await sleep(waitMilliseconds(attempt));
      }
    }
  };
}

async function once(
  request: HttpRequest,
  deps: Required<Pick<HttpDeps, 'fetch' | 'timeoutMilliseconds'>>,
): Promise<HttpResponse> {
  const response = await deps.fetch(request.url, {
    method: request.method ?? 'GET',
    headers: request.headers ?? {},
    ...(request.body !== undefined && { body: request.body as NonNullable<RequestInit['body']> }),
    redirect: 'manual',
    signal: AbortSignal.timeout(deps.timeoutMilliseconds),
  });
  const maxBytes = request.maxBytes ?? 65_536;
  const body = await readBody(response.body, maxBytes);
  if (body === undefined) {
    throw new AppError('RESPONSE_TOO_LARGE', `more than ${maxBytes} bytes from ${redactUrl(request.url)}`);
  }
  return { status: response.status, headers: response.headers, body };
}

function waitMilliseconds(attempt: number, headers?: Headers): number {
  const asked = Number(headers?.get('retry-after') ?? 0) * 1000;
  return Math.min(Math.max(250 * 2 ** attempt, Number.isFinite(asked) ? asked : 0), MAX_WAIT_MILLISECONDS);
}

/** Host and path of a URL: what may stand in a log or an error. Queries hold signatures, user information secrets. */
export function redactUrl(url: URL): string {
  return `${url.host}${url.pathname.slice(0, 200)}`;
}

/** The whole seconds of a `Retry-After` header, if it tells any. */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.ceil(seconds) : undefined;
}
