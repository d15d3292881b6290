import { decodeBase64 } from '../encoding/base64.js';
import type { CosignTrust } from './trust.js';
import { parseCertificate } from '../x509/certificate.js';
import { type Progress, failed } from './checks.js';
import { findSigner, isSignedBy } from './find-signer.js';
import { checkSigningCertificate, readIdentity } from './fulcio.js';
import { formatIdentity, isTrustedIdentity } from './identity.js';
import type { SignedContent } from './log-body.js';
import type { Material } from './material.js';
import { witness } from './witness.js';

/** A signature as it was found, and what vouches for it. */
export interface FoundSignature extends Pick<SignedContent, 'signed' | 'payload' | 'form' | 'signature'> {
  readonly material: Material;
  /** What the envelope says of the key, unsigned. */
  readonly keyId: string;
}

/** Checks who made a signature, and that the logs have it. Returns the signer; until then nothing signed may be looked at. */
export function authenticate(found: FoundSignature, trust: CosignTrust, progress: Progress): string {
  const { certificate } = found.material;
  return certificate === undefined
    ? byKey(found, trust, progress)
    : byCertificate(found, { ...trust, certificate: decodeBase64(certificate) }, progress);
}

function byKey(found: FoundSignature, trust: CosignTrust, progress: Progress): string {
  const { signed, signature, material, keyId } = found;
  const signer = findSigner(trust.keys, signed, signature);
  if (signer === undefined) {
    throw failed('authenticity', 'SIGNATURE_UNTRUSTED_KEY', 'It was not made by a trusted key.');
  }
  // Other tools pass over a signature that says it is of another key.
  if (keyId !== '' && keyId !== signer.hint) {
    throw failed('authenticity', 'SIGNATURE_UNTRUSTED_KEY', 'It says that it is of another key than it is.');
  }
  progress.pass('authenticity', 'A trusted key made it.');
  if (trust.transparencyLog === 'ignored') {
    progress.skip('transparencyLog', 'Logs are not asked for.');
    return signer.name;
  }
  const verifier = signer.key.export({ type: 'spki', format: 'der' });
  witness({ ...found, verifier }, material, {
    ...trust,
    verifies: () => isSignedBy(signer.key, signed, signature),
    key: signer.key,
  });
  progress.pass('transparencyLog', 'It is in a trusted log.');
  return signer.name;
}

interface CertificateTrust extends CosignTrust {
  readonly certificate: Uint8Array;
}

function byCertificate(found: FoundSignature, trust: CertificateTrust, progress: Progress): string {
  const { signed, signature, material, keyId } = found;
  if (trust.identities.length === 0) {
    throw failed('authenticity', 'SIGNATURE_UNTRUSTED_IDENTITY', 'No identity is trusted, and it is made by one.');
  }
  const certificate = parseCertificate(trust.certificate);
  checkSigningCertificate(certificate);
  if (keyId !== '') throw failed('authenticity', 'SIGNATURE_UNTRUSTED_KEY', 'It names a key beside its certificate.');
  if (!isSignedBy(certificate.publicKey, signed, signature)) {
    throw failed('authenticity', 'SIGNATURE_INVALID', 'Its certificate is not of the key that made it.');
  }
  witness({ ...found, verifier: certificate.der }, material, {
    ...trust,
    verifies: () => isSignedBy(certificate.publicKey, signed, signature),
    key: undefined,
  });
  // Only now is it certain that the names are Fulcio's, and not the signer's own.
  const identity = readIdentity(certificate);
  if (!isTrustedIdentity(trust.identities, identity)) {
    throw failed('authenticity', 'SIGNATURE_UNTRUSTED_IDENTITY', 'It was made by an identity that is not trusted.');
  }
  progress.pass('authenticity', 'A trusted identity made it, with a certificate that was valid.');
  if (trust.transparencyLog === 'ignored') progress.skip('transparencyLog', 'Logs are not asked for.');
  else progress.pass('transparencyLog', 'It is in a trusted log.');
  return formatIdentity(identity);
}
