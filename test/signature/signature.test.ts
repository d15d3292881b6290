import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { attachBundle, generateKeyPair, signBundle, signLegacy } from '../../local/signer/signer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { type SingleManifest, parseManifest } from '../../shared/artifact/manifest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type SignatureCandidate, signatureKind } from '../../shared/signature/candidate.js';
import { cosignTrust } from '../../shared/signature/cosign/trust.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { verifySignatures } from '../../shared/signature/verify-signatures.js';
import * as der from '../support/der.js';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '..', 'fixtures', 'cosign', name));

function toCandidate(manifestBytes: Uint8Array, blobs: readonly Uint8Array[]): SignatureCandidate {
  const manifest = parseManifest(manifestBytes, { mediaType: MediaType.ociManifest }) as SingleManifest;
  const payloads = manifest.layers.flatMap((descriptor) => {
    const bytes = blobs.find((blob) => digestOf(blob) === descriptor.digest);
    return bytes === undefined ? [] : [{ descriptor, bytes }];
  });
  return { kind: signatureKind(manifest)!, manifestDigest: digestOf(manifestBytes), manifest, payloads };
}

const ofArtifact = (artifact: sample.Artifact) =>
  toCandidate(
    artifact.bytes,
    artifact.blobs.map(({ bytes }) => bytes),
  );
const keys = generateKeyPair();
const NOW = new Date('2026-06-01T12:00:00Z');
const subjectOf = ({ digest, mediaType, bytes }: sample.Artifact) => ({ digest, mediaType, size: bytes.byteLength });
const trusted = [parsePublicKey('ours.pub', keys.publicKey)];
const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
const other = await sample.imageOf([{ path: 'a', content: 'b' }]);

function verify(
  candidates: readonly SignatureCandidate[],
  options: { truncated?: boolean; trust?: typeof trusted; subject?: typeof image.digest } = {},
) {
  const subject = { ...subjectOf(image), digest: options.subject ?? image.digest };
  const evidence = { subject, candidates, truncated: options.truncated ?? false, revocation: new Map() };
  const cosign = cosignTrust({ keys: options.trust ?? trusted, transparencyLog: 'ignored' });
  const requirement = { require: 'any', cosign, attestations: [] } as const;
  return verifySignatures(evidence, requirement, NOW);
}

