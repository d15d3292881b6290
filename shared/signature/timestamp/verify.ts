import { createHash } from 'node:crypto';
import { AppError, isAppError } from '../../error/app-error.js';
import { hashOf, isSignatureOf } from '../x509/algorithm.js';
import { type Certificate, isSameName, isValidAt } from '../x509/certificate.js';
import { MAX_CHAIN, checkTimestampingChain, everyValidAt, isIssuedBy } from '../x509/chain.js';
import { type Der, TAG, fieldsOf, listOf, oidOf, only } from '../x509/der.js';
import { timeOf } from '../x509/time.js';
import { type Signer, type Token, readToken, reading, weak } from './token.js';
import { readTstInfo } from './tst-info.js';

/** What a timestamp is held against. */
export interface TimestampContext {
  /** The very bytes that are to have existed then: Notation stamps the bytes of a signature. */
  readonly message: Uint8Array;
  /** The roots of authorities that are believed, self-signed; compared byte for byte. */
  readonly roots: readonly Certificate[];
}

/** A time that an authority vouches for. */
export interface Timestamp {
  readonly at: Date;
  /** `at` less and plus its accuracy: the message existed at `to` at the latest. */
  readonly from: Date;
  readonly to: Date;
  /** Of the authority, from its leaf to one of the roots: whether one of them was revoked is for the caller to find out. */
  readonly chain: readonly Certificate[];
}

/** OIDs of signed attributes. RFC 5652 §11, RFC 5035 §3. */
const OID = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
} as const;

/**
 * Verifies a `TimeStampToken` of RFC 3161, as updated by RFC 5816, over `message`. No clock is asked: certificates have to be
 * valid at the time that the token states.
 *
 * Throws `TIMESTAMP_MALFORMED`, `TIMESTAMP_WEAK` (SHA-1 and the like), `TIMESTAMP_OTHER_MESSAGE` (it stamps something else),
 * `TIMESTAMP_SIGNATURE` (nobody, or somebody else, signed it), `TIMESTAMP_UNTRUSTED` (by an authority under none of the
 * roots), `TIMESTAMP_CERTIFICATE` (with a certificate that may not be used so, or not at that time).
 *
 * Unlike `notation` 1.3: a token with two signers is refused, and so is one that names its signer by the attribute of RFC 2634
 * alone, which is made of SHA-1; RSASSA-PSS is known.
 */
export function verifyTimestamp(bytes: Uint8Array, { message, roots }: TimestampContext): Timestamp {
  const token = readToken(bytes);
  const info = reading(() => readTstInfo(token.content));
  const certificate = reading(() => signingCertificate(token));
  reading(() => checkSignature(token, certificate));
  const imprint = createHash(info.imprint.hash).update(message).digest();
  if (!imprint.equals(info.imprint.digest)) {
    throw new AppError('TIMESTAMP_OTHER_MESSAGE', 'the timestamp is of something else');
  }
  const sources = { others: token.certificates, roots };
  const chain = reading(() => findChain(certificate, { ...sources, at: info.at }) ?? findChain(certificate, sources));
  if (chain === undefined) {
    throw new AppError('TIMESTAMP_UNTRUSTED', 'the timestamp is of no authority that is trusted');
  }
  try {
    checkTimestampingChain(chain);
  } catch (cause) {
    throw certificateFault(isAppError(cause) ? cause.message : 'they cannot be read', cause);
  }
  if (!everyValidAt(chain, info.at)) throw certificateFault('one of them was not valid at that time');
  const signingTime = token.signer.attributes.get(OID.signingTime);
  if (
    signingTime !== undefined &&
    !everyValidAt(
      chain,
      reading(() => timeOf(signingTime)),
    )
  ) {
    throw certificateFault('one of them was not valid when it says it was made');
  }
  return { at: info.at, from: info.from, to: info.to, chain };
}

const certificateFault = (what: string, cause?: unknown) =>
  new AppError('TIMESTAMP_CERTIFICATE', `the certificates of the timestamp: ${what}`, { cause });
