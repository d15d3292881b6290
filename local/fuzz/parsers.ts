import { readEvidence } from '../../shared/signature/stored-evidence.js';
import { decodeCbor } from '../../shared/signature/encoding/cbor.js';
import { parseJson } from '../../shared/signature/encoding/json.js';
import { parseIdentity as parseCertificateIdentity } from '../../shared/signature/cosign/identity.js';
import { parsePattern } from '../../shared/signature/cosign/pattern.js';
import { parseTrustedRoot } from '../../shared/signature/cosign/trusted-root.js';
import { COSE_MEDIA_TYPE, JWS_MEDIA_TYPE, readEnvelope } from '../../shared/signature/notation/envelope.js';
import { parseIdentity } from '../../shared/signature/notation/identity.js';
import { parseTrustPolicy } from '../../shared/signature/notation/trust-policy.js';
import { readTrustStore } from '../../shared/signature/notation/trust-store.js';
import { tokenOfResponse } from '../../shared/signature/timestamp/token.js';
import { verifyTimestamp } from '../../shared/signature/timestamp/verify.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { type Certificate, parseCertificate } from '../../shared/signature/x509/certificate.js';
import { checkSigningChain, checkTimestampingChain } from '../../shared/signature/x509/chain.js';
import { readCrl } from '../../shared/signature/x509/crl.js';
import { distributionPointsOf, listScopeOf, responderUrls } from '../../shared/signature/x509/extensions.js';
import { readOcsp } from '../../shared/signature/x509/ocsp.js';
import { revocationOf } from '../../shared/signature/revocation.js';
import { formatName } from '../../shared/signature/x509/name.js';
import { readIdentity } from '../../shared/signature/cosign/fulcio.js';
import { parseManifest } from '../../shared/artifact/manifest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { parseDigest } from '../../shared/artifact/digest.js';

/** A reader of bytes from outside. It may throw what is meant to be thrown, and nothing else. */
export interface Parser {
  readonly name: string;
  /** What it is meant for; it is given everything else too. */
  readonly takes: 'json' | 'der' | 'cbor' | 'text';
  readonly run: (bytes: Buffer, context: ParserContext) => unknown;
}

/** What readers want to know besides. */
export interface ParserContext {
  /** Of an authority, for answers of its responder and its lists. */
  readonly issuer: Certificate;
  readonly now: Date;
}

const LIMITS = { maxBytes: 1024 * 1024 };
const DIGEST = parseDigest(`sha256:${'0'.repeat(64)}`);

/** Everything that reads what others have written. */
export const PARSERS: readonly Parser[] = [
  { name: 'parseJson', takes: 'json', run: (bytes) => parseJson(bytes, { ...LIMITS, wholeNumbers: true }) },
  { name: 'parseManifest', takes: 'json', run: (bytes) => parseManifest(bytes, { mediaType: MediaType.ociManifest }) },
  { name: 'readEnvelope, JWS', takes: 'json', run: (bytes) => readEnvelope(JWS_MEDIA_TYPE, bytes) },
  { name: 'readEvidence', takes: 'json', run: (bytes) => readEvidence(bytes, DIGEST) },
  { name: 'parseTrustPolicy', takes: 'json', run: parseTrustPolicy },
  { name: 'parseTrustedRoot', takes: 'json', run: (bytes) => parseTrustedRoot(bytes.toString('utf8')) },
  { name: 'decodeCbor', takes: 'cbor', run: (bytes) => decodeCbor(bytes, LIMITS) },
  { name: 'readEnvelope, COSE', takes: 'cbor', run: (bytes) => readEnvelope(COSE_MEDIA_TYPE, bytes) },
  {
    name: 'parseCertificate',
    takes: 'der',
    run: (bytes, { issuer, now }) => {
      const certificate = parseCertificate(bytes);
      formatName(certificate.subject);
      const chain = [certificate, issuer];
      for (const check of [
        () => checkSigningChain(chain),
        () => checkTimestampingChain(chain),
        () => readIdentity(certificate),
        () => revocationOf(chain, { answers: new Map(), now }),
      ]) {
        attempt(check);
      }
    },
  },
  {
    name: 'verifyTimestamp',
    takes: 'der',
    run: (bytes, { issuer }) => verifyTimestamp(bytes, { message: bytes, roots: [issuer] }),
  },
  { name: 'tokenOfResponse', takes: 'der', run: tokenOfResponse },
  {
    name: 'readOcsp',
    takes: 'der',
    run: (bytes, { issuer, now }) => readOcsp(bytes, { certificate: issuer, issuer }, now),
  },
  {
    name: 'readCrl',
    takes: 'der',
    run: (bytes, { issuer, now }) => {
      const point = { urls: [], names: new Set<string>(), foreign: false };
      return readCrl(bytes, { certificate: issuer, issuer, point, at: now });
    },
  },
  { name: 'responderUrls', takes: 'der', run: responderUrls },
  { name: 'distributionPointsOf', takes: 'der', run: distributionPointsOf },
  { name: 'listScopeOf', takes: 'der', run: listScopeOf },
  { name: 'parsePublicKey', takes: 'text', run: (bytes) => parsePublicKey('key', bytes.toString('latin1')) },
  {
    name: 'readTrustStore',
    takes: 'text',
    run: (bytes) => readTrustStore({ type: 'ca', name: 'x', files: [{ name: 'x.pem', bytes }] }),
  },
  {
    name: 'parsePattern',
    takes: 'text',
    run: (bytes) => parsePattern(bytes.toString('utf8')).matches(bytes.toString('latin1')),
  },
  {
    name: 'parseIdentity of Fulcio',
    takes: 'text',
    run: (bytes) =>
      parseCertificateIdentity({ subjectPattern: bytes.toString('utf8'), issuer: bytes.toString('latin1') }),
  },
  {
    name: 'parseIdentity of Notation',
    takes: 'text',
    run: (bytes) => parseIdentity(`x509.subject:${bytes.toString('utf8')}`),
  },
];

/** Throws what is no AppError and the like; the caller tells them apart. */
function attempt(check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof Error && ['AppError', 'Unproved'].includes(error.name))) throw error;
  }
}
