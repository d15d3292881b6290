import { AppError } from '../../error/app-error.js';
import { type Certificate, isSameName, isSelfSigned, isValidAt, schemeOfCertificate } from './certificate.js';
import { type KeyUsage, PURPOSE } from './known-extensions.js';

/** The most certificates of one chain. */
export const MAX_CHAIN = 10;

/** What a key for signing code may not be for besides. */
const FORBIDDEN_PURPOSES: ReadonlySet<string> = new Set([
  PURPOSE.any,
  PURPOSE.serverAuth,
  PURPOSE.clientAuth,
  PURPOSE.emailProtection,
  PURPOSE.timeStamping,
  PURPOSE.ocspSigning,
]);

const FORBIDDEN_USAGES: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];
const CURVES: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Critical extensions that are understood: key usage, alternative names (nothing hangs on them), constraints, purposes. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37']);

/**
 * Checks the chain of a code signing certificate, from the leaf to its self-signed root, by the "Certificate Requirements"
 * of Notation's signature specification; a single self-signed certificate is taken for a leaf. No time is checked here.
 *
 * Stricter than `notation` 1.3 in four ways: basic constraints of an authority have to be critical and `anyExtendedKeyUsage`
 * is refused, as the specification has it; keys and hashes are checked of all certificates; and a critical extension that is
 * not understood is refused, as RFC 5280 §4.2 has it, where the specification ignores it.
 *
 * Throws `CHAIN_INVALID` (these do not make a chain), `CERTIFICATE_FORBIDDEN` (one may not be used so), `CERTIFICATE_WEAK`
 * (a key or a hash). The message names the certificate by its place, the leaf being 1.
 */
export function checkSigningChain(chain: readonly Certificate[]): void {
  checkChain(chain, (leaf) => {
    const purpose = leaf.extendedKeyUsage?.purposes.find((each) => FORBIDDEN_PURPOSES.has(each));
    if (purpose !== undefined) throw forbidden(0, `it is for something else than signing code (purpose ${purpose})`);
  });
  const lax = chain.findIndex(({ keyUsage }) => keyUsage?.critical !== true);
  if (lax !== -1) throw forbidden(lax, 'its key usage is not critical');
}

/**
 * The same for the chain of a timestamping authority: its leaf is for timestamps alone and says so critically (RFC 3161
 * §2.3), and an authority that is limited to purposes is limited to none without this one. Key usage need not be critical, as
 * in `notation`: RFC 5280 §4.2.1.3 only recommends it, and it is obeyed either way.
 */
export function checkTimestampingChain(chain: readonly Certificate[]): void {
  checkChain(chain, ({ extendedKeyUsage }) => {
    const only = extendedKeyUsage?.purposes.length === 1 && extendedKeyUsage.purposes[0] === PURPOSE.timeStamping;
    if (!only) throw forbidden(0, 'it is not for timestamps, and for nothing else');
    if (!extendedKeyUsage.critical) throw forbidden(0, 'its purpose is not critical');
  });
  const limited = chain.findIndex(
    ({ extendedKeyUsage }) =>
      extendedKeyUsage?.purposes.every((each) => each !== PURPOSE.timeStamping && each !== PURPOSE.any) === true,
  );
  if (limited !== -1) throw forbidden(limited, 'it may not issue certificates for timestamps');
}

/** Whether all of them were valid from `from` to `to`, ends included. */
export function everyValidAt(chain: readonly Certificate[], from: Date, to: Date = from): boolean {
  return chain.length > 0 && chain.every((each) => isValidAt(each, from) && isValidAt(each, to));
}

