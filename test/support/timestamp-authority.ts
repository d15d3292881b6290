import { createHash } from 'node:crypto';
import { type Hash, type Made, NOW, type SignOptions, hashAlgorithm, signDer } from './certificates.js';
import * as der from './der.js';

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** What a token states, and what is wrong with it. */
export interface TokenOptions extends SignOptions {
  readonly message: Uint8Array;
  /** From the leaf on; `certificates` of them are in the token, all by default. */
  readonly tsa: readonly [Made, ...Made[]];
  readonly certificates?: readonly Uint8Array[];
  readonly at?: Date;
  /** DER of the time, in place of `at`. */
  readonly genTime?: Uint8Array;
  readonly version?: number;
  readonly policy?: string;
  readonly imprintHash?: Hash;
  /** Content octets of the `Accuracy`. */
  readonly accuracy?: readonly Uint8Array[];
  /** Fields behind the accuracy. */
  readonly more?: readonly Uint8Array[];
  readonly contentType?: string;
  readonly eContentType?: string;
  readonly attributeHash?: Hash;
  /** `wrong`: of another certificate. `v1`: by SHA-1. `serial`: with the issuer and serial number besides. */
  readonly signingCertificate?: 'v2' | 'missing' | 'wrong' | 'v1' | 'sha1' | 'serial' | 'wrong serial';
  readonly certificateHash?: Hash;
  readonly signingTime?: Date;
  /** Attributes as they are written, from as they should be. They are signed as they should be. */
  readonly reorder?: (attributes: readonly Buffer[]) => readonly Buffer[];
  readonly extraAttributes?: readonly Buffer[];
  readonly withoutAttributes?: boolean;
  readonly bareRsa?: boolean;
  readonly digest?: Hash;
  readonly signers?: number;
  readonly signerVersion?: number;
  /** Changes the statement after it is signed. */
  readonly tamper?: (info: Buffer) => Buffer;
}

const attribute = (id: string, ...values: readonly Uint8Array[]) => der.seq(der.oid(id), der.setOf(...values));
const digestOf = (hash: Hash, bytes: Uint8Array) => createHash(hash).update(bytes).digest();

function tstInfo(options: TokenOptions): Buffer {
  const { imprintHash = 'sha256', accuracy, more = [] } = options;
  return der.seq(
    der.int(options.version ?? 1),
    der.oid(options.policy ?? '1.2.3.4.1'),
    der.seq(hashAlgorithm(imprintHash), der.octets(digestOf(imprintHash, options.message))),
    der.int(42),
    options.genTime ?? der.generalized(options.at ?? NOW),
    ...(accuracy === undefined ? [] : [der.seq(...accuracy)]),
    ...more,
  );
}

const issuerAndSerial = (certificate: Uint8Array) => {
  // Version, serial number, algorithm, issuer: read by hand, as the rest is written.
  const parts: Buffer[] = [];
  const signed = inner(inner(Buffer.from(certificate)));
  for (let at = 0; parts.length < 4; at += parts.at(-1)?.byteLength ?? 0) parts.push(element(signed.subarray(at)));
  return { serial: parts[1] ?? Buffer.alloc(0), issuer: parts[3] ?? Buffer.alloc(0) };
};
function sizeOf(bytes: Buffer) {
  const first = bytes[1] ?? 0;
  if (first < 0x80) return { head: 2, length: first };
  return { head: 2 + (first & 0x7f), length: bytes.readUIntBE(2, first & 0x7f) };
}
function element(bytes: Buffer): Buffer {
  const { head, length } = sizeOf(bytes);
  return bytes.subarray(0, head + length);
}
function inner(bytes: Buffer): Buffer {
  return element(bytes).subarray(sizeOf(bytes).head);
}

function certificateAttribute(options: TokenOptions): readonly Buffer[] {
  const [leaf, ...others] = options.tsa;
  const kind = options.signingCertificate ?? 'v2';
  if (kind === 'missing') return [];
  const subject = kind === 'wrong' ? (others[0] ?? leaf).der : leaf.der;
  if (kind === 'v1') {
    return [attribute(OID.signingCertificate, der.seq(der.seq(der.seq(der.octets(digestOf('sha1', subject))))))];
  }
  const hash = kind === 'sha1' ? 'sha1' : (options.certificateHash ?? 'sha256');
  const { serial, issuer } = issuerAndSerial(subject);
  const named = kind === 'wrong serial' ? der.int(7) : serial;
  const id = der.seq(
    ...(hash === 'sha256' ? [] : [hashAlgorithm(hash)]),
    der.octets(digestOf(hash, subject)),
    ...(kind.endsWith('serial') ? [der.seq(der.seq(der.context(4, issuer)), named)] : []),
  );
  return [attribute(OID.signingCertificateV2, der.seq(der.seq(id)))];
}

/** Makes a timestamp token. RFC 3161 §2.4.2. */
export function makeToken(options: TokenOptions): Buffer {
  const [leaf] = options.tsa;
  const hash = options.hash ?? 'sha256';
  const info = tstInfo(options);
  const attributes = [
    attribute(OID.contentType, der.oid(options.contentType ?? OID.tstInfo)),
    attribute(OID.messageDigest, der.octets(digestOf(options.attributeHash ?? hash, info))),
    ...(options.signingTime === undefined ? [] : [attribute(OID.signingTime, der.time(options.signingTime))]),
    ...certificateAttribute(options),
    ...(options.extraAttributes ?? []),
  ].sort((a, b) => Buffer.compare(a, b));
  const signed = options.withoutAttributes === true ? info : der.setOf(...attributes);
  const { algorithm, signature } = signDer(signed, leaf.keys, options);
  const { serial, issuer } = issuerAndSerial(leaf.der);
  const signer = der.seq(
    der.int(options.signerVersion ?? 1),
    der.seq(issuer, serial),
    hashAlgorithm(options.digest ?? hash),
    ...(options.withoutAttributes === true ? [] : [der.context(0, ...(options.reorder?.(attributes) ?? attributes))]),
    options.bareRsa === true ? der.seq(der.oid('1.2.840.113549.1.1.1'), der.nothing()) : algorithm,
    der.octets(signature),
  );
  const certificates = options.certificates ?? options.tsa.map((made) => made.der);
  return der.seq(
    der.oid(OID.signedData),
    der.context(
      0,
      der.seq(
        der.int(3),
        der.setOf(hashAlgorithm(hash)),
        der.seq(
          der.oid(options.eContentType ?? OID.tstInfo),
          der.context(0, der.octets(options.tamper?.(info) ?? info)),
        ),
        der.context(0, ...certificates),
        der.setOf(...Array.from({ length: options.signers ?? 1 }, () => signer)),
      ),
    ),
  );
}
