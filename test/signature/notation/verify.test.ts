import { describe, expect, it } from 'vitest';
import { MediaType } from '../../../shared/artifact/media-type.js';
import { digestOf } from '../../../shared/artifact/digest.js';
import { verifyNotation } from '../../../shared/signature/notation/verify.js';
import { type Made, NOW, daysFromNow, makeCertificate } from '../../support/certificates.js';
import * as notation from '../../support/notation.js';

const { PAYLOAD, SIGNER, SUBJECT, attach, goodChain, parsed, signCose, signJws, trustOf, verifyEnvelope } = notation;
const level = (name: string, override = {}) => ({ signatureVerification: { level: name, override } });
const context = { subject: SUBJECT, now: NOW, revocation: new Map() };
const target = PAYLOAD.targetArtifact;
const outcomes = (judged: ReturnType<typeof verifyEnvelope>) =>
  Object.fromEntries(judged.checks.map(({ type, action, outcome }) => [type, `${action} ${outcome}`]));
const storeOf = (...made: readonly Made[]) => new Map([['ca:ours' as const, parsed(...made)]]);

describe('the manifest of a Notation signature', () => {
  const envelope = signJws();
  const good = attach(envelope);
  const layer = good.manifest.layers[0]!;
  const empty = good.manifest.config;
  const legacy = { artifactType: undefined, config: { ...empty, mediaType: MediaType.notarySignature } };
  const judge = (...[change, payloads]: [Parameters<typeof attach>[1]?, Parameters<typeof attach>[2]?]) =>
    verifyNotation(attach(envelope, change, payloads), context, trustOf());

  it('may have both of its forms', () => {
    expect(judge()).toMatchObject({ outcome: 'verified' });
    expect(judge(legacy)).toMatchObject({ outcome: 'verified' });
  });

  it.each<readonly [why: string, code: string, change: Parameters<typeof attach>[1]]>([
    ['another artifact type', 'SIGNATURE_WRONG_TYPE', { artifactType: 'application/x' }],
    [
      'another artifact type over the old configuration',
      'SIGNATURE_WRONG_TYPE',
      { ...legacy, artifactType: 'application/x' },
    ],
    ['both forms at once', 'SIGNATURE_WRONG_TYPE', { ...legacy, artifactType: MediaType.notarySignature }],
    ['another configuration', 'SIGNATURE_WRONG_TYPE', { config: { ...empty, digest: digestOf('x') } }],
    ['an empty configuration of another size', 'SIGNATURE_WRONG_TYPE', { config: { ...empty, size: 3 } }],
    ['neither of the forms', 'SIGNATURE_WRONG_TYPE', { artifactType: undefined }],
    ['a media type of Docker', 'SIGNATURE_WRONG_TYPE', { mediaType: MediaType.dockerManifest }],
    ['no layer', 'SIGNATURE_MALFORMED', { layers: [] }],
    ['two layers', 'SIGNATURE_MALFORMED', { layers: [layer, layer] }],
    ['a layer of another type', 'SIGNATURE_WRONG_TYPE', { layers: [{ ...layer, mediaType: 'application/json' }] }],
    [
      'a layer of the type of the other form',
      'SIGNATURE_MALFORMED',
      { layers: [{ ...layer, mediaType: 'application/cose' }] },
    ],
    ['a layer of another digest', 'SIGNATURE_MALFORMED', { layers: [{ ...layer, digest: digestOf('x') }] }],
    ['a layer of another size', 'SIGNATURE_MALFORMED', { layers: [{ ...layer, size: layer.size + 1 }] }],
    ['a layer that is too large', 'SIGNATURE_MALFORMED', { layers: [{ ...layer, size: 2 ** 30 }] }],
    ['no subject', 'SIGNATURE_OTHER_DIGEST', { subject: undefined }],
    ['another subject', 'SIGNATURE_OTHER_DIGEST', { subject: { ...SUBJECT, digest: digestOf('x') } }],
    ['a subject of another type', 'SIGNATURE_OTHER_DIGEST', { subject: { ...SUBJECT, mediaType: MediaType.ociIndex } }],
    ['a subject of another size', 'SIGNATURE_OTHER_DIGEST', { subject: { ...SUBJECT, size: 1 } }],
  ])('is refused with %s', (_, code, change) => {
    expect(judge(change)).toMatchObject({ outcome: 'refused', code, needs: [] });
  });

  it('is refused where its layer was not fetched, or is another', () => {
    const bytes = Buffer.from('other');
    expect(judge({}, [])).toMatchObject({ code: 'SIGNATURE_MALFORMED' });
    expect(judge({}, [{ descriptor: layer, bytes }])).toMatchObject({ code: 'SIGNATURE_MALFORMED' });
    expect(judge({}, [good.payloads[0]!, good.payloads[0]!])).toMatchObject({ code: 'SIGNATURE_MALFORMED' });
  });

  it('is not believed in its annotations', () => {
    const annotations = {
      'io.cncf.notary.x509chain.thumbprint#S256': '["00"]',
      'org.opencontainers.image.created': 'x',
    };
    expect(judge({ annotations })).toMatchObject({ outcome: 'verified' });
  });
});

