import { createHash, sign } from 'node:crypto';
import { attachBundle } from '../../local/signer/signer.js';
import * as sample from '../../local/sample/image.js';
import { type Digest, digestOf, hexOf } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type SingleManifest, parseManifest } from '../../shared/artifact/manifest.js';
import { type SignatureCandidate, signatureKind } from '../../shared/signature/candidate.js';
import { preAuthEncoding } from '../../shared/signature/cosign/envelope.js';
import { parseIdentity } from '../../shared/signature/cosign/identity.js';
import { type CosignTrust, cosignTrust } from '../../shared/signature/cosign/trust.js';
import { parseTrustedRoot } from '../../shared/signature/cosign/trusted-root.js';
import { verifyCosign } from '../../shared/signature/cosign/verify.js';
import type { VerifyContext } from '../../shared/signature/requirement.js';
import type { Judged } from '../../shared/signature/result.js';
import {
  type CertificateOptions,
  type Keys,
  type Made,
  NOW,
  PURPOSE,
  daysFromNow,
  makeCertificate,
  makeChain,
  makeKeys,
  makeTsaChain,
} from './certificates.js';
import * as der from './der.js';
import {
  BODIES,
  type BodyKind,
  type EntryOptions,
  type Logged,
  type TestEntry,
  type TestLog,
  base64,
  inRoot,
  logEntry,
  makeLog,
  timestampList,
} from './sigstore-logs.js';
import { makeToken } from './timestamp-authority.js';

export const SUBJECT = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
export const ISSUER = 'https://token.actions.githubusercontent.com';
export const SIGN = 'https://sigstore.dev/cosign/sign/v1';
export const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
export const other = await sample.imageOf([{ path: 'a', content: 'b' }]);

/** A Sigstore of the tests' own. https://docs.sigstore.dev/about/overview/ */
export const world = {
  fulcio: makeChain({
    root: { subject: 'fulcio root' },
    intermediate: {
      subject: 'fulcio intermediate',
      notBefore: daysFromNow(-100),
      notAfter: daysFromNow(1000),
      extendedKeyUsage: { purposes: [PURPOSE.codeSigning] },
    },
  }),
  ct: makeLog('ct.test'),
  ct2: makeLog('ct2.test'),
  rekor: makeLog('rekor.test'),
  rekor2: makeLog('rekor2.test', makeKeys('Ed25519')),
  tsa: makeTsaChain({ root: { subject: 'tsa root' }, intermediate: { subject: 'tsa intermediate' } }),
  tsa2: makeTsaChain({ root: { subject: 'tsa2 root' }, intermediate: { subject: 'tsa2 intermediate' } }),
};

const START = daysFromNow(-365);
export const authorityInRoot = (made: readonly Made[]) => ({
  subject: { organization: 'test', commonName: 'test' },
  uri: 'https://ca.test',
  certChain: { certificates: made.map((one) => ({ rawBytes: base64(one.der) })) },
  validFor: { start: START.toISOString() } as { start?: string; end?: string },
});

/** The trusted root of this world, as JSON that a test may change. */
export function trustedRoot() {
  const { fulcio, ct, ct2, rekor, rekor2, tsa, tsa2 } = world;
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [inRoot(rekor, START), inRoot(rekor2, START)],
    certificateAuthorities: [authorityInRoot(fulcio.made.slice(1))],
    ctlogs: [inRoot(ct, START), inRoot(ct2, START)],
    timestampAuthorities: [authorityInRoot(tsa.made), authorityInRoot(tsa2.made)],
  };
}

/** What a certificate of this world says. */
export interface Certified {
  /** DER of the general names. */
  readonly names?: readonly Uint8Array[];
  /** DER of the extensions that name the issuer. */
  readonly issuers?: readonly Uint8Array[];
  readonly ctLogs?: readonly TestLog[];
  readonly ctAt?: Date;
  readonly certificate?: CertificateOptions;
  readonly authority?: Made;
}

export const otherName = (type: string, value: Uint8Array) => der.context(0, der.oid(type), der.context(0, value));
export const issuerV2 = (text: string) => der.extension('1.3.6.1.4.1.57264.1.8', der.utf8(text));
export const issuerV1 = (text: string) => der.extension('1.3.6.1.4.1.57264.1.1', Buffer.from(text));

/** A certificate for ten minutes, as Fulcio makes them. https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md */
export function certify(keys: Keys, options: Certified = {}): Made {
  const { names = [der.uri(SUBJECT)], issuers = [issuerV2(ISSUER)], ctLogs = [world.ct], ctAt = NOW } = options;
  const authority = options.authority ?? world.fulcio.intermediate;
  const base: CertificateOptions = {
    keys,
    subjectDer: der.seq(),
    serial: BigInt(
      `0x01${createHash('sha256')
        .update(keys.publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex')
        .slice(0, 30)}`,
    ),
    notBefore: new Date(NOW.getTime() - 60_000),
    notAfter: new Date(NOW.getTime() + 540_000),
    keyUsage: { usages: ['digitalSignature'] },
    extendedKeyUsage: { purposes: [PURPOSE.codeSigning] },
    ...options.certificate,
    extensions: [
      ...(names.length === 0 ? [] : [der.extension('2.5.29.17', der.seq(...names), true)]),
      ...issuers,
      ...(options.certificate?.extensions ?? []),
    ],
  };
  if (ctLogs.length === 0) return makeCertificate(base, authority);
  const tbs = signedPart(makeCertificate(base, authority).der);
  const issuerSpki = authority.keys.publicKey.export({ type: 'spki', format: 'der' });
  const list = timestampList(ctLogs, { tbs, issuerSpki, at: ctAt });
  const sct = der.extension('1.3.6.1.4.1.11129.2.4.2', der.octets(list));
  return makeCertificate({ ...base, extensions: [...(base.extensions ?? []), sct] }, authority);
}