function checkChain(chain: readonly Certificate[], checkPurpose: (leaf: Certificate) => void): void {
  const leaf = chain[0];
  if (leaf === undefined) throw invalid('there is no certificate');
  if (chain.length > MAX_CHAIN) throw invalid(`there are more than ${MAX_CHAIN} certificates`);
  chain.forEach(checkStrength);
  chain.forEach(checkExtensions);
  chain.forEach((each, index) => {
    const issuer = chain[index + 1];
    if (issuer === undefined) {
      if (!isSelfSigned(each)) throw invalid(`${placeOf(index)} is the last one and not self-signed`);
      return;
    }
    if (isSelfSigned(each)) throw invalid(`${placeOf(index)} is self-signed, and others follow it`);
    if (!isIssuedBy(each, issuer)) throw invalid(`${placeOf(index)} is not issued by the next one`);
  });
  checkLeaf(leaf);
  checkPurpose(leaf);
  chain.slice(1).forEach((authority, depth) => checkAuthority(authority, depth));
}

/** Whether the names chain, byte for byte, and the signature is the issuer's. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return isSameName(certificate.issuerDer, issuer.subjectDer) && certificate.isSignedBy(issuer);
}

/** Why the key or the signature of a certificate is too weak; undefined where neither is. */
export function weaknessOf(certificate: Certificate): string | undefined {
  const { publicKey } = certificate;
  const { modulusLength = 0, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  const strong =
    (publicKey.asymmetricKeyType === 'rsa' && modulusLength >= 2048) ||
    (publicKey.asymmetricKeyType === 'ec' && CURVES.has(namedCurve));
  if (!strong) return 'its key is neither RSA of 2048 bits or more nor on one of the three NIST curves';
  if (schemeOfCertificate(certificate) === undefined) return 'it is not signed with SHA-256, SHA-384 or SHA-512';
  return undefined;
}

/** The OID of a critical extension that is not understood here. RFC 5280 §4.2: such a certificate is refused. */
export function strangeExtensionOf({ extensions }: Certificate): string | undefined {
  for (const [oid, { critical }] of extensions) if (critical && !UNDERSTOOD.has(oid)) return oid;
  return undefined;
}

function checkStrength(certificate: Certificate, index: number): void {
  const weakness = weaknessOf(certificate);
  if (weakness !== undefined) throw weak(index, weakness);
}

function checkExtensions(certificate: Certificate, index: number): void {
  const oid = strangeExtensionOf(certificate);
  if (oid !== undefined) throw forbidden(index, `its critical extension ${oid} is not understood`);
}

function checkLeaf({ basicConstraints, keyUsage }: Certificate): void {
  if (basicConstraints?.ca === true) throw forbidden(0, 'it is an authority, and no leaf');
  if (keyUsage === undefined) throw forbidden(0, 'it has no key usage');
  if (!keyUsage.usages.has('digitalSignature')) throw forbidden(0, 'its key is not for signatures');
  const usage = FORBIDDEN_USAGES.find((each) => keyUsage.usages.has(each));
  if (usage !== undefined) throw forbidden(0, `its key is also for ${usage}`);
}

/** @param below how many authorities there are between this one and the leaf */
function checkAuthority({ basicConstraints, keyUsage }: Certificate, below: number): void {
  const index = below + 1;
  if (basicConstraints?.ca !== true) throw forbidden(index, 'it is no authority');
  if (!basicConstraints.critical) throw forbidden(index, 'its basic constraints are not critical');
  if ((basicConstraints.pathLength ?? below) < below) throw forbidden(index, 'its chain is longer than it allows');
  if (keyUsage === undefined) throw forbidden(index, 'it has no key usage');
  if (!keyUsage.usages.has('keyCertSign')) throw forbidden(index, 'its key is not for certificates');
}

const placeOf = (index: number) => `certificate ${index + 1}`;
const invalid = (what: string) => new AppError('CHAIN_INVALID', `no chain of certificates: ${what}`);
const forbidden = (index: number, what: string) =>
  new AppError('CERTIFICATE_FORBIDDEN', `${placeOf(index)} of the chain may not be used: ${what}`);
const weak = (index: number, what: string) =>
  new AppError('CERTIFICATE_WEAK', `${placeOf(index)} of the chain is too weak: ${what}`);
