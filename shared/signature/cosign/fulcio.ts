import { type Certificate, readExtension } from '../x509/certificate.js';
import { type Der, TAG, fieldsOf, listOf, oidOf, readDer } from '../x509/der.js';
import { failed } from './checks.js';
import { type SignerIdentity, isUsableName } from './identity.js';
import { PURPOSE } from '../x509/known-extensions.js';

/** https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
const OID = {
  subjectAltName: '2.5.29.17',
  /** Raw text, superseded. */
  issuer1: '1.3.6.1.4.1.57264.1.1',
  /** A DER `UTF8String`. */
  issuer2: '1.3.6.1.4.1.57264.1.8',
  /** Of a name that is neither an address nor a URI. */
  otherName: '1.3.6.1.4.1.57264.1.7',
} as const;
/** Key usage, names, constraints and purposes: what is understood here. RFC 5280 §4.2 refuses the rest where it is critical. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['2.5.29.15', OID.subjectAltName, '2.5.29.19', '2.5.29.37']);

/** Tags of a `GeneralName`, RFC 5280 §4.2.1.6: an address, a URI, a name of another kind. */
const NAME = { address: 0x81, uri: 0x86, other: 0xa0 } as const;
const UTF8_STRING = 0x0c;
/** One is taken; so many are read to tell that. */
const MAX_NAMES = 64;

const unsuitable = (what: string) => failed('authenticity', 'SIGNATURE_UNTRUSTED_CERTIFICATE', what);

/**
 * What a certificate of Fulcio has to be besides signed by it: of an end entity, for signing code, with nothing critical in it
 * that is not understood. https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md. Throws.
 */
export function checkSigningCertificate(certificate: Certificate): void {
  const { basicConstraints, keyUsage, extendedKeyUsage, extensions } = certificate;
  if (basicConstraints?.ca === true) throw unsuitable('Its certificate is that of an authority.');
  if (keyUsage?.usages.has('digitalSignature') !== true || keyUsage.usages.has('keyCertSign')) {
    throw unsuitable('Its certificate is not for signatures.');
  }
  if (extendedKeyUsage?.purposes.includes(PURPOSE.codeSigning) !== true) {
    throw unsuitable('Its certificate is not for signing code.');
  }
  for (const [oid, { critical }] of extensions) {
    if (critical && !UNDERSTOOD.has(oid))
      throw unsuitable('Its certificate has a critical extension that is not known.');
  }
}

/**
 * Who a certificate of Fulcio is of: its one name, and the issuer that it was made out for. More than one name, or two issuers
 * that differ, would let a policy be met by whichever of them fits. Throws.
 */
export function readIdentity(certificate: Certificate): SignerIdentity {
  const [subject, issuer] = [subjectOf(certificate), issuerOf(certificate)];
  if (subject === undefined || !isUsableName(subject)) {
    throw unsuitable('Its certificate does not have exactly one name that can be compared.');
  }
  if (issuer === undefined || !isUsableName(issuer))
    throw unsuitable('Its certificate does not have exactly one issuer.');
  return { subject, issuer };
}

function subjectOf({ extensions }: Certificate): string | undefined {
  const extension = extensions.get(OID.subjectAltName);
  if (extension === undefined) return undefined;
  return readExtension(extension, (names) => {
    if (names.tag !== TAG.sequence) return undefined;
    const [name, ...more] = listOf(names, { most: MAX_NAMES });
    return name === undefined || more.length > 0 ? undefined : textOf(name);
  });
}

/** An address or a URI, which are printable ASCII, or Fulcio's own name. */
function textOf(name: Der): string | undefined {
  if (name.tag === NAME.address || name.tag === NAME.uri) {
    const text = decode(name.value);
    return text !== undefined && /^[\x21-\x7e]+$/.test(text) ? text : undefined;
  }
  return name.tag === NAME.other ? otherNameOf(name) : undefined;
}

function otherNameOf(name: Der): string | undefined {
  const fields = fieldsOf(name, NAME.other);
  const type = fields.take(TAG.oid);
  const wrapped = fields.take(0xa0);
  fields.done();
  return oidOf(type) === OID.otherName ? utf8Of(readDer(wrapped.value)) : undefined;
}

function issuerOf({ extensions }: Certificate): string | undefined {
  const [first, second] = [extensions.get(OID.issuer1), extensions.get(OID.issuer2)];
  const old = first && decode(first.value);
  const current = second && readExtension(second, utf8Of);
  // What cannot be read is not the same as what is not there.
  if (first !== undefined && second !== undefined) return old === current ? current : undefined;
  return second === undefined ? old : current;
}

function utf8Of({ tag, value }: Der): string | undefined {
  return tag === UTF8_STRING ? decode(value) : undefined;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