const wrong = (what: string) =>
  new AppError('TIMESTAMP_SIGNATURE', `the timestamp is not signed as it should be: ${what}`);

function attribute({ attributes }: Signer, oid: string): Der {
  const value = attributes.get(oid);
  if (value === undefined) throw wrong('an attribute is missing');
  return value;
}

/**
 * The certificate that the token's signed attribute names: RFC 5035 §4. It is the first one; which others may be in the chain
 * is not taken from the attribute, for the chain has to satisfy our own rules.
 */
function signingCertificate({ certificates, signer }: Token): Certificate {
  const fields = fieldsOf(attribute(signer, OID.signingCertificateV2));
  const [first] = listOf(fields.take(TAG.sequence), { most: MAX_CHAIN });
  fields.maybe(TAG.sequence);
  fields.done();
  if (first === undefined) throw wrong('it names no certificate');
  const id = fieldsOf(first);
  const algorithm = id.maybe(TAG.sequence);
  const hash = algorithm === undefined ? 'sha256' : hashOf(algorithm);
  if (hash === undefined) throw weak('the name of its certificate');
  const digest = id.take(TAG.octets).value;
  const issuerSerial = id.maybe(TAG.sequence);
  id.done();
  const named = certificates.find((each) => createHash(hash).update(each.der).digest().equals(digest));
  if (named === undefined) throw wrong('its certificate is not there');
  const { serial } = named;
  if (issuerSerial !== undefined) {
    const issuer = fieldsOf(issuerSerial);
    const names = issuer.take(TAG.sequence);
    // GeneralNames of one directoryName, which is tagged explicitly for being a CHOICE.
    const name = only(only(names, 0xa4), TAG.sequence).whole;
    const same = issuer.take(TAG.integer).value.equals(serial) && isSameName(name, named.issuerDer);
    issuer.done();
    if (!same) throw wrong('it names two certificates');
  }
  if (!signer.serial.equals(serial) || !isSameName(signer.issuerDer, named.issuerDer)) {
    throw wrong('it names two certificates');
  }
  return named;
}

function checkSignature({ content, signer }: Token, certificate: Certificate): void {
  if (oidOf(attribute(signer, OID.contentType)) !== OID.tstInfo) throw wrong('it is of another type');
  const digest = attribute(signer, OID.messageDigest);
  const same = digest.tag === TAG.octets && createHash(signer.hash).update(content).digest().equals(digest.value);
  if (!same) throw wrong('its statement was changed');
  const { signedBytes, signature, scheme } = signer;
  if (!isSignatureOf({ bytes: signedBytes, signature }, scheme, certificate.publicKey)) throw wrong('the signature');
}

interface Sources {
  readonly others: readonly Certificate[];
  readonly roots: readonly Certificate[];
  /** Only over certificates that were valid then. */
  readonly at?: Date;
}

/**
 * The shortest way from a certificate to a root. Each one is looked at once, so that a token full of authorities that issue one
 * another costs no more than another.
 */
function findChain(leaf: Certificate, { others, roots, at }: Sources): readonly Certificate[] | undefined {
  const rootPrints = new Set(roots.map(({ fingerprint }) => fingerprint));
  const seen = new Set([leaf.fingerprint]);
  // It grows while it is gone through.
  const paths: (readonly [Certificate, ...Certificate[]])[] = [[leaf]];
  for (const path of paths) {
    const [last] = path;
    if (rootPrints.has(last.fingerprint)) return [...path].reverse();
    for (const issuer of [...roots, ...others]) {
      if (seen.has(issuer.fingerprint) || !isSameName(last.issuerDer, issuer.subjectDer)) continue;
      if ((at !== undefined && !isValidAt(issuer, at)) || !isIssuedBy(last, issuer)) continue;
      seen.add(issuer.fingerprint);
      paths.push([issuer, ...path]);
    }
  }
  return undefined;
}