describe.each([
  ['JWS', signJws],
  ['COSE', signCose],
] as const)('the payload of %s', (_, sign) => {
  const raw = (text: string) => ({ rawPayload: Buffer.from(text) });
  const targetOf = (change: object) => ({ payload: { targetArtifact: { ...target, ...change } } });
  const text = JSON.stringify(PAYLOAD);

  it.each<readonly [why: string, code: string, options: Parameters<typeof sign>[0]]>([
    ['another digest', 'SIGNATURE_OTHER_DIGEST', targetOf({ digest: digestOf('x') })],
    ['a digest in upper case', 'SIGNATURE_OTHER_DIGEST', targetOf({ digest: target.digest.toUpperCase() })],
    ['another media type', 'SIGNATURE_OTHER_DIGEST', targetOf({ mediaType: MediaType.ociIndex })],
    ['another size', 'SIGNATURE_OTHER_DIGEST', targetOf({ size: target.size + 1 })],
    ['a size that is a text', 'SIGNATURE_MALFORMED', targetOf({ size: String(target.size) })],
    ['a size with a fraction', 'SIGNATURE_MALFORMED', raw(text.replace(/"size":\d+/, '$&.0'))],
    ['a size that is rounded', 'SIGNATURE_MALFORMED', raw(text.replace(/"size":\d+/, '$&.00000000000000000001'))],
    ['no digest', 'SIGNATURE_MALFORMED', targetOf({ digest: undefined })],
    ['no media type', 'SIGNATURE_MALFORMED', targetOf({ mediaType: undefined })],
    ['no size', 'SIGNATURE_MALFORMED', targetOf({ size: undefined })],
    ['a platform', 'SIGNATURE_MALFORMED', targetOf({ platform: {} })],
    ['addresses', 'SIGNATURE_MALFORMED', targetOf({ urls: ['https://x'] })],
    ['annotations that are no text', 'SIGNATURE_MALFORMED', targetOf({ annotations: { a: 1 } })],
    ['no target', 'SIGNATURE_MALFORMED', { payload: {} }],
    ['a second target', 'SIGNATURE_MALFORMED', { payload: { ...PAYLOAD, TargetArtifact: target } }],
    ['a target in a list', 'SIGNATURE_MALFORMED', { payload: [PAYLOAD] }],
    ['a target twice', 'SIGNATURE_MALFORMED', raw(`${text.slice(0, -1)},"targetArtifact":{}}`)],
    ['a digest twice', 'SIGNATURE_MALFORMED', raw(text.replace('"digest"', '"digest":"x","digest"'))],
    ['no JSON', 'SIGNATURE_MALFORMED', raw('text')],
    ['something behind it', 'SIGNATURE_MALFORMED', raw(`${text}{}`)],
    ['a byte order mark', 'SIGNATURE_MALFORMED', raw(`\uFEFF${text}`)],
  ])('is refused with %s', (_why, code, options) => {
    const judged = verifyEnvelope(sign(options));
    expect(judged).toMatchObject({ outcome: 'refused', code });
    expect(outcomes(judged)['subject']).toBe('enforced failed');
    // Whatever the level.
    expect(verifyEnvelope(sign(options), trustOf(level('audit')))).toMatchObject({ outcome: 'refused', code });
  });

  it('may have annotations and an artifact type', () => {
    const options = targetOf({ annotations: { 'com.example.build': '7' }, artifactType: 'application/x' });
    expect(verifyEnvelope(sign(options))).toMatchObject({ outcome: 'verified' });
  });
});

