import { type KeyObject, verify } from 'node:crypto';
import type { TrustedKey } from '../trust.js';

/** The key among `keys` that made this signature over these bytes; undefined where none did. */
export function findSigner(
  keys: readonly TrustedKey[],
  bytes: Uint8Array,
  signature: Uint8Array,
): TrustedKey | undefined {
  return keys.find(({ key }) => verifies(key, bytes, signature));
}

/**
 * Cosign signs with the hash of the curve's size from some versions on, and with SHA-256 in others, so both are known
 * for the larger curves. Ed25519 is pure; Cosign's prehashed variant (Ed25519ph) is not one that Node can verify.
 */
function verifies(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ec') return hashesOf(details?.namedCurve).some((hash) => verify(hash, bytes, key, signature));
  if (type === 'rsa') return verify('sha256', bytes, key, signature);
  return type === 'ed25519' && verify(null, bytes, key, signature);
}

function hashesOf(curve: string | undefined): readonly string[] {
  if (curve === 'secp384r1') return ['sha384', 'sha256'];
  if (curve === 'secp521r1') return ['sha512', 'sha256'];
  return ['sha256'];
}
