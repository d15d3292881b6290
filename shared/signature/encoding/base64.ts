import { AppError } from '../../error/app-error.js';

/**
 * Decodes base64 of RFC 4648 §4, padded. Throws `ENCODING_MALFORMED` for anything but the one encoding of its bytes: another
 * alphabet, white space, missing or needless padding, trailing bits that are not zero.
 */
export function decodeBase64(text: string): Uint8Array {
  return decode(text, 'base64');
}

/** Decodes base64url of RFC 7515 §2, without padding. As strict as {@link decodeBase64}, and throws the same. */
export function decodeBase64Url(text: string): Uint8Array {
  return decode(text, 'base64url');
}

/** Whether {@link decodeBase64} takes it. */
export function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}

/** Node's decoder skips what it does not know; what it made has one encoding, and only that one is taken. */
function decode(text: string, form: 'base64' | 'base64url'): Uint8Array {
  const bytes = Buffer.from(text, form);
  if (bytes.toString(form) !== text) throw new AppError('ENCODING_MALFORMED', `not ${form}`);
  return bytes;
}
