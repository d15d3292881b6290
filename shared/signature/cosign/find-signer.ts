import { type KeyObject, verify } from 'node:crypto';
import { ed25519ph } from '@noble/curves/ed25519.js';
import type { TrustedKey } from '../trust.js';

/** The longest signature, in bytes: that of RSA with 8192 bits. */
export const MAX_SIGNATURE_BYTES = 1024;

/** The key among `keys` that made this signature over these bytes; undefined where none did. */
export function findSigner(
  keys: readonly TrustedKey[],
  bytes: Uint8Array,
  signature: Uint8Array,
): TrustedKey | undefined {
  return keys.find(({ key }) => isSignedBy(key, bytes, signature));
}

/**
 * Whether `key` made this signature. Cosign signs with the hash of the curve's size from some versions on, and with SHA-256 in
 * others, so both are known for the larger curves. ECDSA is DER, as Cosign writes it, though its tools would take the raw form
 * as well; RSA is PKCS #1 v1.5, never PSS, which Cosign has no way to ask for. Ed25519 is pure or prehashed (RFC 8032 §5.1): with
 * such a key Cosign signs by the second and verifies by the first, and does not know its own signature again.
 */
export function isSignedBy(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (signature.byteLength === 0 || signature.byteLength > MAX_SIGNATURE_BYTES) return false;
  if (type === 'ec') return hashesOf(details?.namedCurve).some((hash) => verify(hash, bytes, key, signature));
  if (type === 'rsa') return verify('sha256', bytes, key, signature);
  if (type !== 'ed25519') return false;
  return verify(null, bytes, key, signature) || isPrehashed(key, bytes, signature);
}

/** Node has no Ed25519ph. Only canonical points and scalars are taken, as RFC 8032 has it. */
function isPrehashed(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  const { x } = key.export({ format: 'jwk' });
  if (x === undefined || signature.byteLength !== 64) return false;
  return ed25519ph.verify(signature, bytes, Buffer.from(x, 'base64url'), { zip215: false });
}

function hashesOf(curve: string | undefined): readonly string[] {
  if (curve === 'prime256v1') return ['sha256'];
  if (curve === 'secp384r1') return ['sha384', 'sha256'];
  if (curve === 'secp521r1') return ['sha512', 'sha256'];
  return [];
}
