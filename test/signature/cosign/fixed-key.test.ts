import { constants, sign } from 'node:crypto';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { preAuthEncoding } from '../../../shared/signature/cosign/envelope.js';
import type { CosignTrust } from '../../../shared/signature/cosign/trust.js';
import { type TrustedKey, parsePublicKey } from '../../../shared/signature/trust.js';
import { type KeyType, type Keys, makeKeys } from '../../support/certificates.js';
import { BODIES, type Logged, makeLog } from '../../support/sigstore-logs.js';
import { type BundleOptions, REKOR2, goodEntry, judgeBundle, makeBundle, trust } from '../../support/sigstore-world.js';

const trustedKey = ({ publicKey }: Keys, name = 'ours.pub'): TrustedKey =>
  parsePublicKey(name, publicKey.export({ type: 'spki', format: 'pem' }).toString());
const ours = makeKeys();
const byKey = (keys: readonly TrustedKey[], changes: Partial<CosignTrust> = {}) =>
  trust({ keys, identities: [], transparencyLog: 'ignored', ...changes });
const IN_TOTO = 'application/vnd.in-toto+json';

/** A bundle by a fixed key, in no log, with a signature of one's own. */
function signedBy(keys: Keys, signer: (bytes: Buffer) => Buffer) {
  const bundle = makeBundle({ key: ours, entries: () => [] });
  const { payload } = bundle.dsseEnvelope;
  const signature = signer(Buffer.from(preAuthEncoding(IN_TOTO, Buffer.from(payload, 'base64'))));
  bundle.dsseEnvelope.signatures[0]!.sig = signature.toString('base64');
  Object.assign(bundle.verificationMaterial, { publicKey: { hint: trustedKey(keys).hint } });
  return bundle;
}

