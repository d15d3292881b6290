import { type SignatureScheme, schemeOf } from './algorithm.js';
import { type Der, TAG, bytesOfBits, fieldsOf } from './der.js';

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
