import { type KeyObject, X509Certificate, createHash } from 'node:crypto';
import { type AsnType, BitString, Sequence, fromBER } from 'asn1js';
import { BasicConstraints, Certificate as PkiCertificate, ExtKeyUsage } from 'pkijs';
import { AppError } from '../../error/app-error.js';
import { type DistinguishedName, toName } from './name.js';

/** The largest certificate that is read, in bytes. */
export const MAX_CERTIFICATE_BYTES = 32 * 1024;
/** The most bits of an RSA modulus: a larger one costs more than any signature is worth. */
const MAX_RSA_BITS = 8192;
const MAX_EXTENSIONS = 64;

/** The bits of the extension *key usage*, in their order. RFC 5280 §4.2.1.3. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** One extension: whether it is critical, and the DER inside of its octet string. */
export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** A certificate, parsed once and not yet believed. RFC 5280. */
export interface Certificate {
  readonly der: Uint8Array;
  /** Hexadecimal SHA-256 of `der`: what a trust store compares. */
  readonly fingerprint: string;
  /** Hexadecimal, lower case, as `der` has it. */
  readonly serialNumber: string;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** DER of the names, which is what is compared. */
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  /** DER of the `SubjectPublicKeyInfo`. */
  readonly spki: Uint8Array;
  /** OID of the algorithm that it is signed with. */
  readonly signatureAlgorithm: string;
  /** By OID; each occurs once. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly basicConstraints?: {
    readonly critical: boolean;
    readonly ca: boolean;
    readonly pathLength: number | undefined;
  };
  readonly keyUsage?: { readonly critical: boolean; readonly usages: ReadonlySet<KeyUsage> };
  /** OIDs of the purposes. */
  readonly extendedKeyUsage?: { readonly critical: boolean; readonly purposes: readonly string[] };
  /** Whether `issuer`'s key signed this certificate. Compares no names. */
  readonly isSignedBy: (issuer: Certificate) => boolean;
}

/** OIDs of the extensions that are read here. */
const OID = { keyUsage: '2.5.29.15', basicConstraints: '2.5.29.19', extendedKeyUsage: '2.5.29.37' } as const;

/**
 * Parses one DER certificate. It is read twice, by OpenSSL for its key and by an ASN.1 reader for its extensions, and both
 * have to take all of it. Throws `CERTIFICATE_MALFORMED`.
 */
export function parseCertificate(bytes: Uint8Array): Certificate {
  try {
    return parse(Buffer.from(bytes));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw malformed('it cannot be read', cause);
  }
}

function malformed(what: string, cause?: unknown): AppError {
  return new AppError('CERTIFICATE_MALFORMED', `a certificate cannot be used: ${what}`, { cause });
}

