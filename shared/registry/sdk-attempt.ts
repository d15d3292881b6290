import { AppError } from '../error/app-error.js';
import { registryError } from './errors.js';

/** The value, or the status of a refusal that has a meaning to the caller. */
export type Attempted<T> =
  { readonly status: 200; readonly value: T } | { readonly status: 403 | 404 | 405; readonly value?: undefined };

/** Waits for a call of the Azure SDK; anything but success, 403, 404 and 405 is thrown as a registry error. */
export async function attempt<T>(what: string, work: Promise<T>): Promise<Attempted<T>> {
  try {
    return { status: 200, value: await work };
  } catch (error) {
    if (error instanceof AppError) throw error;
    const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
    if (status === 403 || status === 404 || status === 405) return { status };
    if (typeof status === 'number') throw registryError(what, status);
    throw new AppError('REGISTRY_UNAVAILABLE', `${what}: no answer from the registry`, {
      retryable: true,
      cause: error,
    });
  }
}
