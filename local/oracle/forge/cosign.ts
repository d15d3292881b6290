import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import { hexOf } from '../../../shared/artifact/digest.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import { SIGNATURE_ANNOTATION } from '../../../shared/signature/cosign/annotations.js';
import { preAuthEncoding } from '../../../shared/signature/cosign/envelope.js';
import { SIMPLE_SIGNING_TYPE } from '../../../shared/signature/cosign/legacy.js';
import { COSIGN_SIGN_PREDICATE } from '../../../shared/signature/cosign/statement.js';
import type { Artifact } from '../../sample/image.js';
import { toBlob } from '../../sample/layer.js';
import type { StoredLayout } from '../layout.js';
import { type Forged, forgedCase, forgedImage, withReferrer, withTagged } from './forged.js';

const IN_TOTO = 'application/vnd.in-toto+json';
const NONE = '0'.repeat(64);
const VSA = 'https://slsa.dev/verification_summary/v1';

type Statement = Readonly<Record<string, unknown>>;
interface Order {
  readonly name: string;
  /** The layout of a signature. */
  readonly layout: (keys: Keys) => StoredLayout;
}
interface Keys {
  readonly image: Artifact;
  readonly hex: string;
  readonly key: KeyObject;
  readonly stranger: KeyObject;
}

/** All forged signatures of Cosign, with one key. */
export async function forgeCosign(): Promise<readonly Forged[]> {
  const { image } = await forgedImage();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const keys: Keys = { image, hex: hexOf(image.digest), key: privateKey, stranger };
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return [...bundles(), ...payloads()].map(({ name, layout }) => ({
    fixture: forgedCase(`forged-cosign: ${name}`, {
      image,
      tool: 'cosign',
      verify: { key: 'cosign.pub', insecureIgnoreTlog: true },
    }),
    layout: layout(keys),
    files: { 'cosign.pub': pem },
  }));
}

interface EnvelopeOptions {
  readonly payloadType?: string;
  readonly signatures?: (pae: Buffer, keys: Keys) => readonly unknown[];
}

/** A bundle around whatever is signed. */
function bundleOf(keys: Keys, payload: string, options: EnvelopeOptions = {}): StoredLayout {
  const payloadType = options.payloadType ?? IN_TOTO;
  const pae = Buffer.from(preAuthEncoding(payloadType, Buffer.from(payload)));
  const signatures = options.signatures?.(pae, keys) ?? [{ sig: sign('sha256', pae, keys.key).toString('base64') }];
  const bundle = {
    mediaType: MediaType.sigstoreBundle,
    verificationMaterial: { publicKey: { hint: '' }, timestampVerificationData: {} },
    dsseEnvelope: { payload: Buffer.from(payload).toString('base64'), payloadType, signatures },
  };
  return referrer(keys, bundle);
}

function referrer({ image }: Keys, bundle: unknown): StoredLayout {
  return withReferrer(image, {
    artifactType: MediaType.sigstoreBundle,
    configType: MediaType.ociEmpty,
    layerType: MediaType.sigstoreBundle,
    bytes: Buffer.from(JSON.stringify(bundle)),
  });
}

const ordinary = ({ hex }: Keys): Statement => ({
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ digest: { sha256: hex } }],
  predicateType: COSIGN_SIGN_PREDICATE,
  predicate: {},
});
const statement = (name: string, edit: (keys: Keys) => Statement): Order => ({
  name: `statement ${name}`,
  layout: (keys) => bundleOf(keys, JSON.stringify({ ...ordinary(keys), ...edit(keys) })),
});
const text = (name: string, make: (text: string, keys: Keys) => string): Order => ({
  name: `statement ${name}`,
  layout: (keys) => bundleOf(keys, make(JSON.stringify(ordinary(keys)), keys)),
});
const envelope = (name: string, options: EnvelopeOptions): Order => ({
  name: `envelope ${name}`,
  layout: (keys) => bundleOf(keys, JSON.stringify(ordinary(keys)), options),
});
const sig = (pae: Buffer, key: KeyObject, hash = 'sha256') => sign(hash, pae, key).toString('base64');

