import { AppError } from '../../error/app-error.js';
import { type SignatureScheme, schemeOf } from './algorithm.js';
import { type Der, TAG, bytesOfBits, fieldsOf, integerBytesOf, readDer } from './der.js';

/** Pieces of a certificate that are compared byte for byte, or hashed. */
export interface CertificateParts {
  /** Bytes of the serial number, as they are. */
  readonly serial: Buffer;
  /** The public key without its algorithm: what OCSP names an issuer by. RFC 6960 §4.1.1. */
  readonly keyBits: Buffer;
  /** What it is signed with; undefined where that is weak or not known. */
  readonly scheme: SignatureScheme | undefined;
}

/** Takes a certificate apart. Throws `CERTIFICATE_MALFORMED` where it is BER and no DER. */
export function partsOf({ der }: { readonly der: Uint8Array }): CertificateParts {
  try {
    return read(der);
  } catch (cause) {
    throw new AppError('CERTIFICATE_MALFORMED', 'a certificate cannot be used: it is no DER', { cause });
  }
}

function read(der: Uint8Array): CertificateParts {
  const certificate = fieldsOf(readDer(der));
  const signed = fieldsOf(certificate.take(TAG.sequence));
  signed.take(0xa0);
  const serial = integerBytesOf(signed.take(TAG.integer));
  // Algorithm, issuer, validity and subject.
  for (let field = 0; field < 4; field++) signed.take(TAG.sequence);
  const key = fieldsOf(signed.take(TAG.sequence));
  key.take(TAG.sequence);
  const keyBits = bytesOfBits(key.take(TAG.bits));
  return { serial, keyBits, scheme: schemeOf(certificate.take(TAG.sequence)) };
}

/** A SEQUENCE that is signed, with its algorithm and its signature: a revocation list, the answer of a responder. */
export interface SignedDer {
  readonly signed: Der;
  /** undefined: weak, or not known. */
  readonly scheme: SignatureScheme | undefined;
  /** DER of the algorithm. */
  readonly algorithm: Der;
  readonly signature: Buffer;
  /** What may follow the signature. */
  readonly rest: Der | undefined;
}

/** Reads `SIGNED { … }`, with one more field tagged `rest` where that is given. Throws `DER_MALFORMED`. */
export function readSigned(element: Der, rest?: number): SignedDer {
  const fields = fieldsOf(element);
  const signed = fields.take(TAG.sequence);
  const algorithm = fields.take(TAG.sequence);
  const signature = bytesOfBits(fields.take(TAG.bits));
  const more = rest === undefined ? undefined : fields.maybe(rest);
  fields.done();
  return { signed, algorithm, scheme: schemeOf(algorithm), signature, rest: more };
}
