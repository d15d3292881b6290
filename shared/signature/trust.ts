import { type KeyObject, createHash, createPublicKey } from 'node:crypto';
import { AppError } from '../error/app-error.js';

/** A public key that signatures are trusted from. */
export interface TrustedKey {
  /** The file it came from, for people. */
  readonly name: string;
  readonly key: KeyObject;
  /** Base64 SHA-256 of the key's SubjectPublicKeyInfo: how Sigstore bundles hint at it. */
  readonly hint: string;
}

const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
/** Less is weak, and more costs more than any signature is worth. */
const isRsaSize = (bits: number) => bits >= 2048 && bits <= 8192;
const MAX_PEM_BYTES = 16_384;

/** Parses one PEM public key: EC P-256, P-384, P-521, RSA of 2048 to 8192 bits, Ed25519. Throws `INVALID_PUBLIC_KEY`. */
export function parsePublicKey(name: string, pem: string): TrustedKey {
  if (pem.includes('PRIVATE KEY')) {
    throw new AppError(
      'INVALID_PUBLIC_KEY',
      `${name} holds a private key; put the public key there, and replace this one`,
    );
  }
  if (pem.length > MAX_PEM_BYTES || pem.match(/-----BEGIN PUBLIC KEY-----/g)?.length !== 1) {
    throw new AppError('INVALID_PUBLIC_KEY', `${name} is not one PEM public key`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new AppError('INVALID_PUBLIC_KEY', `${name} is not a PEM public key`, { cause });
  }
  const details = key.asymmetricKeyDetails;
  const usable =
    (key.asymmetricKeyType === 'ec' && CURVES.has(details?.namedCurve)) ||
    (key.asymmetricKeyType === 'rsa' && isRsaSize(details?.modulusLength ?? 0)) ||
    key.asymmetricKeyType === 'ed25519';
  if (!usable) throw new AppError('INVALID_PUBLIC_KEY', `${name} is of a kind that is not trusted`);
  const spki = key.export({ type: 'spki', format: 'der' });
  return { name, key, hint: createHash('sha256').update(spki).digest('base64') };
}
