import { type Certificate, parseCertificate } from '../x509/certificate.js';
import { MAX_CHAIN } from '../x509/chain.js';
import type { SignedAttributes } from './attributes.js';
import { readCose } from './cose.js';
import { fault } from './fault.js';
import { readJws } from './jws.js';

/** The media types of a signature's layer. Notary Project, signature specification, "Storage". */
export const JWS_MEDIA_TYPE = 'application/jose+json';
export const COSE_MEDIA_TYPE = 'application/cose';

/** One signature, whichever form it came in: read, and nothing of it believed. */
export interface Envelope {
  /** What is signed: a JSON document, not parsed before the signature holds. */
  readonly payload: Uint8Array;
  /** Over these bytes the signature is made. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  readonly attributes: SignedAttributes;
  /** From the signer's certificate to the root, as the envelope has them. Never empty. */
  readonly chain: readonly Certificate[];
  /** A time-stamp token of RFC 3161 over `signature`. Not signed by the signer. */
  readonly timestamp?: Uint8Array;
}

/** Reads a JWS or a COSE envelope of `MAX_ENVELOPE_BYTES` at most. Throws `SIGNATURE_MALFORMED`, `CERTIFICATE_MALFORMED`, and what `readAttributes` throws. */
export function readEnvelope(mediaType: string, bytes: Uint8Array): Envelope {
  const { certificates, ...envelope } = reader(mediaType)(bytes);
  if (envelope.signature.byteLength === 0) throw fault('SIGNATURE_MALFORMED', 'It carries no signature.');
  if (certificates.length === 0) throw fault('SIGNATURE_MALFORMED', 'It names no certificate.');
  if (certificates.length > MAX_CHAIN) throw fault('SIGNATURE_MALFORMED', 'It names too many certificates.');
  return { ...envelope, chain: certificates.map(parseCertificate) };
}

/** An envelope before its certificates are parsed: what the two forms come to. */
export type RawEnvelope = Omit<Envelope, 'chain'> & { readonly certificates: readonly Uint8Array[] };

function reader(mediaType: string): (bytes: Uint8Array) => RawEnvelope {
  if (mediaType === JWS_MEDIA_TYPE) return readJws;
  if (mediaType === COSE_MEDIA_TYPE) return readCose;
  throw fault('SIGNATURE_WRONG_TYPE', 'The layer is neither a JWS nor a COSE envelope.');
}