function parse(der: Buffer): Certificate {
  if (der.byteLength > MAX_CERTIFICATE_BYTES) throw malformed('it is too large');
  // A PEM text, or anything that is followed by something else, is not what was signed.
  if (der[0] !== 0x30) throw malformed('it is no DER');
  const { offset, result } = fromBER(Uint8Array.from(der).buffer);
  if (offset !== der.byteLength) throw malformed('something follows it, or it is cut');
  const native = new X509Certificate(der);
  if (!native.raw.equals(der)) throw malformed('it is not in its one encoding');
  const pki = new PkiCertificate({ schema: result });
  if (pki.version !== 2) throw malformed('it is not of version 3');
  if (pki.signature.algorithmId !== pki.signatureAlgorithm.algorithmId) {
    throw malformed('it names two algorithms');
  }
  const { subjectNode, issuerNode } = nameNodes(result);
  const [subject, issuer] = [toName(subjectNode), toName(issuerNode)];
  if (subject === undefined || issuer === undefined) throw malformed('its names cannot be read');
  const publicKey = native.publicKey;
  if ((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_RSA_BITS) throw malformed('its key is too large');
  const extensions = new Map<string, Extension>();
  for (const { extnID, critical, extnValue } of pki.extensions ?? []) {
    if (extensions.has(extnID)) throw malformed(`the extension ${extnID} occurs twice`);
    extensions.set(extnID, { critical, value: Uint8Array.from(extnValue.valueBlock.valueHexView) });
    if (extensions.size > MAX_EXTENSIONS) throw malformed('it has too many extensions');
  }
  return {
    der,
    fingerprint: createHash('sha256').update(der).digest('hex'),
    serialNumber: Buffer.from(pki.serialNumber.valueBlock.valueHexView).toString('hex'),
    ...{ subject, issuer, publicKey, extensions },
    subjectDer: subjectNode.valueBeforeDecodeView.slice(),
    issuerDer: issuerNode.valueBeforeDecodeView.slice(),
    notBefore: pki.notBefore.value,
    notAfter: pki.notAfter.value,
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    signatureAlgorithm: pki.signatureAlgorithm.algorithmId,
    ...readExtensions(extensions),
    isSignedBy: (other) => native.verify(other.publicKey),
  };
}

/** The names with their bytes. The ASN.1 is that of a certificate: pkijs has read it just before. */
function nameNodes(certificate: AsnType): { readonly subjectNode: Sequence; readonly issuerNode: Sequence } {
  const tbs = certificate instanceof Sequence ? certificate.valueBlock.value[0] : undefined;
  const parts = tbs instanceof Sequence ? tbs.valueBlock.value : [];
  // Version, serial number, algorithm, issuer, validity, subject; only the version is tagged before them.
  const [, , , issuerNode, , subjectNode] = parts;
  if (!(issuerNode instanceof Sequence) || !(subjectNode instanceof Sequence)) throw malformed('it has no names');
  return { subjectNode, issuerNode };
}

type ReadExtensions = Pick<Certificate, 'basicConstraints' | 'keyUsage' | 'extendedKeyUsage'>;

function readExtensions(extensions: ReadonlyMap<string, Extension>): ReadExtensions {
  const [basic, usage, extended] = [OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage].map((oid) => {
    const extension = extensions.get(oid);
    return extension && { critical: extension.critical, node: parseDer(extension.value) };
  });
  const constraints = basic && new BasicConstraints({ schema: basic.node });
  const length = constraints?.pathLenConstraint;
  return {
    ...(basic &&
      constraints && {
        basicConstraints: {
          critical: basic.critical,
          ca: constraints.cA,
          pathLength: typeof length === 'number' || length === undefined ? length : length.valueBlock.valueDec,
        },
      }),
    ...(usage && { keyUsage: { critical: usage.critical, usages: usagesOf(usage.node) } }),
    ...(extended && {
      extendedKeyUsage: {
        critical: extended.critical,
        purposes: new ExtKeyUsage({ schema: extended.node }).keyPurposes,
      },
    }),
  };
}

function usagesOf(node: AsnType): ReadonlySet<KeyUsage> {
  if (!(node instanceof BitString)) throw malformed('its key usage cannot be read');
  const bytes = node.valueBlock.valueHexView;
  return new Set(KEY_USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

/** Parses DER that has to be used up. Throws `CERTIFICATE_MALFORMED`. */
export function parseDer(bytes: Uint8Array): AsnType {
  const { offset, result } = fromBER(Uint8Array.from(bytes).buffer);
  if (offset !== bytes.byteLength) throw malformed('an extension is followed by something, or cut');
  return result;
}

/** Whether two names are the same, byte for byte. */
export function isSameName(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Whether it is signed by its own key, and says so. */
export function isSelfSigned(certificate: Certificate): boolean {
  return isSameName(certificate.subjectDer, certificate.issuerDer) && certificate.isSignedBy(certificate);
}

/** Whether `at` lies within its validity, both ends included. RFC 5280 §4.1.2.5. */
export function isValidAt({ notBefore, notAfter }: Certificate, at: Date): boolean {
  return notBefore <= at && at <= notAfter;
}
