import { createHash, sign, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { timestampExtension } from '../../local/sigstore/certificate-log.js';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const ISSUER_OID = '1.3.6.1.4.1.57264.1.8';
const NOW = new Date('2026-06-01T12:00:00Z');

interface Keys {
  readonly pair: CryptoKeyPair;
  readonly spki: Buffer;
  readonly id: Buffer;
  readonly sign: (bytes: Uint8Array) => Buffer;
}

async function makeKeys(): Promise<Keys> {
  const pair = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', pair.publicKey));
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey));
  return {
    pair,
    spki,
    id: createHash('sha256').update(spki).digest(),
    sign: (bytes) => sign('sha256', bytes, { key, format: 'der', type: 'pkcs8' }),
  };
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

/** What a signature claims, and what is left out of it. */
export interface SignOptions {
  readonly workflow: string;
  readonly issuer: string;
  /** Sign these bytes instead: the bundle is then about something else. */
  readonly archive?: Uint8Array;
  readonly withoutLog?: boolean;
  readonly withoutSct?: boolean;
}

/**
 * A Sigstore of the test's own: authority, certificate log and transparency log, with a trusted root that names them and
 * bundles as `cosign sign-blob` writes them. https://docs.sigstore.dev/about/bundle/
 */
export async function createSigstore() {
  const [authority, ctlog, tlog] = await Promise.all([makeKeys(), makeKeys(), makeKeys()]);
  const from = new Date(NOW.getTime() - 86_400_000);
  const until = new Date(NOW.getTime() + 10 * 365 * 86_400_000);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-authority,O=test',
    keys: authority.pair as never,
    signingAlgorithm: EC,
    notBefore: from,
    notAfter: until,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const log = ({ spki, id }: Keys) => ({
    baseUrl: 'https://log.test',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: spki.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: from.toISOString() },
    },
    logId: { keyId: id.toString('base64') },
  });
  const trustedRoot = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(tlog)],
    certificateAuthorities: [
      {
        subject: { organization: 'test', commonName: 'test-authority' },
        uri: 'https://ca.test',
        certChain: { certificates: [{ rawBytes: Buffer.from(root.rawData).toString('base64') }] },
        validFor: { start: from.toISOString() },
      },
    ],
    ctlogs: [log(ctlog)],
    timestampAuthorities: [],
  };

  const certify = async (signer: Keys, options: SignOptions) => {
    const utf8 = Buffer.from(options.issuer);
    const extensions = [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: options.workflow }], true),
      new x509.Extension(ISSUER_OID, false, Buffer.concat([Buffer.from([0x0c, utf8.byteLength]), utf8])),
    ];
    const create = (all: x509.Extension[]) =>
      x509.X509CertificateGenerator.create({
        serialNumber: '0102030405060708',
        subject: '',
        issuer: root.subject,
        notBefore: from,
        notAfter: until,
        publicKey: signer.pair.publicKey as never,
        signingKey: authority.pair.privateKey as never,
        signingAlgorithm: EC,
        extensions: all,
      });
    if (options.withoutSct === true) return create(extensions);
    const precertificate = await create(extensions);
    const witnessed = timestampExtension(ctlog, precertificate, { issuerKeyHash: authority.id, at: NOW });
    return create([...extensions, witnessed]);
  };

  /** Signs an archive as the release workflow would. */
  const signArchive = async (archive: Uint8Array, options: SignOptions): Promise<unknown> => {
    const signer = await makeKeys();
    const certificate = await certify(signer, options);
    const signed = options.archive ?? archive;
    const digest = createHash('sha256').update(signed).digest();
    const signature = signer.sign(signed);
    const body = Buffer.from(
      JSON.stringify({
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
          data: { hash: { algorithm: 'sha256', value: digest.toString('hex') } },
          signature: {
            content: signature.toString('base64'),
            publicKey: { content: Buffer.from(certificate.toString('pem')).toString('base64') },
          },
        },
      }),
    ).toString('base64');
    const integratedTime = Math.floor(NOW.getTime() / 1000);
    const promise = JSON.stringify({ body, integratedTime, logID: tlog.id.toString('hex'), logIndex: 1 });
    const entry = {
      logIndex: '1',
      logId: { keyId: tlog.id.toString('base64') },
      kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: tlog.sign(Buffer.from(promise)).toString('base64') },
      canonicalizedBody: body,
    };
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
      verificationMaterial: {
        x509CertificateChain: { certificates: [{ rawBytes: Buffer.from(certificate.rawData).toString('base64') }] },
        tlogEntries: options.withoutLog === true ? [] : [entry],
      },
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest: digest.toString('base64') },
        signature: signature.toString('base64'),
      },
    };
  };
  return { trustedRoot, signArchive };
}
