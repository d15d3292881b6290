import { isAppError } from '../../error/app-error.js';
import { type Check, type CheckType, type Judged, type SignatureCode, judgedBy } from '../result.js';

/** A check that did not hold, on its way to the judgement. Never leaves this room. */
export class Unproved extends Error {
  override readonly name = 'Unproved';
  readonly check: Check;

  constructor(type: CheckType, outcome: 'failed' | 'unknown', told: Pick<Check, 'code' | 'message'>) {
    super(told.message);
    this.check = { type, action: 'enforced', outcome, ...told };
  }
}

/** What was found to be wrong. */
export function failed(type: CheckType, code: SignatureCode, message: string): Unproved {
  return new Unproved(type, 'failed', { code, message });
}

/** What cannot be told. */
export function unknown(type: CheckType, code: SignatureCode, message: string): Unproved {
  return new Unproved(type, 'unknown', { code, message });
}

/** The checks that one signature has come through so far, in their order. */
export interface Progress {
  readonly pass: (type: CheckType, message: string) => void;
  readonly skip: (type: CheckType, message: string) => void;
}

/**
 * Runs the checks of one signature to the first that does not hold. `work` returns the signer. Whatever it throws is a
 * judgement that is no pass; only when it returns, and each check that `wanted` names was made, the signature is good.
 */
export function judge(wanted: readonly CheckType[], work: (progress: Progress) => string): Judged {
  const checks: Check[] = [];
  try {
    const signer = work({
      pass: (type, message) =>
        void checks.push({ type, action: 'enforced', outcome: 'ok', code: 'SIGNATURE_VERIFIED', message }),
      skip: (type, message) =>
        void checks.push({ type, action: 'skipped', outcome: 'skipped', code: 'SIGNATURE_VERIFIED', message }),
    });
    const missing = wanted.find((type) => !checks.some((check) => check.type === type));
    if (missing !== undefined) throw unknown(missing, 'UNSUPPORTED', 'A check was not made.');
    return judgedBy(checks, { signer });
  } catch (cause) {
    return judgedBy([...checks, checkOf(cause)]);
  }
}

function checkOf(cause: unknown): Check {
  if (cause instanceof Unproved) return cause.check;
  const message = isAppError(cause, 'CERTIFICATE_MALFORMED')
    ? 'A certificate in it cannot be used.'
    : 'It could not be processed.';
  return failed('integrity', 'SIGNATURE_MALFORMED', message).check;
}
