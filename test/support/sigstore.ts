import { createHash, sign, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const ISSUER_OID = '1.3.6.1.4.1.57264.1.8';
const SCT_OID = '1.3.6.1.4.1.11129.2.4.2';
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
    const list = timestampList(ctlog, { tbs: tbsOf(Buffer.from(precertificate.rawData)), issuerKeyHash: authority.id });
    return create([
      ...extensions,
      new x509.Extension(SCT_OID, false, Buffer.concat([Buffer.from([0x04, list.byteLength]), list])),
    ]);
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

/** The signed part of a certificate. */
function tbsOf(certificate: Buffer): Buffer {
  const header = (at: number) => {
    const first = certificate[at + 1] ?? 0;
    if (first < 0x80) return { length: first, size: 2 };
    const bytes = first & 0x7f;
    return { length: certificate.readUIntBE(at + 2, bytes), size: 2 + bytes };
  };
  const start = header(0).size;
  const inner = header(start);
  return certificate.subarray(start, start + inner.size + inner.length);
}

/** RFC 6962 §3.2 and §3.3: one signed certificate timestamp, over a precertificate. */
function timestampList(
  log: Keys,
  { tbs, issuerKeyHash }: { readonly tbs: Buffer; readonly issuerKeyHash: Buffer },
): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(NOW.getTime()));
  const length = (value: number, bytes: number) => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntBE(value, 0, bytes);
    return buffer;
  };
  const signed = Buffer.concat([
    Buffer.from([0, 0]),
    time,
    length(1, 2),
    issuerKeyHash,
    length(tbs.byteLength, 3),
    tbs,
    length(0, 2),
  ]);
  const signature = log.sign(signed);
  const sct = Buffer.concat([
    Buffer.from([0]),
    log.id,
    time,
    length(0, 2),
    Buffer.from([4, 3]),
    length(signature.byteLength, 2),
    signature,
  ]);
  return Buffer.concat([length(sct.byteLength + 2, 2), length(sct.byteLength, 2), sct]);
}