function bundles(): readonly Order[] {
  return [
    statement('ordinary', () => ({})),
    statement('of version 0.1', () => ({ _type: 'https://in-toto.io/Statement/v0.1' })),
    statement('of an unknown version', () => ({ _type: 'https://in-toto.io/Statement/v9' })),
    statement('without version', () => ({ _type: undefined })),
    statement('of a vulnerability report', () => ({
      predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1',
    })),
    statement('of provenance', () => ({ predicateType: 'https://slsa.dev/provenance/v1' })),
    statement('of a summary that says that it failed', () => ({
      predicateType: VSA,
      predicate: { verificationResult: 'FAILED' },
    })),
    statement('of a predicate type in upper case', () => ({ predicateType: COSIGN_SIGN_PREDICATE.toUpperCase() })),
    statement('of a predicate type with a slash behind it', () => ({ predicateType: `${COSIGN_SIGN_PREDICATE}/` })),
    statement('without predicate type', () => ({ predicateType: undefined })),
    statement('without predicate', () => ({ predicate: undefined })),
    statement('with a predicate that says something', () => ({ predicate: { example: true } })),
    statement('of another image', () => ({ subject: [{ digest: { sha256: NONE } }] })),
    statement('of two images, the second ours', ({ hex }) => ({
      subject: [{ digest: { sha256: NONE } }, { digest: { sha256: hex } }],
    })),
    statement('of no image', () => ({ subject: [] })),
    statement('without subject', () => ({ subject: undefined })),
    statement('of a subject with a name', ({ hex }) => ({
      subject: [{ name: 'registry.example/app', digest: { sha256: hex } }],
    })),
    statement('of a subject with annotations', ({ hex }) => ({
      subject: [{ digest: { sha256: hex }, annotations: { example: 'example' } }],
    })),
    statement('of a digest in upper case', ({ hex }) => ({ subject: [{ digest: { sha256: hex.toUpperCase() } }] })),
    statement('of a digest with its algorithm', ({ hex }) => ({ subject: [{ digest: { sha256: `sha256:${hex}` } }] })),
    statement('of an algorithm in upper case', ({ hex }) => ({ subject: [{ digest: { SHA256: hex } }] })),
    statement('of another digest besides', ({ hex }) => ({ subject: [{ digest: { sha256: hex, sha512: NONE } }] })),
    statement('of a digest of another algorithm alone', ({ hex }) => ({ subject: [{ digest: { sha512: hex } }] })),
    statement('of a subject with an unknown member', ({ hex }) => ({
      subject: [{ digest: { sha256: hex }, example: true }],
    })),
    statement('with an unknown member', () => ({ example: true })),
    text('with the subject twice, the first another', (all) => all.replace('{', '{"subject":[],')),
    text('with the subject in upper case', (all) => all.replace('"subject"', '"SUBJECT"')),
    text('with the predicate type twice, the first another', (all) => all.replace('{', '{"predicateType":"x",')),
    text('with spaces', (all) => ` ${all}\n`),
    text('with bytes behind it', (all) => `${all}{}`),
    text('with a byte order mark', (all) => `\uFEFF${all}`),
    text('in a list', (all) => `[${all}]`),
    text('that is none', () => 'text'),
    text('that is a payload of the older form', (_, { image }) => simple(image.digest)),
    envelope('of another payload type', { payloadType: 'text/plain' }),
    envelope('of JSON', { payloadType: 'application/json' }),
    envelope('of a payload type in upper case', { payloadType: IN_TOTO.toUpperCase() }),
    envelope('of a payload type with a parameter', { payloadType: `${IN_TOTO}; charset=utf-8` }),
    envelope('without payload type', { payloadType: '' }),
    envelope('signed with SHA-384', { signatures: (pae, { key }) => [{ sig: sig(pae, key, 'sha384') }] }),
    envelope('signed with SHA-1', { signatures: (pae, { key }) => [{ sig: sig(pae, key, 'sha1') }] }),
    envelope('signed without its encoding', {
      signatures: (_, keys) => [{ sig: sig(Buffer.from(JSON.stringify(ordinary(keys))), keys.key) }],
    }),
    envelope('signed as two numbers', {
      signatures: (pae, { key }) => [
        { sig: sign('sha256', pae, { key, dsaEncoding: 'ieee-p1363' }).toString('base64') },
      ],
    }),
    envelope('signed twice, first by a stranger', {
      signatures: (pae, { key, stranger }) => [{ sig: sig(pae, stranger) }, { sig: sig(pae, key) }],
    }),
    envelope('signed twice, then by a stranger', {
      signatures: (pae, { key, stranger }) => [{ sig: sig(pae, key) }, { sig: sig(pae, stranger) }],
    }),
    envelope('signed twice by the same', {
      signatures: (pae, { key }) => [{ sig: sig(pae, key) }, { sig: sig(pae, key) }],
    }),
    envelope('signed with somebody as its keyid', {
      signatures: (pae, { key }) => [{ sig: sig(pae, key), keyid: 'SHA256:example' }],
    }),
    envelope('signed with an empty keyid', { signatures: (pae, { key }) => [{ sig: sig(pae, key), keyid: '' }] }),
    { name: 'bundle of a message signature', layout: messageSignature },
  ];
}

