import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { generateKeyPair, signBundle, signLegacy } from '../../local/signer/signer.js';
import type { SignatureCandidate } from '../../shared/signature/candidate.js';
import { parseIdentity } from '../../shared/signature/cosign/identity.js';
import { cosignTrust } from '../../shared/signature/cosign/trust.js';
import { parsePublicKey } from '../../shared/signature/trust.js';
import { verifySignatures } from '../../shared/signature/verify-signatures.js';
import { MAX_WORK, workOfCosign, workOfNotation } from '../../shared/signature/work.js';
import { toCandidate } from '../support/sigstore-world.js';

const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
const subject = { digest: image.digest, mediaType: image.mediaType, size: image.bytes.byteLength };
const keys = generateKeyPair();
const good = toCandidate(signBundle(image, keys));
const legacy = toCandidate(signLegacy(image, generateKeyPair(), 'r.azurecr.io/app').artifact);
const pemOf = (kind: 'ed25519' | 'P-521') => {
  const { publicKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: kind });
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
};
const many = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));
const trustIn = (...pems: string[]) =>
  cosignTrust({ keys: pems.map((pem, at) => parsePublicKey(`${at}.pub`, pem)), transparencyLog: 'ignored' });
const layers = (count: number): SignatureCandidate => ({
  ...legacy,
  manifest: { ...legacy.manifest, layers: many(count, () => legacy.manifest.layers[0]!) },
  payloads: many(count, () => legacy.payloads[0]!),
});
const verify = (candidates: readonly SignatureCandidate[], cosign = trustIn(keys.publicKey)) =>
  verifySignatures(
    { subject, candidates, truncated: false, revocation: new Map() },
    { require: 'all', cosign, attestations: [] },
    new Date('2026-12-01T00:00:00Z'),
  );

describe('the work of a verification', () => {
  it('is bounded: what is beyond it is inconclusive, and quickly so', () => {
    const strange = trustIn(...many(50, () => pemOf('P-521')));
    const begun = performance.now();
    expect(verify([layers(100)], strange)).toMatchObject({ outcome: 'inconclusive', code: 'LIMIT' });
    expect(verify(many(100, () => layers(100)))).toMatchObject({ outcome: 'inconclusive', code: 'LIMIT' });
    expect(performance.now() - begun).toBeLessThan(5000);
  });
  it('leaves a good signature that was looked at before good', () => {
    expect(verify([good, ...many(100, () => layers(100))])).toMatchObject({ outcome: 'verified' });
    expect(verify([...many(100, () => layers(100)), good])).toMatchObject({ outcome: 'inconclusive', code: 'LIMIT' });
  });
  it('is enough for as many signatures and keys as a policy may have', () => {
    expect(workOfCosign(layers(100), trustIn(...many(50, () => keys.publicKey)))).toBeLessThan(MAX_WORK);
    const identity = parseIdentity({ subject: 'a@example.com', issuer: 'https://token.example' });
    expect(100 * workOfCosign(good, cosignTrust({ identities: [identity] }))).toBeLessThan(MAX_WORK);
  });
  it('grows with layers, keys, their kind, bytes and annotations', () => {
    const one = workOfCosign(layers(1), trustIn(keys.publicKey));
    expect(workOfCosign(layers(7), trustIn(keys.publicKey))).toBeCloseTo(7 * one);
    expect(workOfCosign(layers(1), trustIn(keys.publicKey, keys.publicKey))).toBeGreaterThan(one);
    expect(workOfCosign(layers(1), trustIn(pemOf('P-521')))).toBeGreaterThan(10 * one);
    expect(workOfCosign(layers(1), trustIn(pemOf('ed25519')))).toBeGreaterThan(5 * one);
    const [payload] = legacy.payloads;
    const large = { ...legacy, payloads: [{ ...payload!, bytes: Buffer.alloc(500_000) }] };
    expect(workOfCosign(large, trustIn(keys.publicKey))).toBeGreaterThan(10 * one);
    const annotated = { ...payload!, descriptor: { ...payload!.descriptor, annotations: { x: 'x'.repeat(500_000) } } };
    expect(workOfCosign({ ...legacy, payloads: [annotated] }, trustIn(keys.publicKey))).toBeGreaterThan(10 * one);
  });
  it('is none for the other kind', () => {
    expect(workOfNotation(good)).toBe(0);
    expect(workOfCosign({ ...good, kind: 'notation' }, trustIn(keys.publicKey))).toBe(0);
    expect(workOfNotation({ ...good, kind: 'notation' })).toBeGreaterThan(0);
  });
});
