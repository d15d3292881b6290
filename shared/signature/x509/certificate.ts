import { type KeyObject, X509Certificate, createHash } from 'node:crypto';
import { createRecent } from '../../artifact/recent.js';
import { AppError, isAppError } from '../../error/app-error.js';
import { type SignatureScheme, schemeOf } from './algorithm.js';
import { type Der, readDer } from './der.js';
import {
  type BasicConstraints,
  type ExtendedKeyUsage,
  type KeyUsages,
  readKnownExtensions,
} from './known-extensions.js';
import type { DistinguishedName } from './name.js';
import { readTbs } from './tbs.js';

/** The largest certificate that is read, in bytes. */
export const MAX_CERTIFICATE_BYTES = 32 * 1024;
/** The most bits of an RSA modulus: a larger one costs more than any signature is worth. */
const MAX_RSA_BITS = 8192;
/** What is kept of certificates that were read: as many, of so many bytes of DER together, and none that is larger. */
const KEPT = { certificates: 256, bytes: 512 * 1024, each: 8 * 1024 } as const;

/** One extension: whether it is critical, and the DER inside of its octet string. */
export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** A certificate, parsed once and not yet believed. It is shared by all who ask for the same bytes: nobody writes to it. RFC 5280. */
export interface Certificate {
  readonly der: Uint8Array;
  /** Hexadecimal SHA-256 of `der`: what a trust store compares. */
  readonly fingerprint: string;
  /** Bytes of the serial number, as they are. */
  readonly serial: Buffer;
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
  /** The public key without its algorithm: what OCSP names an issuer by. RFC 6960 §4.1.1. */
  readonly keyBits: Buffer;
  /** The `AlgorithmIdentifier` of what it is signed with. */
  readonly signatureAlgorithm: Der;
  /** By OID; each occurs once. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: KeyUsages;
  readonly extendedKeyUsage?: ExtendedKeyUsage;
  /** Whether `issuer`'s key signed this certificate. Compares no names. */
  readonly isSignedBy: (issuer: Certificate) => boolean;
}

/**
 * The same intermediate and root are on thousands of images, and a leaf is on many. What is kept says what the bytes say, and
 * nothing of whether anybody believes them; whoever makes us read others only makes us read these again. A certificate that is
 * taken apart needs perhaps forty times its DER at worst, so {@link KEPT} stands for some 20 MiB at most.
 */
const kept = createRecent<Certificate>({
  max: KEPT.certificates,
  maxBytes: KEPT.bytes,
  bytesOf: ({ der }) => der.byteLength,
});

/**
 * Parses one DER certificate. It is read twice, by OpenSSL for its key and by a reader of DER for everything else, and both
 * have to take all of it. Throws `CERTIFICATE_MALFORMED`.
 */
export function parseCertificate(bytes: Uint8Array): Certificate {
  if (bytes.byteLength > MAX_CERTIFICATE_BYTES) throw malformed('it is too large');
  const fingerprint = createHash('sha256').update(bytes).digest('hex');
  const known = kept.get(fingerprint);
  if (known !== undefined && Buffer.compare(known.der, bytes) === 0) return known;
  const certificate = readInside(() => parse(Buffer.from(bytes), fingerprint));
  if (bytes.byteLength <= KEPT.each) kept.set(fingerprint, certificate);
  return certificate;
}

function malformed(what: string, cause?: unknown): AppError {
  return new AppError('CERTIFICATE_MALFORMED', `a certificate cannot be used: ${what}`, { cause });
}

/** Whatever cannot be read makes the certificate malformed. */
function readInside<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (isAppError(cause, 'CERTIFICATE_MALFORMED')) throw cause;
    throw malformed(isAppError(cause, 'DER_MALFORMED') ? cause.message : 'it cannot be read', cause);
  }
}

function parse(der: Buffer, fingerprint: string): Certificate {
  // A PEM text, or anything that is followed by something else, is not what was signed.
  const parts = readTbs(readDer(der));
  const native = new X509Certificate(der);
  if (!native.raw.equals(der)) throw malformed('it is not in its one encoding');
  const { publicKey } = native;
  if ((publicKey.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_RSA_BITS) throw malformed('its key is too large');
  // A signature that holds once holds always. Only the keys that somebody else keeps are remembered.
  const signers = new WeakSet<KeyObject>();
  return Object.freeze({
    ...{ der, fingerprint, publicKey },
    ...parts,
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    ...readKnownExtensions(parts.extensions),
    isSignedBy: (issuer: Certificate) => {
      if (signers.has(issuer.publicKey)) return true;
      const holds = native.verify(issuer.publicKey);
      if (holds) signers.add(issuer.publicKey);
      return holds;
    },
  });
}

/** What it is signed with; undefined where that is weak or not known. Throws `CERTIFICATE_MALFORMED`. */
export function schemeOfCertificate({ signatureAlgorithm }: Certificate): SignatureScheme | undefined {
  return readInside(() => schemeOf(signatureAlgorithm));
}

/** Reads the DER of an extension, which has to be used up. Throws `CERTIFICATE_MALFORMED`, also for what `read` throws. */
export function readExtension<T>({ value }: Extension, read: (element: Der) => T): T {
  return readInside(() => read(readDer(value)));
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
