import { AppError } from '../../error/app-error.js';
import type { SignatureCode } from '../result.js';

/** What is wrong with a signature, on the way to becoming a check of its verdict. Only thrown inside of this room. */
export function fault(code: SignatureCode, message: string, cause?: unknown): AppError {
  return new AppError(code, message, { cause });
}

/** Runs `read`; what it cannot decode is a malformed signature, told as `what`. */
export function decoding<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AppError && cause.code !== 'ENCODING_MALFORMED') throw cause;
    throw fault('SIGNATURE_MALFORMED', `${what} cannot be read.`, cause);
  }
}
