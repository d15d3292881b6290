import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Issued, authorityExtensions, certify, issue, signerExtensions, toPem } from './authority.js';
import { type LogKey, timestampExtension } from './certificate-log.js';

// Of https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: the issuer as text, and the issuer as a UTF8String.
const ISSUER_V1 = '1.3.6.1.4.1.57264.1.1';
const ISSUER_V2 = '1.3.6.1.4.1.57264.1.8';
const LIFE_MILLISECONDS = 10 * 60_000;

/** A certificate authority for those who come with a token. */
export interface Fulcio {
  /** The authority that signs, and its root. */
  readonly issued: Issued;
  /** A chain in PEM, from a certificate for this key to the root. */
  readonly certify: (publicKeyPem: string, token: string) => Promise<readonly string[]>;
}

/** What is wrong with the certificates of an authority, for tests. */
export interface FulcioFaults {
  /** They are in no certificate log. */
  readonly withoutSct?: boolean;
}

/** A fresh authority below a root of its own. It believes every token: it is for fixtures alone. */
export async function createFulcio(log: LogKey, clock: () => Date, faults: FulcioFaults = {}): Promise<Fulcio> {
  const root = await issue({ subject: 'CN=sigstore root,O=example', extensions: authorityExtensions(1) });
  const issued = await issue({
    subject: 'CN=sigstore intermediate,O=example',
    issuer: root,
    extensions: [...authorityExtensions(0), new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning])],
  });
  const issuerKeyHash = createHash('sha256')
    .update(issued.keys.publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
  return {
    issued,
    certify: async (publicKeyPem, token) => {
      const { issuer, email, subject } = readToken(token);
      const now = clock();
      const key = await webcrypto.subtle.importKey(
        'spki',
        x509.PemConverter.decodeFirst(publicKeyPem),
        { name: 'ECDSA', namedCurve: 'P-256' },
        true,
        ['verify'],
      );
      const name =
        email === undefined ? ({ type: 'url', value: subject } as const) : ({ type: 'email', value: email } as const);
      const utf8 = Buffer.from(issuer);
      const extensions = [
        ...signerExtensions(),
        new x509.SubjectAlternativeNameExtension([name], true),
        new x509.Extension(ISSUER_V1, false, utf8),
        new x509.Extension(ISSUER_V2, false, Buffer.concat([Buffer.from([0x0c, utf8.byteLength]), utf8])),
      ];
      const template = {
        subject: '',
        issuer: issued,
        keys: issued.keys,
        serialNumber: Buffer.concat([Buffer.from([1]), randomBytes(15)]).toString('hex'),
        notBefore: now,
        notAfter: new Date(now.getTime() + LIFE_MILLISECONDS),
      };
      const precertificate = await certify(key, { ...template, extensions });
      const sct = timestampExtension(log, precertificate, { issuerKeyHash, at: now });
      const certificate =
        faults.withoutSct === true
          ? precertificate
          : await certify(key, { ...template, extensions: [...extensions, sct] });
      return [certificate, ...issued.chain].map((each) => toPem([each]));
    },
  };
}

/** A token that says who somebody is. Nothing is signed: only {@link createFulcio} believes it. */
export function makeToken(claims: {
  readonly issuer: string;
  readonly subject: string;
  readonly email?: string;
  readonly now: Date;
}): string {
  const seconds = Math.floor(claims.now.getTime() / 1000);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = {
    iss: claims.issuer,
    sub: claims.subject,
    aud: 'sigstore',
    iat: seconds,
    exp: seconds + 3600,
    ...(claims.email !== undefined && { email: claims.email, email_verified: true }),
  };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(body)}.${Buffer.from('unsigned').toString('base64url')}`;
}

function readToken(token: string): { readonly issuer: string; readonly subject: string; readonly email?: string } {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
    readonly iss: string;
    readonly sub: string;
    readonly email?: string;
  };
  return { issuer: claims.iss, subject: claims.sub, ...(claims.email !== undefined && { email: claims.email }) };
}
