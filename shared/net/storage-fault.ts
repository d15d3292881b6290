import { AppError } from '../error/app-error.js';

/** The HTTP status that a storage SDK's error carries; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** A storage fault as ours: without an answer, throttled or 5xx it may be over soon. */
export function storageFault(code: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const status = statusOf(error);
  const retryable = status === undefined || status === 408 || status === 429 || status >= 500 || status === 403;
  return new AppError(code, `storage answered ${status ?? 'nothing'}`, { retryable, cause: error });
}
