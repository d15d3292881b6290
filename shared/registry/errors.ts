import { AppError } from '../error/app-error.js';
import { type HttpResponse, retryAfterSeconds } from '../net/http.js';

/** What a registry's status means to us. The text of its answer is never looked at. */
export function registryError(what: string, status: number, response?: HttpResponse): AppError {
  const message = `${what}: the registry answered ${status}`;
  const after = response === undefined ? undefined : retryAfterSeconds(response.headers);
  switch (status) {
    case 401:
    case 403:
      // Role assignments take minutes to arrive, so a refusal may be over soon.
      return new AppError('REGISTRY_DENIED', message, { retryable: true });
    case 404:
      return new AppError('MANIFEST_UNKNOWN', message, { retryable: true });
    case 405:
      return new AppError('QUARANTINED', `${message}; the artifact is locked`);
    case 429:
      return new AppError('REGISTRY_THROTTLED', message, {
        retryable: true,
        ...(after !== undefined && { retryAfterSeconds: after }),
      });
    default:
      return new AppError(status >= 500 ? 'REGISTRY_UNAVAILABLE' : 'REGISTRY_REFUSED', message, {
        retryable: status >= 500,
      });
  }
}
