/** What accompanies an {@link AppError} besides its code and message. */
export interface AppErrorOptions {
  /** Whether the same call may succeed later. Default: false. */
  readonly retryable?: boolean;
  /** Seconds that the other side asked us to wait before the next try. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * A fault: something that kept a step from finding out. A bad result (a failed verdict, a wrong signature) is a value
 * and never an error. Callers decide by `code` and `retryable`, never by message text.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Whether `error` is an {@link AppError}, optionally one with this code. */
export function isAppError(error: unknown, code?: string): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** One thing that is wrong in a document from outside: where, which rule, and what to do about it. */
export interface Problem {
  /** Path inside the document, such as `rules[1].onPush`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
}

/** A document with several mistakes; all of them are reported together. */
export class ProblemsError extends AppError {
  readonly problems: readonly Problem[];

  constructor(code: string, title: string, problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `  ${path === '' ? '(document)' : path}: ${message}`);
    super(code, [title, ...lines].join('\n'));
    this.problems = problems;
  }
}
