import { AppError } from '../../error/app-error.js';
import { type SignatureScheme, type StrongHash, hashOf, schemeOf } from '../x509/algorithm.js';
import { type Certificate, parseCertificate } from '../x509/certificate.js';
import { MAX_CHAIN } from '../x509/chain.js';
import {
  type Der,
  TAG,
  fieldsOf,
  integerBytesOf,
  integerOf,
  listOf,
  oidOf,
  only,
  readDer,
  writeDer,
} from '../x509/der.js';
import { toDer } from './ber.js';

/** The largest token, in bytes. */
export const MAX_TOKEN_BYTES = 64 * 1024;
const MAX_ATTRIBUTES = 32;

const OID = { signedData: '1.2.840.113549.1.7.2', tstInfo: '1.2.840.113549.1.9.16.1.4' } as const;

/** A token in its parts, with nothing of it believed. RFC 5652 §5, RFC 3161 §2.4.2. */
export interface Token {
  /** DER of the `TSTInfo`. */
  readonly content: Buffer;
  readonly certificates: readonly Certificate[];
  readonly signer: Signer;
}

/** The one signer of a token. */
export interface Signer {
  readonly issuerDer: Buffer;
  readonly serial: Buffer;
  readonly hash: StrongHash;
  readonly scheme: SignatureScheme;
  /** The signed attributes by OID: each occurs once, with one value. */
  readonly attributes: ReadonlyMap<string, Der>;
  /** The attributes as they are signed: a SET OF in DER. RFC 5652 §5.4. */
  readonly signedBytes: Buffer;
  readonly signature: Buffer;
}

/**
 * Reads a `TimeStampToken`. Nothing may follow it, and it has one signer, as RFC 3161 §2.4.2 has it. Throws
 * `TIMESTAMP_MALFORMED` or, for SHA-1 and other weak or unknown algorithms, `TIMESTAMP_WEAK`.
 */
export function readToken(bytes: Uint8Array): Token {
  if (bytes.byteLength > MAX_TOKEN_BYTES) throw malformed('it is too large');
  return reading(() => {
    const outer = fieldsOf(readDer(toDer(bytes)));
    if (oidOf(outer.take(TAG.oid)) !== OID.signedData) throw malformed('it is not signed');
    const signedData = fieldsOf(only(outer.take(0xa0), TAG.sequence));
    outer.done();
    if (integerOf(signedData.take(TAG.integer)) !== 3n) throw malformed('another version');
    signedData.take(TAG.set);
    const content = contentOf(signedData.take(TAG.sequence));
    const certificates = signedData.maybe(0xa0);
    // Revocation lists in a token are not looked at: whoever made the token chose them.
    signedData.maybe(0xa1);
    const signers = listOf(signedData.take(TAG.set), { most: MAX_CHAIN });
    signedData.done();
    const [first, ...more] = signers;
    if (first === undefined || more.length > 0) throw malformed('it has not exactly one signer');
    const list = certificates === undefined ? [] : listOf(certificates, { most: MAX_CHAIN });
    return { content, certificates: list.map(({ whole }) => parseCertificate(whole)), signer: signerOf(first) };
  });
}

/** The token of a `TimeStampResp` that grants one. RFC 3161 §2.4.2. Throws `TIMESTAMP_MALFORMED`. */
export function tokenOfResponse(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > MAX_TOKEN_BYTES) throw malformed('it is too large');
  return reading(() => {
    const response = fieldsOf(readDer(toDer(bytes)));
    const info = fieldsOf(response.take(TAG.sequence));
    const status = integerOf(info.take(TAG.integer));
    // Texts for people, and bits that say why it failed.
    info.maybe(TAG.sequence);
    info.maybe(TAG.bits);
    info.done();
    if (status !== 0n && status !== 1n) throw malformed('the authority granted none');
    const token = response.take(TAG.sequence);
    response.done();
    return token.whole;
  });
}

/** Runs a reader, with its faults as those of a token. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AppError && cause.code.startsWith('TIMESTAMP_')) throw cause;
    throw malformed('it cannot be read', cause);
  }
}

/** `TIMESTAMP_MALFORMED`. */
export function malformed(what: string, cause?: unknown): AppError {
  return new AppError('TIMESTAMP_MALFORMED', `no timestamp: ${what}`, { cause });
}

/** `TIMESTAMP_WEAK`. */
export function weak(what: string): AppError {
  return new AppError('TIMESTAMP_WEAK', `the timestamp is made with a weak or unknown algorithm: ${what}`);
}

function contentOf(element: Der): Buffer {
  const fields = fieldsOf(element);
  if (oidOf(fields.take(TAG.oid)) !== OID.tstInfo) throw malformed('it is of something else');
  const content = only(fields.take(0xa0), TAG.octets).value;
  fields.done();
  return content;
}

function signerOf(element: Der): Signer {
  const fields = fieldsOf(element);
  // Version 3 names the signer by a key identifier, which `notation` does not take either.
  if (integerOf(fields.take(TAG.integer)) !== 1n) throw malformed('another version of its signer');
  const id = fieldsOf(fields.take(TAG.sequence));
  const [issuer, serial] = [id.take(TAG.sequence), id.take(TAG.integer)];
  id.done();
  const hash = hashOf(fields.take(TAG.sequence));
  if (hash === undefined) throw weak('the digest');
  const attributes = fields.maybe(0xa0);
  if (attributes === undefined) throw malformed('it has no signed attributes');
  const scheme = schemeOf(fields.take(TAG.sequence), hash);
  // One hash for both, so that neither of them is the weaker one.
  if (scheme?.hash !== hash) throw weak('the signature');
  const signature = fields.take(TAG.octets).value;
  fields.maybe(0xa1);
  fields.done();
  const list = listOf(attributes, { most: MAX_ATTRIBUTES });
  return {
    ...{ issuerDer: issuer.whole, serial: integerBytesOf(serial), hash, scheme, signature },
    attributes: attributesOf(list),
    signedBytes: setOf(list.map(({ whole }) => whole)),
  };
}

function attributesOf(list: readonly Der[]): ReadonlyMap<string, Der> {
  const all = new Map<string, Der>();
  for (const attribute of list) {
    const fields = fieldsOf(attribute);
    const oid = oidOf(fields.take(TAG.oid));
    const [value, ...more] = listOf(fields.take(TAG.set), { most: MAX_ATTRIBUTES });
    fields.done();
    if (value === undefined || more.length > 0 || all.has(oid)) throw malformed('an attribute has not one value');
    all.set(oid, value);
  }
  return all;
}

/** A SET OF in DER: its elements in order. ITU-T X.690 §11.6. */
function setOf(elements: readonly Buffer[]): Buffer {
  return writeDer(TAG.set, ...[...elements].sort((a, b) => Buffer.compare(a, b)));
}
