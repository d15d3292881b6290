import { AppError } from '../../shared/error/app-error.js';
import { Unproved } from '../../shared/signature/cosign/checks.js';
import type { Judged } from '../../shared/signature/result.js';

/** Why an error is a crash, as its cause for people; undefined where it is one that is meant to be thrown. */
export function crashOf(error: unknown): string | undefined {
  if (!(error instanceof AppError) && !(error instanceof Unproved)) return nameOf(error);
  // What a library throws for bad input is wrapped; a stack that overflows is no way to refuse it.
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RangeError && cause.message.includes('call stack')) return nameOf(cause);
  }
  return undefined;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'something that is no error';
  const frame = error.stack?.split('\n').find((line) => line.includes('/shared/') || line.includes('/node_modules/'));
  const place = frame
    ?.trim()
    .replace(/^at /, '')
    .replace(/\(?(?:file:\/\/)?\/.*?\/((?:shared|node_modules)\/)/, '($1');
  return `${error.name}: ${error.message.slice(0, 120)} ${place ?? ''}`.trim();
}

/** Judgements of what a verifier did not expect itself. It is no pass, but a refusal by accident. */
const BY_ACCIDENT: ReadonlySet<string> = new Set([
  'It could not be processed.',
  'The signature could not be processed.',
]);

/** Whether a judgement was made of an error that nobody expected. */
export function isByAccident({ checks }: Judged): boolean {
  return checks.some(({ message }) => BY_ACCIDENT.has(message));
}