describe('a signature by a fixed key', () => {
  it.each<[KeyType, string | null]>([
    ['P-256', 'sha256'],
    ['P-384', 'sha256'],
    ['P-384', 'sha384'],
    ['P-521', 'sha256'],
    ['P-521', 'sha512'],
    ['RSA-2048', 'sha256'],
    ['RSA-3072', 'sha256'],
    ['Ed25519', null],
  ])('holds with %s and %s', (type, hash) => {
    const keys = makeKeys(type);
    const bundle = signedBy(keys, (bytes) => sign(hash, bytes, keys.privateKey));
    expect(judgeBundle(bundle, byKey([trustedKey(keys)]))).toMatchObject({ outcome: 'verified', signer: 'ours.pub' });
  });

  const rsa = makeKeys('RSA-2048');
  it.each<[string, Keys, (bytes: Buffer) => Buffer]>([
    ['P-256 and SHA-512', ours, (bytes) => sign('sha512', bytes, ours.privateKey)],
    [
      'the raw form of ECDSA',
      ours,
      (bytes) => sign('sha256', bytes, { key: ours.privateKey, dsaEncoding: 'ieee-p1363' }),
    ],
    ['RSA and SHA-1', rsa, (bytes) => sign('sha1', bytes, rsa.privateKey)],
    [
      'RSASSA-PSS',
      rsa,
      (bytes) => sign('sha256', bytes, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
    ],
    ['something behind it', ours, (bytes) => Buffer.concat([sign('sha256', bytes, ours.privateKey), Buffer.from([0])])],
  ])('does not hold with %s', (_, keys, signer) => {
    const result = judgeBundle(signedBy(keys, signer), byKey([trustedKey(keys)]));
    expect(result).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_UNTRUSTED_KEY' });
  });

  it('may be one of Ed25519ph, which Cosign makes', () => {
    const keys = makeKeys('Ed25519');
    const { d } = keys.privateKey.export({ format: 'jwk' });
    const prehashed = signedBy(keys, (bytes) => Buffer.from(ed25519ph.sign(bytes, Buffer.from(d ?? '', 'base64url'))));
    const trust = byKey([trustedKey(keys)]);
    expect(judgeBundle(prehashed, trust).outcome).toBe('verified');
    expect(judgeBundle(prehashed, byKey([trustedKey(makeKeys('Ed25519'))])).code).toBe('SIGNATURE_UNTRUSTED_KEY');
    for (const bytes of [Buffer.alloc(64, 7), Buffer.alloc(64), Buffer.alloc(63, 1)]) {
      expect(
        judgeBundle(
          signedBy(keys, () => bytes),
          trust,
        ).outcome,
      ).toBe('refused');
    }
  });
  it('is by whichever trusted key made it, whatever the bundle hints at', () => {
    const bundle = makeBundle({ key: ours, entries: () => [] });
    Object.assign(bundle.verificationMaterial, { publicKey: { hint: trustedKey(makeKeys()).hint } });
    const keys = [trustedKey(makeKeys(), 'other.pub'), trustedKey(ours)];
    expect(judgeBundle(bundle, byKey(keys))).toMatchObject({ outcome: 'verified', signer: 'ours.pub' });
  });
  it('is by nobody where its hint is all that fits', () => {
    const bundle = makeBundle({ key: makeKeys(), entries: () => [] });
    Object.assign(bundle.verificationMaterial, { publicKey: { hint: trustedKey(ours).hint } });
    expect(judgeBundle(bundle, byKey([trustedKey(ours)])).code).toBe('SIGNATURE_UNTRUSTED_KEY');
  });
  it.each([
    ['', 'verified'],
    [trustedKey(ours).hint, 'verified'],
    ['somebody', 'refused'],
  ])('may be named in its envelope, but not as another: %s', (keyid, outcome) => {
    const bundle = makeBundle({ key: ours, entries: () => [] });
    bundle.dsseEnvelope.signatures[0]!.keyid = keyid;
    expect(judgeBundle(bundle, byKey([trustedKey(ours)])).outcome).toBe(outcome);
  });
  it('has the same signer under two names of one key', () => {
    const keys = [trustedKey(ours, 'a.pub'), trustedKey(ours, 'b.pub')];
    const signers = [1, 2].map(() => judgeBundle(makeBundle({ key: ours, entries: () => [] }), byKey(keys)).signer);
    expect(signers).toEqual(['a.pub', 'a.pub']);
  });
  it('does not count as that of an identity, nor the other way round', () => {
    expect(judgeBundle(makeBundle({ key: ours }), trust()).code).toBe('SIGNATURE_UNTRUSTED_KEY');
    const keys = makeKeys();
    const result = judgeBundle(makeBundle({ keys }), byKey([trustedKey(keys)]));
    expect(result.code).toBe('SIGNATURE_UNTRUSTED_IDENTITY');
  });
  it('tells that the log was not asked', () => {
    const { checks } = judgeBundle(makeBundle({ key: ours, entries: () => [] }), byKey([trustedKey(ours)]));
    expect(checks).toContainEqual(
      expect.objectContaining({ type: 'transparencyLog', action: 'skipped', outcome: 'skipped' }),
    );
  });
});

describe('a signature by a fixed key, where a log is required', () => {
  const required = (changes: Partial<CosignTrust> = {}) =>
    byKey([trustedKey(ours)], { transparencyLog: 'required', ...changes });
  const judged = (options: BundleOptions = {}, trusted = required()) =>
    judgeBundle(makeBundle({ key: ours, ...options }), trusted);
  it.each(['dsse 0.0.1', 'hashedrekord 0.0.1', 'intoto 0.0.2'] as const)(
    'holds with an entry of the kind %s',
    (body) => {
      expect(judged({ body }).outcome).toBe('verified');
    },
  );
  it.each(['dsse 0.0.2', 'hashedrekord 0.0.2'] as const)('holds with an entry of the kind %s', (body) => {
    expect(judged({ ...REKOR2, body }).outcome).toBe('verified');
  });
  const other = makeKeys();
  const otherKey = {
    pem: other.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    der: other.publicKey.export({ type: 'spki', format: 'der' }),
  };
  it.each<[string, BundleOptions, string]>([
    ['in no log', { entries: () => [] }, 'SIGNATURE_NOT_LOGGED'],
    ['in a log that nobody trusts', { entry: { log: makeLog('x.test') } }, 'SIGNATURE_NOT_LOGGED'],
    [
      'whose entry is by another key',
      { entries: (of: Logged) => [goodEntry({ ...of, ...otherKey })] },
      'SIGNATURE_NOT_LOGGED',
    ],
    [
      'whose entry is of something else',
      { entries: (of: Logged) => [goodEntry({ ...of, payload: Buffer.from('x') })] },
      'SIGNATURE_NOT_LOGGED',
    ],
    ['of which nobody tells the time', { ...REKOR2, timestamps: () => [] }, 'SIGNATURE_TIME_UNPROVEN'],
  ])('is refused: %s', (_, options, code) => {
    const result = judged(options);
    expect(result).toMatchObject({ outcome: 'refused', code });
    expect(result.checks.at(-1)).toMatchObject({ type: 'transparencyLog', outcome: 'failed' });
  });
  it('cannot be told without a trusted root', () => {
    const { trustedRoot, ...without } = required();
    expect(trustedRoot).toBeDefined();
    expect(judged({}, without)).toMatchObject({ outcome: 'inconclusive', code: 'TRUSTED_ROOT_MISSING' });
  });
  it('does not look at entries where they are ignored, however wrong', () => {
    const entries = (of: Logged) => [goodEntry({ ...of, payload: Buffer.from('x') })];
    expect(judged({ entries }, byKey([trustedKey(ours)])).outcome).toBe('verified');
    expect(Object.keys(BODIES)).toHaveLength(5);
  });
});