describe('the signer', () => {
  it('is refused by another root, though it has the same name', () => {
    const twin = makeCertificate({
      subject: 'root',
      basicConstraints: { ca: true },
      keyUsage: { usages: ['keyCertSign'] },
    });
    expect(twin.certificate.subjectDer).toEqual(goodChain.root.certificate.subjectDer);
    expect(verifyEnvelope(signJws(), trustOf({}, storeOf(twin)))).toMatchObject({
      outcome: 'refused',
      code: 'NOTATION_UNTRUSTED_CERTIFICATE',
    });
  });

  it('is refused by the root itself, reissued with the same key', () => {
    const { keys, subjectDer } = goodChain.root;
    const again = makeCertificate({
      subjectDer,
      keys,
      basicConstraints: { ca: true },
      keyUsage: { usages: ['keyCertSign'] },
    });
    expect(verifyEnvelope(signJws(), trustOf({}, storeOf(again)))).toMatchObject({
      code: 'NOTATION_UNTRUSTED_CERTIFICATE',
    });
  });

  it('is verified by an authority between, and by the certificate itself', () => {
    for (const made of [goodChain.intermediate, goodChain.leaf]) {
      expect(verifyEnvelope(signJws(), trustOf({}, storeOf(made)))).toMatchObject({ outcome: 'verified' });
    }
  });

  it('is verified with a single certificate, signed by itself', () => {
    const alone = makeCertificate({ subjectDer: SIGNER, keyUsage: { usages: ['digitalSignature'] } });
    const envelope = signJws({ chain: [alone], keys: alone.keys });
    expect(verifyEnvelope(envelope, trustOf({}, storeOf(alone)))).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(envelope)).toMatchObject({ code: 'NOTATION_UNTRUSTED_CERTIFICATE' });
  });

  it('is refused as another identity, and verified as any', () => {
    const other = ['x509.subject: C=DE, ST=Hessen, O=Other', 'x509.subject: C=DE, ST=Bayern, O=Lazaret'];
    expect(verifyEnvelope(signJws(), trustOf({ trustedIdentities: other }))).toMatchObject({
      outcome: 'refused',
      code: 'NOTATION_UNTRUSTED_IDENTITY',
    });
    expect(verifyEnvelope(signJws(), trustOf({ trustedIdentities: ['*'] }))).toMatchObject({ outcome: 'verified' });
    expect(
      verifyEnvelope(signJws(), trustOf({ trustedIdentities: [...other, notation.SIGNER_IDENTITY] })),
    ).toMatchObject({
      outcome: 'verified',
    });
  });

  it('is inconclusive where a store of the policy is not there', () => {
    const trust = trustOf({ trustStores: ['ca:ours', 'ca:other'] });
    expect(verifyEnvelope(signJws(), trust)).toMatchObject({ outcome: 'inconclusive', code: 'NOTATION_NO_STORE' });
    expect(verifyEnvelope(signJws(), trustOf({}, new Map()))).toMatchObject({ code: 'NOTATION_NO_STORE' });
  });

  it('is refused without a certificate that leads on, in the wrong order, or with one too many', () => {
    const [leaf, intermediate, root] = goodChain.made;
    for (const chain of [
      [leaf],
      [leaf, intermediate],
      [leaf, root],
      [leaf, root, intermediate],
      [...goodChain.made, root],
    ]) {
      const judged = verifyEnvelope(signJws({ chain }), trustOf(level('audit')));
      expect(judged).toMatchObject({ outcome: 'refused', code: 'CHAIN_INVALID' });
    }
  });

  it('is refused with a certificate that may not sign code, at every level', () => {
    const { leaf, made } = notation.signerChain({ leaf: { keyUsage: { usages: ['keyEncipherment'] } } });
    for (const name of ['strict', 'permissive', 'audit']) {
      const envelope = signJws({ chain: made, keys: leaf.keys });
      expect(verifyEnvelope(envelope, trustOf(level(name)))).toMatchObject({
        outcome: 'refused',
        code: 'CERTIFICATE_FORBIDDEN',
      });
    }
  });
});

