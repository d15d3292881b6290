import { createHash } from 'node:crypto';
import { AppError } from '../error/app-error.js';

/** A content digest, `sha256:` and 64 lower-case hexadecimal digits; the only algorithm that ACR serves. */
export type Digest = string & { readonly __brand: 'Digest' };

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether `text` is a digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** Parses a digest strictly. Throws `INVALID_DIGEST`. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text))
    throw new AppError('INVALID_DIGEST', `not a sha256 digest: ${JSON.stringify(text.slice(0, 80))}`);
  return text;
}

/** The digest of these bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

/** The 64 hexadecimal digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The digest of `{}`, which the OCI image specification 1.1 names as the empty descriptor. */
export const EMPTY_DIGEST = digestOf('{}');