interface LooseBundle {
  mediaType: string;
  verificationMaterial: { publicKey?: unknown };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

/** A bundle of ours with its JSON changed. */
function tampered(change: (bundle: LooseBundle) => unknown): SignatureCandidate {
  const layer = signBundle(image, keys).blobs[1]!.bytes;
  const bundle = JSON.parse(Buffer.from(layer).toString()) as LooseBundle;
  return ofArtifact(attachBundle(image, Buffer.from(JSON.stringify(change(bundle) ?? bundle))));
}

describe('signatures made by the real cosign', () => {
  const subject = digestOf(fixture('subject.json'));
  const trust = [parsePublicKey('cosign.pub', fixture('cosign.pub').toString())];
  const load = (name: string) => toCandidate(fixture(`${name}-manifest.json`), [fixture(`${name}-layer-0.json`)]);

  it.each(['bundle', 'legacy'])('verifies its %s', (name) => {
    expect(verify([load(name)], { trust, subject })).toMatchObject({
      outcome: 'verified',
      signatures: [{ signer: 'cosign.pub' }],
    });
  });
  it('does not take its attestation for a signature', () => {
    expect(verify([load('attestation')], { trust, subject })).toMatchObject({
      outcome: 'untrusted',
      code: 'SIGNATURE_WRONG_PREDICATE',
    });
  });
  it.each(['bundle', 'legacy'])('refuses its %s under another key', (name) => {
    expect(verify([load(name)], { subject })).toMatchObject({ outcome: 'untrusted', code: 'SIGNATURE_UNTRUSTED_KEY' });
  });
  it.each(['bundle', 'legacy'])('refuses its %s for another image', (name) => {
    expect(verify([load(name)], { trust }).code).toBe('SIGNATURE_OTHER_DIGEST');
  });
});

describe('attacks on bundles', () => {
  it.each([
    [
      'moved from another image',
      ofArtifact(attachBundle(image, signBundle(other, keys).blobs[1]!.bytes)),
      'SIGNATURE_OTHER_DIGEST',
    ],
    [
      'a referrer of another image',
      ofArtifact(attachBundle(other, signBundle(image, keys).blobs[1]!.bytes)),
      'SIGNATURE_OTHER_DIGEST',
    ],
    ['another key', ofArtifact(signBundle(image, generateKeyPair())), 'SIGNATURE_UNTRUSTED_KEY'],
    [
      'an attestation of our key',
      ofArtifact(signBundle(image, keys, { predicateType: 'https://slsa.dev/verification_summary/v1' })),
      'SIGNATURE_WRONG_PREDICATE',
    ],
    [
      'another payload type',
      ofArtifact(signBundle(image, keys, { payloadType: 'text/plain' })),
      'SIGNATURE_WRONG_TYPE',
    ],
    [
      'an upper-case digest',
      ofArtifact(signBundle(image, keys, { statementDigest: image.digest.slice(7).toUpperCase() })),
      'SIGNATURE_OTHER_DIGEST',
    ],
    [
      'a changed payload',
      tampered((bundle) => void (bundle.dsseEnvelope.payload = Buffer.from('{}').toString('base64'))),
      'SIGNATURE_UNTRUSTED_KEY',
    ],
    [
      'a changed payload type',
      tampered((bundle) => void (bundle.dsseEnvelope.payloadType = 'x')),
      'SIGNATURE_UNTRUSTED_KEY',
    ],
    [
      'an empty signature',
      tampered((bundle) => void (bundle.dsseEnvelope.signatures[0]!.sig = '')),
      'SIGNATURE_MALFORMED',
    ],
    [
      'broken base64',
      tampered((bundle) => void (bundle.dsseEnvelope.signatures[0]!.sig = 'a$b=')),
      'SIGNATURE_MALFORMED',
    ],
    ['no signature', tampered((bundle) => void (bundle.dsseEnvelope.signatures = [])), 'SIGNATURE_MALFORMED'],
    [
      'two signatures',
      tampered((bundle) => bundle.dsseEnvelope.signatures.push(bundle.dsseEnvelope.signatures[0]!) && bundle),
      'SIGNATURE_MALFORMED',
    ],
    ['an unknown member', tampered((bundle) => ({ ...bundle, surprise: true })), 'SIGNATURE_MALFORMED'],
    ['no key', tampered((bundle) => ({ ...bundle, verificationMaterial: {} })), 'SIGNATURE_MALFORMED'],
    [
      'a signature over a message',
      tampered(({ mediaType, verificationMaterial }) => ({ mediaType, verificationMaterial, messageSignature: {} })),
      'SIGNATURE_WRONG_TYPE',
    ],
    [
      'a certificate, where no identity is trusted',
      tampered((bundle) => ({ ...bundle, verificationMaterial: { certificate: { rawBytes: 'AAAA' } } })),
      'SIGNATURE_UNTRUSTED_IDENTITY',
    ],
    ['no JSON', ofArtifact(attachBundle(image, Buffer.from('nothing'))), 'SIGNATURE_MALFORMED'],
  ])('refuses %s', (_, candidate, code) => {
    expect(verify([candidate])).toMatchObject({ outcome: 'untrusted', code });
  });

  it.each([
    [
      'another version',
      tampered((bundle) => ({ ...bundle, mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' })),
    ],
  ])('cannot judge %s, which is no pass', (_, candidate) => {
    expect(verify([candidate])).toMatchObject({ outcome: 'inconclusive', code: 'UNSUPPORTED' });
  });
});

describe('attacks on .sig manifests', () => {
  const legacy = (subject = image, pair = keys) => ofArtifact(signLegacy(subject, pair, 'r/app').artifact);
  it('verifies one of ours', () => expect(verify([legacy()]).outcome).toBe('verified'));
  it.each([
    ['for another image', legacy(other), 'SIGNATURE_OTHER_DIGEST'],
    ['by another key', legacy(image, generateKeyPair()), 'SIGNATURE_UNTRUSTED_KEY'],
    ['without its payload', { ...legacy(), payloads: [] }, 'SIGNATURE_MALFORMED'],
    [
      'with another payload',
      { ...legacy(), payloads: [{ ...legacy().payloads[0]!, bytes: Buffer.from('{}') }] },
      'SIGNATURE_MALFORMED',
    ],
  ])('refuses one %s', (_, candidate, code) =>
    expect(verify([candidate])).toMatchObject({ outcome: 'untrusted', code }),
  );
});

describe('all candidates together', () => {
  const good = ofArtifact(signBundle(image, keys));
  const bad = ofArtifact(signBundle(image, generateKeyPair()));
  const odd = tampered((bundle) => ({ ...bundle, mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' }));
  it.each([
    [[], 'missing', 'SIGNATURE_MISSING'],
    [[bad, good], 'verified', 'SIGNATURE_VERIFIED'],
    [[odd, bad, good], 'verified', 'SIGNATURE_VERIFIED'],
    [[bad, odd], 'inconclusive', 'UNSUPPORTED'],
    [[bad, bad], 'untrusted', 'SIGNATURE_UNTRUSTED_KEY'],
  ] as const)('%#: %3$s', (candidates, outcome, code) => expect(verify(candidates)).toMatchObject({ outcome, code }));

  it('does not hide that there were more than are looked at', () => {
    expect(verify([bad], { truncated: true })).toMatchObject({ outcome: 'inconclusive', code: 'LIMIT' });
    expect(verify([bad, good], { truncated: true }).outcome).toBe('verified');
  });
  it('trusts nobody without keys', () => expect(verify([good], { trust: [] }).outcome).toBe('untrusted'));
});

describe('public keys', () => {
  /** A key of any size that nobody has the other half of. */
  const rsaPem = (bits: number) => {
    const key = der.bits(der.seq(der.int(2n ** BigInt(bits - 1) + 1n), der.int(65537)));
    const spki = der.seq(der.seq(der.oid('1.2.840.113549.1.1.1'), der.nothing()), key);
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
      .export({ type: 'spki', format: 'pem' })
      .toString();
  };
  const pem = (type: 'ec' | 'rsa' | 'ed25519' | 'x25519', options: object = {}) =>
    (generateKeyPairSync as (type: string, options: object) => { publicKey: { export: (o: object) => string } })(
      type,
      options,
    ).publicKey.export({ type: 'spki', format: 'pem' });
  it.each([
    ['P-256', pem('ec', { namedCurve: 'P-256' })],
    ['P-384', pem('ec', { namedCurve: 'P-384' })],
    ['P-521', pem('ec', { namedCurve: 'P-521' })],
    ['RSA 2048', pem('rsa', { modulusLength: 2048 })],
    ['RSA 8192', rsaPem(8192)],
    ['Ed25519', pem('ed25519')],
  ])('takes %s', (_, text) => expect(parsePublicKey('k', text).hint).toHaveLength(44));
  it.each([
    ['a private key', keys.privateKey],
    ['RSA 1024', pem('rsa', { modulusLength: 1024 })],
    ['RSA 8200', rsaPem(8200)],
    ['secp256k1', pem('ec', { namedCurve: 'secp256k1' })],
    ['a key for agreement', pem('x25519')],
    ['two keys', keys.publicKey + keys.publicKey],
    ['nothing', ''],
    ['text', 'key'],
  ])('refuses %s', (_, text) =>
    expect(() => parsePublicKey('k', text)).toThrow(expect.objectContaining({ code: 'INVALID_PUBLIC_KEY' })),
  );
});
