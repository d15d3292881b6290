import { createHash } from 'node:crypto';
import { algorithmOf, isSignatureOf } from './algorithm.js';
import { type Certificate, type Extension, isSameName, isValidAt, parseCertificate } from './certificate.js';
import { PURPOSE } from './known-extensions.js';
import { MAX_CHAIN, isIssuedBy, strangeExtensionOf, weaknessOf } from './chain.js';
import {
  type Der,
  TAG,
  fieldsOf,
  integerBytesOf,
  integerOf,
  listOf,
  malformedDer,
  oidOf,
  only,
  readDer,
  writeDer,
} from './der.js';
import { extensionsOf } from './extensions.js';
import { type SignedDer, readSigned } from './signed.js';
import { timeOf } from './time.js';

/** The largest answer of a responder, in bytes. */
export const MAX_OCSP_BYTES = 64 * 1024;
/** How far the clock of an authority may be ahead of ours, in milliseconds. */
export const CLOCK_SKEW = 5 * 60_000;
const MAX_ANSWERS = 100;

const OID = {
  basic: '1.3.6.1.5.5.7.48.1.1',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  invalidityDate: '2.5.29.24',
} as const;

/** A certificate with the one that issued it. */
export interface Issued {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/** What a responder says of one certificate. */
export type OcspStatus =
  | { readonly status: 'good' }
  | { readonly status: 'unknown' }
  | { readonly status: 'revoked'; readonly invalidFrom: Date | undefined }
  /** It says nothing that could be believed. */
  | { readonly status: 'unusable'; readonly reason: string };

const digest = (hash: string, bytes: Uint8Array) => createHash(hash).update(bytes).digest();

/**
 * The question after one certificate, in DER. RFC 6960 §4.1. Names are hashed with SHA-1, as `notation` does, since large
 * authorities answer to nothing else; it is an identifier here and proves nothing. No nonce: the answer is kept and judged again.
 */
export function ocspRequest({ certificate, issuer }: Issued): Uint8Array {
  const id = writeDer(
    TAG.sequence,
    // SHA-1, without parameters that matter.
    writeDer(TAG.sequence, writeDer(TAG.oid, Buffer.from('2b0e03021a', 'hex')), writeDer(TAG.nothing)),
    writeDer(TAG.octets, digest('sha1', certificate.issuerDer)),
    writeDer(TAG.octets, digest('sha1', issuer.keyBits)),
    writeDer(TAG.integer, certificate.serial),
  );
  const list = writeDer(TAG.sequence, writeDer(TAG.sequence, id));
  return writeDer(TAG.sequence, writeDer(TAG.sequence, list));
}

/**
 * Judges an answer that came at `at`. RFC 6960 §4.2.
 *
 * It is signed by the issuer itself, or by a certificate in the answer that the issuer signed for this purpose and that was
 * valid at `at`. Whether that one was revoked in turn is not asked, as `notation` does not: authorities give responders short
 * lives and `id-pkix-ocsp-nocheck`. The purpose is checked, which Go's reader leaves out. The answer has to be of its time:
 * begun by `at`, five minutes of skew allowed, and not over; one without an end is not used.
 */
export function readOcsp(bytes: Uint8Array, issued: Issued, at: Date): OcspStatus {
  try {
    return bytes.byteLength > MAX_OCSP_BYTES ? unusable('it is too large') : read(bytes, issued, at);
  } catch {
    return unusable('it cannot be read');
  }
}

const unusable = (reason: string): OcspStatus => ({ status: 'unusable', reason });

/** Until when an answer holds, of which nothing is believed: for a cache. undefined where it tells no end, or nothing. */
export function ocspEnd(bytes: Uint8Array): Date | undefined {
  try {
    const basic = bytes.byteLength > MAX_OCSP_BYTES ? undefined : basicOf(bytes);
    const answers = basic === undefined ? [] : readResponseData(basic.signed).answers;
    const ends = answers.map(({ nextUpdate }) => nextUpdate?.getTime() ?? 0);
    return ends.length === 0 ? undefined : new Date(Math.min(...ends));
  } catch {
    return undefined;
  }
}

/** undefined: the responder refused, or the answer is of another type. */
function basicOf(bytes: Uint8Array): SignedDer | undefined {
  const outer = fieldsOf(readDer(bytes));
  const status = outer.take(TAG.enumerated).value;
  if (status.byteLength !== 1 || status[0] !== 0) return undefined;
  const response = fieldsOf(only(outer.take(0xa0), TAG.sequence));
  outer.done();
  if (oidOf(response.take(TAG.oid)) !== OID.basic) return undefined;
  const basic = readSigned(readDer(response.take(TAG.octets).value), 0xa0);
  response.done();
  return basic;
}

function read(bytes: Uint8Array, issued: Issued, at: Date): OcspStatus {
  const basic = basicOf(bytes);
  if (basic === undefined) return unusable('the responder refused, or answers in another way');
  const { responder, producedAt, answers } = readResponseData(basic.signed);
  if (!isSignedBy(basic, { responder, issuer: issued.issuer, at })) return unusable('it is not signed by the issuer');
  const [answer, ...more] = answers.filter((each) => isAbout(each, issued));
  if (answer === undefined || more.length > 0) return unusable('it is not about this certificate');
  const latest = at.getTime() + CLOCK_SKEW;
  const { thisUpdate, nextUpdate } = answer;
  // Negated, for no comparison holds of a time that is none.
  if (!(thisUpdate.getTime() <= latest && producedAt.getTime() <= latest)) return unusable('it is of the future');
  if (nextUpdate === undefined || !(nextUpdate > at)) return unusable('it is too old');
  if (answer.status !== 'revoked') return { status: answer.status };
  const invalidity = answer.extensions.get(OID.invalidityDate);
  return { status: 'revoked', invalidFrom: invalidity && timeOf(readDer(invalidity.value, TAG.generalizedTime)) };
}

interface Responder {
  readonly name: Der | undefined;
  readonly keyHash: Buffer | undefined;
}

function readResponseData(element: Der) {
  const fields = fieldsOf(element);
  const version = fields.maybe(0xa0);
  if (version !== undefined && integerOf(only(version, TAG.integer)) !== 0n) throw malformedDer('another version');
  const [byName, byKey] = [fields.maybe(0xa1), fields.maybe(0xa2)];
  if ((byName === undefined) === (byKey === undefined)) throw malformedDer('no responder');
  const producedAt = timeOf(fields.take(TAG.generalizedTime));
  const list = listOf(fields.take(TAG.sequence), { most: MAX_ANSWERS });
  noneCritical(fields.maybe(0xa1));
  fields.done();
  const responder: Responder = {
    name: byName && only(byName, TAG.sequence),
    keyHash: byKey && only(byKey, TAG.octets).value,
  };
  return { responder, producedAt, answers: list.map(readAnswer) };
}

/** Extensions, none of which may be critical: none has to be known to understand an answer. */
function noneCritical(element: Der | undefined): ReadonlyMap<string, Extension> {
  const extensions = element === undefined ? new Map<string, Extension>() : extensionsOf(only(element, TAG.sequence));
  for (const { critical } of extensions.values()) if (critical) throw malformedDer('a critical extension');
  return extensions;
}

interface Answer {
  readonly hash: string;
  readonly names: readonly [name: Buffer, key: Buffer];
  readonly serial: Buffer;
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
}

function readAnswer(element: Der): Answer {
  const fields = fieldsOf(element);
  const id = fieldsOf(fields.take(TAG.sequence));
  const hash = algorithmOf(id.take(TAG.sequence)).oid;
  const names = [id.take(TAG.octets).value, id.take(TAG.octets).value] as const;
  const serial = integerBytesOf(id.take(TAG.integer));
  id.done();
  const [good, revoked, unknown] = [fields.maybe(0x80), fields.maybe(0xa1), fields.maybe(0x82)];
  const states = [good && 'good', revoked && 'revoked', unknown && 'unknown'].filter((each) => each !== undefined);
  const [status, ...more] = states;
  if (status === undefined || more.length > 0) throw malformedDer('no status');
  const thisUpdate = timeOf(fields.take(TAG.generalizedTime));
  const next = fields.maybe(0xa0);
  const nextUpdate = next && timeOf(only(next, TAG.generalizedTime));
  const extensions = noneCritical(fields.maybe(0xa1));
  fields.done();
  return { hash, names, serial, status: status as Answer['status'], thisUpdate, nextUpdate, extensions };
}

function isAbout({ hash, names, serial }: Answer, { certificate, issuer }: Issued): boolean {
  const algorithm = hash === OID.sha1 ? 'sha1' : hash === OID.sha256 ? 'sha256' : undefined;
  if (algorithm === undefined || !serial.equals(certificate.serial)) return false;
  const [name, key] = names;
  return digest(algorithm, certificate.issuerDer).equals(name) && digest(algorithm, issuer.keyBits).equals(key);
}

function isSignedBy(
  { signed, scheme, signature, rest }: SignedDer,
  { responder, issuer, at }: { readonly responder: Responder; readonly issuer: Certificate; readonly at: Date },
): boolean {
  if (scheme === undefined) return false;
  const list = rest === undefined ? [] : listOf(only(rest, TAG.sequence), { most: MAX_CHAIN });
  const delegates = list.map(({ whole }) => parseCertificate(whole)).filter((each) => isDelegate(each, issuer, at));
  return [issuer, ...delegates].some(
    (signer) =>
      isNamed(signer, responder) && isSignatureOf({ bytes: signed.whole, signature }, scheme, signer.publicKey),
  );
}

function isNamed(signer: Certificate, { name, keyHash }: Responder): boolean {
  if (name !== undefined) return isSameName(name.whole, signer.subjectDer);
  // RFC 6960 §4.2.1: always SHA-1.
  return keyHash?.equals(digest('sha1', signer.keyBits)) === true;
}

/** RFC 6960 §4.2.2.2: issued by the very authority, directly, to sign its answers. */
function isDelegate(certificate: Certificate, issuer: Certificate, at: Date): boolean {
  const { extendedKeyUsage, keyUsage } = certificate;
  return (
    extendedKeyUsage?.purposes.includes(PURPOSE.ocspSigning) === true &&
    keyUsage?.usages.has('digitalSignature') !== false &&
    isValidAt(certificate, at) &&
    weaknessOf(certificate) === undefined &&
    strangeExtensionOf(certificate) === undefined &&
    isIssuedBy(certificate, issuer)
  );
}
