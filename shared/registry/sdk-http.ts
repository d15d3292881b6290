import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import type { LoginServer } from '../artifact/login-server.js';
import { AppError } from '../error/app-error.js';
import { readBody } from '../net/read-body.js';

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Lets the Azure SDK send through an injected `fetch`, to configured registries only, and with our bounds. What it asks
 * of the wire is small: short JSON bodies both ways.
 */
export function createSdkHttpClient(deps: {
  readonly fetch: typeof fetch;
  readonly registries: ReadonlySet<LoginServer>;
  readonly timeoutMilliseconds?: number;
}): HttpClient {
  return {
    sendRequest: async (request) => {
      const url = new URL(request.url);
      if (url.protocol !== 'https:' || !deps.registries.has(url.host as LoginServer)) {
        throw new AppError('REGISTRY_NOT_CONFIGURED', 'a registry that is not configured');
      }
      const response = await deps.fetch(url, {
        method: request.method,
        headers: request.headers.toJSON(),
        ...(typeof request.body === 'string' && { body: request.body }),
        redirect: 'manual',
        signal: AbortSignal.timeout(deps.timeoutMilliseconds ?? 30_000),
      });
      const body = await readBody(response.body, MAX_BODY_BYTES);
      if (body === undefined) throw new AppError('RESPONSE_TOO_LARGE', 'an answer of more than 4 MiB');
      return {
        request,
        status: response.status,
        headers: createHttpHeaders(Object.fromEntries(response.headers)),
        bodyAsText: Buffer.from(body).toString('utf8'),
      };
    },
  };
}
