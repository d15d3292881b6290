import { constants, sign } from 'node:crypto';
import { Tag, encode } from 'cbor2';
import { digestOf } from '../../shared/artifact/digest.js';
import type { SingleManifest } from '../../shared/artifact/manifest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import type { SignatureCandidate, SignedSubject } from '../../shared/signature/candidate.js';
import { type Certificate, parseCertificate } from '../../shared/signature/x509/certificate.js';
import { verifyNotation } from '../../shared/signature/notation/verify.js';
import type { NotationTrust } from '../../shared/signature/notation/trust.js';
import { parseTrustPolicy } from '../../shared/signature/notation/trust-policy.js';
import type { VerifyContext } from '../../shared/signature/requirement.js';
import { type ChainOptions, type Keys, type Made, NOW, daysFromNow, makeChain } from './certificates.js';
import * as der from './der.js';

/** A distinguished name, each pair in a part of its own; `type` is an OID or a short name. */
export function nameOf(pairs: readonly (readonly [type: string, value: string])[]): Buffer {
  const oids: Readonly<Record<string, string>> = {
    ...{ CN: '2.5.4.3', C: '2.5.4.6', L: '2.5.4.7', ST: '2.5.4.8', O: '2.5.4.10', OU: '2.5.4.11' },
    DC: '0.9.2342.19200300.100.1.25',
  };
  return der.seq(...pairs.map(([type, value]) => der.setOf(der.seq(der.oid(oids[type] ?? type), der.utf8(value)))));
}

export const SIGNER = nameOf([
  ['C', 'DE'],
  ['ST', 'Hessen'],
  ['O', 'Lazaret'],
  ['CN', 'builder'],
]);
export const SIGNER_IDENTITY = 'x509.subject: C=DE, ST=Hessen, O=Lazaret';

/** A chain whose leaf has {@link SIGNER} for a subject. */
export const signerChain = (options: ChainOptions = {}) =>
  makeChain({ ...options, leaf: { subjectDer: SIGNER, ...options.leaf } });

export const SUBJECT: SignedSubject = {
  digest: digestOf('the image'),
  mediaType: MediaType.ociManifest,
  size: 1234,
};
export const PAYLOAD = { targetArtifact: { mediaType: SUBJECT.mediaType, digest: SUBJECT.digest, size: SUBJECT.size } };

export const SIGNING_TIME = daysFromNow(-1);
export const seconds = (at: Date) => at.toISOString().replace(/\.\d+Z/, 'Z');

/** The signed attributes that a good signature has, by their names in JWS; times are dates. */
export const HEADER: Readonly<Record<string, unknown>> = {
  alg: 'ES256',
  cty: 'application/vnd.cncf.notary.payload.v1+json',
  crit: ['io.cncf.notary.signingScheme'],
  'io.cncf.notary.signingScheme': 'notary.x509',
  'io.cncf.notary.signingTime': SIGNING_TIME,
};

/** What a signature differs in from a good one. */
export interface SignOptions {
  readonly chain?: readonly Pick<Made, 'der'>[];
  readonly keys?: Keys;
  /** Over {@link HEADER}; undefined leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** The protected header as it is written, in place of `header`. */
  readonly rawHeader?: Uint8Array;
  readonly payload?: unknown;
  readonly rawPayload?: Uint8Array;
  /** `PS256` and so on; follows `header` where it is not said. */
  readonly algorithm?: string;
  readonly saltLength?: number;
  readonly dsaEncoding?: 'der' | 'ieee-p1363';
  readonly timestamp?: (signature: Uint8Array) => Uint8Array;
  /** Over the unprotected header, by the names of JWS or the labels of COSE. */
  readonly unprotected?: readonly (readonly [label: string | number, value: unknown])[];
  /** Changes the finished envelope: the JSON of a JWS, the four parts of a COSE signature. */
  readonly change?: (parts: never) => unknown;
}