describe('the levels of a trust policy', () => {
  const expired = { crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry'], 'io.cncf.notary.expiry': NOW };
  const stranger = trustOf({ ...level('audit'), trustedIdentities: ['x509.subject: C=DE, ST=a, O=b'] });

  it('enforce, or tell, that a signature has expired', () => {
    for (const name of ['permissive', 'audit']) {
      const judged = verifyEnvelope(signJws({ header: expired }), trustOf(level(name)));
      expect(judged).toMatchObject({ outcome: 'verified' });
      expect(outcomes(judged)).toMatchObject({ expiry: 'logged failed', authenticTimestamp: 'logged ok' });
    }
    const overridden = trustOf(level('permissive', { expiry: 'enforce' }));
    expect(verifyEnvelope(signJws({ header: expired }), overridden)).toMatchObject({ code: 'SIGNATURE_EXPIRED' });
  });

  it('enforce, or tell, that a certificate has expired', () => {
    const now = daysFromNow(31);
    expect(verifyEnvelope(signJws(), trustOf(), { now })).toMatchObject({
      outcome: 'refused',
      code: 'CERTIFICATE_EXPIRED',
    });
    const judged = verifyEnvelope(signJws(), trustOf(level('permissive')), { now });
    expect(judged).toMatchObject({ outcome: 'verified' });
    expect(outcomes(judged)).toMatchObject({ authenticTimestamp: 'logged failed' });
  });

  it('refuse certificates that are not valid yet', () => {
    const now = daysFromNow(-31);
    expect(verifyEnvelope(signJws(), trustOf(), { now })).toMatchObject({ code: 'CERTIFICATE_NOT_YET_VALID' });
  });

  it('tell with audit that nobody trusted has signed, and name no signer', () => {
    const judged = verifyEnvelope(signJws(), stranger);
    expect(judged).toMatchObject({ outcome: 'verified', needs: [] });
    expect(judged).not.toHaveProperty('signer');
    expect(outcomes(judged)).toMatchObject({
      integrity: 'enforced ok',
      authenticity: 'logged failed',
      subject: 'enforced ok',
    });
  });

  it('never let pass with audit what does not hold', () => {
    expect(verifyEnvelope(signJws({ keys: notation.signerChain().leaf.keys }), stranger)).toMatchObject({
      outcome: 'refused',
      code: 'SIGNATURE_INVALID',
    });
  });

  it('let nothing pass without a statement, or with skip', () => {
    const trust = trustOf();
    const { bytes, mediaType } = signJws();
    expect(
      verifyNotation(attach({ bytes, mediaType }), context, { ...trust, scope: 'registry.example/other' }),
    ).toMatchObject({
      outcome: 'refused',
      code: 'NOTATION_NO_POLICY',
    });
    const skipped = trustOf({ signatureVerification: { level: 'skip' }, trustStores: [], trustedIdentities: [] });
    expect(verifyEnvelope(signJws(), skipped)).toMatchObject({ outcome: 'inconclusive', code: 'NOTATION_SKIPPED' });
  });
});
