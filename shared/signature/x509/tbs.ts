import type { Certificate } from './certificate.js';
import { type Der, TAG, bytesOfBits, fieldsOf, integerBytesOf, integerOf, malformedDer, only } from './der.js';
import { algorithmOf } from './algorithm.js';
import { extensionsOf } from './extensions.js';
import { nameOf } from './name.js';
import { timeOf } from './time.js';

/** What a certificate says, but for its key. */
export type CertificateText = Pick<
  Certificate,
  | 'serial'
  | 'subject'
  | 'issuer'
  | 'subjectDer'
  | 'issuerDer'
  | 'notBefore'
  | 'notAfter'
  | 'keyBits'
  | 'signatureAlgorithm'
  | 'extensions'
>;

/** Takes a certificate of version 3 apart; all of it has to be as RFC 5280 §4.1 has it. Throws `DER_MALFORMED`. */
export function readTbs(element: Der): CertificateText {
  const certificate = fieldsOf(element);
  const fields = fieldsOf(certificate.take(TAG.sequence));
  const algorithm = certificate.take(TAG.sequence);
  bytesOfBits(certificate.take(TAG.bits));
  certificate.done();
  if (integerOf(only(fields.take(0xa0), TAG.integer)) !== 2n) throw malformedDer('a certificate of another version');
  const serial = integerBytesOf(fields.take(TAG.integer));
  // What is signed names the algorithm too, for the one beside it can be exchanged. RFC 5280 §4.1.1.2.
  if (!fields.take(TAG.sequence).whole.equals(algorithm.whole)) throw malformedDer('two algorithms');
  const issuer = fields.take(TAG.sequence);
  const validity = fieldsOf(fields.take(TAG.sequence));
  const [notBefore, notAfter] = [timeIn(validity), timeIn(validity)];
  validity.done();
  const subject = fields.take(TAG.sequence);
  // The key itself is read by OpenSSL; the two unique identifiers are of no use to anybody.
  const key = fieldsOf(fields.take(TAG.sequence));
  key.take(TAG.sequence);
  const keyBits = bytesOfBits(key.take(TAG.bits));
  fields.maybe(0x81);
  fields.maybe(0x82);
  const extensions = fields.maybe(0xa3);
  fields.done();
  // Whether it can be read at all; which one it is, is for whoever relies on it.
  algorithmOf(algorithm);
  return {
    ...{ serial, keyBits, notBefore, notAfter },
    issuer: nameOf(issuer),
    subject: nameOf(subject),
    issuerDer: issuer.whole,
    subjectDer: subject.whole,
    signatureAlgorithm: algorithm,
    extensions: extensions === undefined ? new Map() : extensionsOf(only(extensions, TAG.sequence)),
  };
}

function timeIn(validity: ReturnType<typeof fieldsOf>): Date {
  return timeOf(validity.maybe(TAG.utcTime) ?? validity.take(TAG.generalizedTime));
}