export interface SignedEnvelope {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

const base64Url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

function signWith(bytes: Uint8Array, { privateKey }: Keys, options: SignOptions): Buffer {
  const algorithm = options.algorithm ?? String({ ...HEADER, ...options.header }['alg']);
  const hash = `sha${algorithm.slice(-3)}`;
  if (privateKey.asymmetricKeyType === 'ed25519') return sign(null, bytes, privateKey);
  if (!algorithm.startsWith('PS')) {
    return sign(hash, bytes, { key: privateKey, dsaEncoding: options.dsaEncoding ?? 'ieee-p1363' });
  }
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const saltLength = options.saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(hash, bytes, { key: privateKey, padding, saltLength });
}

const payloadOf = ({ rawPayload, payload = PAYLOAD }: SignOptions) =>
  rawPayload ?? Buffer.from(JSON.stringify(payload));
const good = signerChain();
export const goodChain = good;
const signer = (options: SignOptions) => ({
  chain: options.chain ?? good.made,
  keys: options.keys ?? good.leaf.keys,
});

/** A signature in the form of JWS. */
export function signJws(options: SignOptions = {}): SignedEnvelope {
  const { chain, keys } = signer(options);
  const header = Object.fromEntries(
    Object.entries({ ...HEADER, ...options.header }).map(([name, value]) => [
      name,
      value instanceof Date ? seconds(value) : value,
    ]),
  );
  const protectedHeader = base64Url(options.rawHeader ?? Buffer.from(JSON.stringify(header)));
  const payload = base64Url(payloadOf(options));
  const signature = signWith(Buffer.from(`${protectedHeader}.${payload}`), keys, options);
  const timestamp = options.timestamp?.(signature);
  const json = {
    payload,
    protected: protectedHeader,
    header: {
      x5c: chain.map(({ der: bytes }) => Buffer.from(bytes).toString('base64')),
      'io.cncf.notary.signingAgent': 'test/1.0',
      ...(timestamp && { 'io.cncf.notary.timestampSignature': Buffer.from(timestamp).toString('base64') }),
      ...Object.fromEntries(options.unprotected ?? []),
    },
    signature: base64Url(signature),
  };
  const changed = options.change === undefined ? json : options.change(json as never);
  const bytes = Buffer.from(typeof changed === 'string' ? changed : JSON.stringify(changed));
  return { mediaType: 'application/jose+json', bytes };
}

const LABELS: Readonly<Record<string, number>> = { alg: 1, crit: 2, cty: 3 };
const ALGORITHMS: Readonly<Record<string, number>> = {
  ...{ ES256: -7, ES384: -35, ES512: -36, PS256: -37, PS384: -38, PS512: -39 },
};
/** A time as COSE has it. */
export const epoch = (at: Date) => new Tag(1, Math.floor(at.getTime() / 1000));

/** A signature in the form of COSE; labels that are numbers are written as text that starts with `#`. */
export function signCose(options: SignOptions = {}): SignedEnvelope {
  const { chain, keys } = signer(options);
  const entries = Object.entries({ ...HEADER, ...options.header }).filter(([, value]) => value !== undefined);
  const map = new Map(
    entries.map(([name, value]): [number | string, unknown] => [
      name.startsWith('#') ? Number(name.slice(1)) : (LABELS[name] ?? name),
      value instanceof Date ? epoch(value) : name === 'alg' ? (ALGORITHMS[String(value)] ?? value) : value,
    ]),
  );
  const protectedHeader = options.rawHeader ?? encode(map);
  const payload = payloadOf(options);
  const toBeSigned = encode([
    'Signature1',
    Uint8Array.from(protectedHeader),
    new Uint8Array(),
    Uint8Array.from(payload),
  ]);
  const signature = signWith(toBeSigned, keys, options);
  const timestamp = options.timestamp?.(signature);
  const unprotected = new Map<number | string, unknown>([
    [33, chain.map(({ der: bytes }) => Uint8Array.from(bytes))],
    ['io.cncf.notary.signingAgent', 'test/1.0'],
    ...(timestamp === undefined ? [] : [['io.cncf.notary.timestampSignature', Uint8Array.from(timestamp)] as const]),
    ...(options.unprotected ?? []),
  ]);
  const parts = [Uint8Array.from(protectedHeader), unprotected, Uint8Array.from(payload), Uint8Array.from(signature)];
  const changed = options.change === undefined ? new Tag(18, parts) : options.change(parts as never);
  return { mediaType: 'application/cose', bytes: changed instanceof Uint8Array ? changed : encode(changed) };
}

/** The manifest of a signature, changed, with its one layer. */
export function attach(
  { mediaType, bytes }: SignedEnvelope,
  change: Partial<SingleManifest> = {},
  payloads?: SignatureCandidate['payloads'],
): SignatureCandidate {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  const manifest: SingleManifest = {
    form: 'manifest',
    mediaType: MediaType.ociManifest,
    artifactType: MediaType.notarySignature,
    subject: { ...SUBJECT },
    config: { mediaType: MediaType.ociEmpty, digest: digestOf('{}'), size: 2 },
    layers: [descriptor],
    annotations: {},
    ...change,
  };
  return {
    kind: 'notation',
    manifestDigest: digestOf(JSON.stringify(manifest)),
    manifest,
    payloads: payloads ?? [{ descriptor, bytes }],
  };
}

export const SCOPE = 'registry.example/team/app';

/** A trust policy of one statement, changed, for {@link SCOPE}. */
export function policyOf(statement: Readonly<Record<string, unknown>> = {}) {
  const document = {
    version: '1.0',
    trustPolicies: [
      {
        name: 'ours',
        registryScopes: [SCOPE],
        signatureVerification: { level: 'strict' },
        trustStores: ['ca:ours'],
        trustedIdentities: [SIGNER_IDENTITY],
        ...statement,
      },
    ],
  };
  return parseTrustPolicy(Buffer.from(JSON.stringify(document)));
}

export const parsed = (...made: readonly Pick<Made, 'der'>[]): readonly Certificate[] =>
  made.map(({ der: bytes }) => parseCertificate(bytes));

/** Trusts the root of {@link goodChain} for {@link SCOPE}. */
export function trustOf(
  statement: Readonly<Record<string, unknown>> = {},
  stores: NotationTrust['stores'] = new Map([['ca:ours', parsed(good.root)]]),
): NotationTrust {
  return { scope: SCOPE, policy: policyOf(statement), stores };
}

/** Verifies an envelope that is attached as it should be. */
export function verifyEnvelope(
  envelope: SignedEnvelope,
  trust: NotationTrust = trustOf(),
  context: Partial<VerifyContext> = {},
) {
  return verifyNotation(attach(envelope), { subject: SUBJECT, now: NOW, revocation: new Map(), ...context }, trust);
}
