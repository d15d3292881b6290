import { constants, verify } from 'node:crypto';
import type { Certificate } from '../x509/certificate.js';
import type { Algorithm } from './attributes.js';
import type { Envelope } from './envelope.js';
import { fault } from './fault.js';

/** Notary Project, signature specification, "Algorithm Selection": no other key may sign. */
const BY_KEY: ReadonlyMap<string, Algorithm> = new Map([
  ['rsa 2048', 'PS256'],
  ['rsa 3072', 'PS384'],
  ['rsa 4096', 'PS512'],
  ['ec prime256v1', 'ES256'],
  ['ec secp384r1', 'ES384'],
  ['ec secp521r1', 'ES512'],
]);

/** The one algorithm that this key may sign with; undefined for a key that may not sign. */
export function algorithmOf({ publicKey }: Certificate): Algorithm | undefined {
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  return BY_KEY.get(`${publicKey.asymmetricKeyType ?? ''} ${modulusLength ?? namedCurve ?? ''}`);
}

/**
 * Checks that the first certificate's key has signed the envelope, with the algorithm that goes with it. Throws
 * `NOTATION_ALGORITHM` or `SIGNATURE_INVALID`.
 */
export function checkSignature({ chain, attributes, signed, signature }: Envelope): void {
  const [leaf] = chain;
  const algorithm = leaf && algorithmOf(leaf);
  if (leaf === undefined || algorithm === undefined) {
    throw fault('NOTATION_ALGORITHM', 'The key of the signer is of a kind or a size that may not sign.');
  }
  if (attributes.algorithm !== algorithm) {
    throw fault('NOTATION_ALGORITHM', 'The algorithm is not the one of the signer’s key.');
  }
  const hash = `sha${algorithm.slice(2)}`;
  const key = algorithm.startsWith('PS')
    ? {
        key: leaf.publicKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        // RFC 7518 §3.5, RFC 8230 §2: the salt is as long as the hash.
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }
    : { key: leaf.publicKey, dsaEncoding: 'ieee-p1363' as const };
  if (!verify(hash, signed, key, signature)) {
    throw fault('SIGNATURE_INVALID', 'The signature does not match what is signed.');
  }
}
