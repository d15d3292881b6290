import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyPair } from '../signer/signer.js';

/** The head of a PKCS #8 document with an Ed25519 key of 32 bytes. RFC 8410, section 7. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key pair that its name determines: Ed25519 signs the same bytes the same way, so a history repeats exactly. */
export function namedKeyPair(name: string): KeyPair {
  const secret = createHash('sha256').update(`lazaret simulation ${name}`).digest();
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, secret]), format: 'der', type: 'pkcs8' });
  return {
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  };
}
