import { AppError } from '../../error/app-error.js';

interface FailureClass {
  readonly code: string;
  readonly pattern: RegExp;
  readonly retryable: boolean;
  readonly message: string;
}

/**
 * Trivy ends every failure with exit code 1, so its cause is read from the fixed parts of its own messages (v0.74.0).
 * The first match counts; what matches none is `SCAN_FAILED`, and what it does not end itself is `SCANNER_CRASHED`. None of
 * them is ever a pass.
 */
const CLASSES: readonly FailureClass[] = [
  {
    code: 'JAVA_DATABASE_MISSING',
    pattern: /--skip-java-db-update' cannot be specified on the first run/,
    retryable: false,
    message: 'A jar was seen, and there is no Java database.',
  },
  {
    code: 'DATABASE_MISSING',
    pattern: /--skip-db-update cannot be specified on the first run/,
    retryable: true,
    message: 'There is no vulnerability database.',
  },
  {
    code: 'DATABASE_SCHEMA',
    pattern: /old DB schema|version of DB schema doesn't match/,
    retryable: true,
    message: 'The vulnerability database is of another schema.',
  },
  {
    code: 'DATABASE_CORRUPT',
    pattern: /db corrupted|failed to open db|invalid database/i,
    retryable: true,
    message: 'The vulnerability database is corrupt.',
  },
  {
    code: 'CACHE_LOCKED',
    pattern: /cache may be in use by another process|Failed to acquire cache or database lock/,
    retryable: true,
    message: 'The cache is locked.',
  },
  {
    code: 'DISK_FULL',
    pattern: /no space left on device/,
    retryable: true,
    message: 'The disk is full.',
  },
  {
    code: 'UNSUPPORTED_ARTIFACT',
    pattern: /unsupported artifact type/,
    retryable: false,
    message: 'Trivy does not read artifacts of this type.',
  },
  {
    code: 'PLATFORM_MISSING',
    pattern: /no child with platform|specified platform not found/,
    retryable: false,
    message: 'The platform is not in the image.',
  },
  {
    code: 'TOO_LARGE',
    pattern: /exceeds maximum allowed size/,
    retryable: false,
    message: 'The image is larger than it may be.',
  },
  {
    code: 'QUARANTINED',
    pattern: /operation is disallowed|IMAGE_QUARANTINED/i,
    retryable: false,
    message: 'The registry refuses the pull: the image is locked.',
  },
  {
    code: 'MANIFEST_UNKNOWN',
    pattern: /MANIFEST_UNKNOWN|NAME_UNKNOWN|BLOB_UNKNOWN|NOT_FOUND/,
    retryable: true,
    message: 'The registry does not know the image.',
  },
  {
    code: 'REGISTRY_DENIED',
    pattern: /UNAUTHORIZED|DENIED/,
    retryable: true,
    message: 'The registry refused the pull.',
  },
  {
    code: 'REGISTRY_THROTTLED',
    pattern: /TOOMANYREQUESTS|429 Too Many Requests/,
    retryable: true,
    message: 'The registry throttled the pull.',
  },
  {
    code: 'LAYER_UNREADABLE',
    pattern:
      /gzip: invalid header|invalid tar header|archive\/tar|unexpected EOF|flate: corrupt|invalid checksum|unable to extract files|walk(ing)? .*error|failed to apply layers/i,
    retryable: false,
    message: 'A layer cannot be unpacked.',
  },
  {
    code: 'SCAN_TIMEOUT',
    pattern: /context deadline exceeded/,
    retryable: true,
    message: 'The scan took too long.',
  },
  {
    code: 'REGISTRY_UNAVAILABLE',
    pattern: /connection refused|connection reset|no such host|i\/o timeout|TLS handshake|50[0234] /,
    retryable: true,
    message: 'The registry could not be reached.',
  },
];

/** The fault that Trivy's stderr tells of. Its text goes no further than this: it quotes the image. */
export function classifyFailure(stderr: string): AppError {
  // What stands below is a trace, whose numbers look like all sorts of things.
  if (/^(?:panic|fatal error): /m.test(stderr)) {
    return new AppError('SCANNER_CRASHED', 'Trivy crashed.', { retryable: true });
  }
  const fatal =
    stderr
      .split('\n')
      .filter((line) => /\tFATAL\t|^\s|error/i.test(line))
      .join('\n') || stderr;
  const found = CLASSES.find(({ pattern }) => pattern.test(fatal));
  if (found === undefined)
    return new AppError('SCAN_FAILED', 'Trivy ended with an error that is not known.', { retryable: true });
  return new AppError(found.code, found.message, { retryable: found.retryable });
}