function signedPart(certificate: Buffer): Buffer {
  const size = (at: number) => {
    const first = certificate[at + 1] ?? 0;
    return first < 0x80
      ? { head: 2, length: first }
      : { head: 2 + (first & 0x7f), length: certificate.readUIntBE(at + 2, first & 0x7f) };
  };
  const start = size(0).head;
  const { head, length } = size(start);
  return certificate.subarray(start, start + head + length);
}

export const statementOf = (changes: object = {}, digest: Digest = image.digest) => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: hexOf(digest) } }],
  predicateType: SIGN,
  predicate: {},
  ...changes,
});

/** A timestamp of an authority of this world over a signature. RFC 3161 §2.4.2. */
export function timestamp(
  signature: Uint8Array,
  options: { tsa?: ReturnType<typeof makeTsaChain>; at?: Date; status?: number } = {},
): string {
  const [leaf, ...more] = (options.tsa ?? world.tsa).made;
  const token = makeToken({ message: signature, tsa: [leaf, ...more], at: options.at ?? NOW });
  return base64(der.seq(der.seq(der.int(options.status ?? 0)), token));
}

/** What a bundle differs in from a good one. */
export interface BundleOptions extends Certified {
  readonly statement?: unknown;
  readonly payload?: Uint8Array;
  readonly payloadType?: string;
  /** Signs with a fixed key in place of a certificate. */
  readonly key?: Keys;
  readonly keys?: Keys;
  readonly body?: BodyKind;
  readonly entry?: Partial<EntryOptions>;
  /** In place of the one good entry. */
  readonly entries?: (of: Logged) => readonly TestEntry[];
  readonly timestamps?: (signature: Uint8Array) => readonly string[];
}

/** A bundle v0.3 as `cosign sign` makes it, without a key or, with one, as `cosign sign --key` does. */
export function makeBundle(options: BundleOptions = {}) {
  const keys = options.key ?? options.keys ?? makeKeys();
  const payloadType = options.payloadType ?? 'application/vnd.in-toto+json';
  const payload = options.payload ?? Buffer.from(JSON.stringify(options.statement ?? statementOf()));
  const signed = Buffer.from(preAuthEncoding(payloadType, payload));
  const signature = sign(keys.publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', signed, keys.privateKey);
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const certificate = options.key === undefined ? certify(keys, options) : undefined;
  const logged: Logged = {
    ...{ signed, payload, signature },
    pem: certificate?.pem ?? keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    der: certificate?.der ?? spki,
  };
  const entries = options.entries ?? ((of: Logged) => [goodEntry(of, options)]);
  return {
    mediaType: MediaType.sigstoreBundle as string,
    verificationMaterial: {
      ...(certificate === undefined
        ? { publicKey: { hint: createHash('sha256').update(spki).digest('base64') } }
        : { certificate: { rawBytes: base64(certificate.der) } }),
      tlogEntries: [...entries(logged)],
      timestampVerificationData: {
        rfc3161Timestamps: (options.timestamps?.(signature) ?? []).map((signedTimestamp) => ({ signedTimestamp })),
      },
    },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType,
      signatures: [{ sig: base64(signature) } as { sig: string; keyid?: string }],
    },
  };
}

export const goodEntry = (
  of: Logged,
  { body = 'dsse 0.0.1', entry = {} }: Pick<BundleOptions, 'body' | 'entry'> = {},
) => logEntry({ log: world.rekor, body: BODIES[body](of), ...entry });

/** Rekor 2: an entry without a time, and a timestamp beside it. */
export const REKOR2 = {
  entry: { log: world.rekor2, rekor2: true },
  body: 'dsse 0.0.2',
  timestamps: (signature: Uint8Array) => [timestamp(signature)],
} as const satisfies BundleOptions;

/** A candidate as it is fetched. */
export function toCandidate(artifact: sample.Artifact): SignatureCandidate {
  const manifest = parseManifest(artifact.bytes, { mediaType: MediaType.ociManifest }) as SingleManifest;
  const payloads = manifest.layers.flatMap((descriptor) => {
    const blob = artifact.blobs.find(({ digest }) => digest === descriptor.digest);
    return blob === undefined ? [] : [{ descriptor, bytes: blob.bytes }];
  });
  return { kind: signatureKind(manifest)!, manifestDigest: digestOf(artifact.bytes), manifest, payloads };
}

/** A bundle, or a text in its place, hung onto an image. */
export const hang = (bundle: object | string, onto: sample.Artifact = image) =>
  toCandidate(attachBundle(onto, Buffer.from(typeof bundle === 'string' ? bundle : JSON.stringify(bundle))));

/** What a verifier is told about the image of this world. */
export const context: VerifyContext = {
  subject: { digest: image.digest, mediaType: image.mediaType, size: image.bytes.byteLength },
  now: NOW,
  revocation: new Map(),
};

type RootJson = ReturnType<typeof trustedRoot>;

/** Trust in the identity of this world, and in its root with changes. */
export function trust(changes: Partial<CosignTrust> = {}, changeRoot?: (root: RootJson) => unknown): CosignTrust {
  const root = trustedRoot();
  changeRoot?.(root);
  return cosignTrust({
    identities: [parseIdentity({ issuer: ISSUER, subject: SUBJECT })],
    trustedRoot: parseTrustedRoot(JSON.stringify(root)),
    ...changes,
  });
}

/** What a bundle over the image comes to as a signature. */
export function judgeBundle(bundle: object | string, trusted: CosignTrust = trust()): Judged {
  const [judged, ...more] = verifyCosign(hang(bundle), context, trusted);
  if (judged === undefined || more.length > 0) throw new Error('a bundle is one signature');
  return judged;
}