/** Over the manifest's bytes, as `cosign sign-blob` would sign them. */
function messageSignature(keys: Keys): StoredLayout {
  const { image, hex, key } = keys;
  return referrer(keys, {
    mediaType: MediaType.sigstoreBundle,
    verificationMaterial: { publicKey: { hint: '' } },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: Buffer.from(hex, 'hex').toString('base64') },
      signature: sig(Buffer.from(image.bytes), key),
    },
  });
}

function simple(digest: string): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': 'registry.example/app' },
      image: { 'docker-manifest-digest': digest },
      type: SIMPLE_SIGNING_TYPE,
    },
    optional: null,
  });
}

const payload = (name: string, make: (text: string, keys: Keys) => string): Order => ({
  name: `payload ${name}`,
  layout: (keys) => {
    const blob = toBlob(make(simple(keys.image.digest), keys));
    return withTagged(keys.image, blob, { [SIGNATURE_ANNOTATION]: sig(Buffer.from(blob.bytes), keys.key) });
  },
});
const signed = (name: string, make: (bytes: Buffer, keys: Keys) => string): Order => ({
  name: `payload signed ${name}`,
  layout: (keys) => {
    const blob = toBlob(simple(keys.image.digest));
    return withTagged(keys.image, blob, { [SIGNATURE_ANNOTATION]: make(Buffer.from(blob.bytes), keys) });
  },
});

function payloads(): readonly Order[] {
  const digestOf = (all: string, { image }: Keys, other: string) => all.replace(image.digest, other);
  return [
    payload('ordinary', (all) => all),
    payload('of another type', (all) => all.replace(SIMPLE_SIGNING_TYPE, 'example')),
    payload('of atomic container signatures', (all) => all.replace(SIMPLE_SIGNING_TYPE, 'atomic container signature')),
    payload('without type', (all) => all.replace(`,"type":"${SIMPLE_SIGNING_TYPE}"`, '')),
    payload('of another repository', (all) => all.replace('registry.example/app', 'registry.example/other')),
    payload('without identity', (all) => all.replace('"identity":{"docker-reference":"registry.example/app"},', '')),
    payload('without optional', (all) => all.replace(',"optional":null', '')),
    payload('that says something besides', (all) => all.replace('null', '{"example":"example"}')),
    payload('with an unknown member', (all) => all.replace(/}$/, ',"example":true}')),
    payload('with an unknown critical member', (all) => all.replace('"critical":{', '"critical":{"example":true,')),
    payload('of another image', (all, keys) => digestOf(all, keys, `sha256:${NONE}`)),
    payload('of a digest in upper case', (all, keys) => digestOf(all, keys, `sha256:${keys.hex.toUpperCase()}`)),
    payload('of a digest without its algorithm', (all, keys) => digestOf(all, keys, keys.hex)),
    payload('of a digest with a space', (all, keys) => digestOf(all, keys, `${keys.image.digest} `)),
    payload('with critical twice, the first another', (all) => all.replace('{', '{"critical":{},')),
    payload('with critical in upper case', (all) => all.replace('"critical"', '"CRITICAL"')),
    payload('with the digest twice, the first another', (all) =>
      all.replace('"docker-manifest-digest"', '"docker-manifest-digest":"x","docker-manifest-digest"'),
    ),
    payload('with spaces', (all) => ` ${all}\n`),
    payload('with bytes behind it', (all) => `${all}{}`),
    payload('with a byte order mark', (all) => `\uFEFF${all}`),
    payload('that is none', () => 'text'),
    payload('that is a statement', (_, keys) => JSON.stringify(ordinary(keys))),
    signed('with SHA-384', (bytes, { key }) => sig(bytes, key, 'sha384')),
    signed('with SHA-512', (bytes, { key }) => sig(bytes, key, 'sha512')),
    signed('as two numbers', (bytes, { key }) =>
      sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64'),
    ),
    signed('by a stranger', (bytes, { stranger }) => sig(bytes, stranger)),
    signed('as a statement would be', (bytes, { key }) => sig(Buffer.from(preAuthEncoding(IN_TOTO, bytes)), key)),
  ];
}
