import { AppError } from '../../error/app-error.js';
import { type Check, SIGNATURE_CODES, type SignatureCode } from '../result.js';
import type { RevocationRequest } from '../revocation.js';

/** What a check came to, before the policy says what is made of it. */
export interface Finding {
  readonly outcome: 'ok' | 'failed' | 'unknown';
  readonly code: SignatureCode;
  readonly message: string;
  /** What would have to be asked of an authority, so that it can be told. */
  readonly needs: readonly RevocationRequest[];
}

export const ok = (message: string): Finding => ({ outcome: 'ok', code: 'SIGNATURE_VERIFIED', message, needs: [] });
export const failed = (code: SignatureCode, message: string): Finding => ({
  outcome: 'failed',
  code,
  message,
  needs: [],
});
export const unknown = (code: SignatureCode, message: string, needs: readonly RevocationRequest[] = []): Finding => ({
  outcome: 'unknown',
  code,
  message,
  needs,
});

/** The finding of a step that throws what is wrong. What it did not expect itself is no signature either. */
export function findingOf(error: unknown): Finding {
  const code = error instanceof AppError && SIGNATURE_CODES.find((each) => each === error.code);
  return code ? failed(code, error.message) : failed('SIGNATURE_MALFORMED', 'The signature could not be processed.');
}

/** A finding as a check. What is skipped is not told as anything else. */
export function toCheck(type: Check['type'], action: Check['action'], { outcome, code, message }: Finding): Check {
  return { type, action, outcome: action === 'skipped' ? 'skipped' : outcome, code, message };
}
