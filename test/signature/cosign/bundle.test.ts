import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attachBundle } from '../../../local/signer/signer.js';
import { MediaType } from '../../../shared/artifact/media-type.js';
import type { SignatureCandidate } from '../../../shared/signature/candidate.js';
import { verifyCosign } from '../../../shared/signature/cosign/verify.js';
import { parsePublicKey } from '../../../shared/signature/trust.js';
import { makeKeys } from '../../support/certificates.js';
import {
  context,
  hang,
  image,
  judgeBundle,
  makeBundle,
  other,
  statementOf,
  toCandidate,
  trust,
} from '../../support/sigstore-world.js';

const keys = makeKeys();
const ours = trust({
  identities: [],
  keys: [parsePublicKey('ours.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }).toString())],
  transparencyLog: 'ignored',
});
type Bundle = ReturnType<typeof makeBundle>;
const signed = (options: Parameters<typeof makeBundle>[0] = {}) =>
  makeBundle({ key: keys, entries: () => [], ...options });
const changed = (change: (bundle: Bundle) => unknown) => {
  const bundle = signed();
  return change(bundle) ?? bundle;
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the form of a bundle', () => {
  it('is taken as it should be', () => expect(judgeBundle(signed(), ours).outcome).toBe('verified'));

  const text = JSON.stringify(signed());
  it.each<[string, object | string, string]>([
    ['nothing', '', 'SIGNATURE_MALFORMED'],
    ['no object', '[]', 'SIGNATURE_MALFORMED'],
    ['cut', text.slice(0, -1), 'SIGNATURE_MALFORMED'],
    ['with something behind it', `${text}{}`, 'SIGNATURE_MALFORMED'],
    ['with a byte order mark', `\ufeff${text}`, 'SIGNATURE_MALFORMED'],
    ['with a member twice', text.replace('{', `{"mediaType":"${MediaType.sigstoreBundle}",`), 'SIGNATURE_MALFORMED'],
    ['with a member twice, escaped', text.replace('{', '{"mediaTyp\\u0065":"x",'), 'SIGNATURE_MALFORMED'],
    ['with a member that nobody knows', { ...signed(), surprise: 1 }, 'SIGNATURE_MALFORMED'],
    ['without material', { ...signed(), verificationMaterial: undefined }, 'SIGNATURE_MALFORMED'],
    ['without a key', { ...signed(), verificationMaterial: {} }, 'SIGNATURE_MALFORMED'],
    [
      'with a key and a certificate',
      changed(
        ({ verificationMaterial: material }) => void Object.assign(material, { certificate: { rawBytes: 'AAAA' } }),
      ),
      'SIGNATURE_MALFORMED',
    ],
    [
      'with a chain',
      { ...signed(), verificationMaterial: { x509CertificateChain: { certificates: [{ rawBytes: 'AAAA' }] } } },
      'SIGNATURE_MALFORMED',
    ],
    [
      'with a certificate that is none',
      { ...signed(), verificationMaterial: { certificate: { rawBytes: 'AAAA' } } },
      'SIGNATURE_UNTRUSTED_IDENTITY',
    ],
    ['with a null', { ...signed(), messageSignature: null }, 'SIGNATURE_WRONG_TYPE'],
    ['without an envelope', { ...signed(), dsseEnvelope: undefined }, 'SIGNATURE_WRONG_TYPE'],
    [
      'over a message',
      {
        ...signed(),
        dsseEnvelope: undefined,
        messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' },
      },
      'SIGNATURE_WRONG_TYPE',
    ],
    ['with a message beside its envelope', { ...signed(), messageSignature: {} }, 'SIGNATURE_WRONG_TYPE'],
    ['without a signature', changed((bundle) => void (bundle.dsseEnvelope.signatures = [])), 'SIGNATURE_MALFORMED'],
    [
      'with a good signature and another',
      changed((bundle) => void bundle.dsseEnvelope.signatures.push({ sig: 'AAAA' })),
      'SIGNATURE_MALFORMED',
    ],
    [
      'with base64 that ends in other bits',
      changed(({ dsseEnvelope: envelope }) => void (envelope.payload = `${base64('{}').slice(0, -2)}1=`)),
      'SIGNATURE_MALFORMED',
    ],
    [
      'with base64 in lines',
      changed(({ dsseEnvelope: envelope }) => void (envelope.payload += '\n')),
      'SIGNATURE_MALFORMED',
    ],
    [
      'with an empty payload',
      changed(({ dsseEnvelope: envelope }) => void (envelope.payload = '')),
      'SIGNATURE_MALFORMED',
    ],
  ])('is refused: %s', (_, bundle, code) => {
    expect(judgeBundle(bundle, ours)).toMatchObject({ outcome: 'refused', code });
  });

  const entry = makeBundle().verificationMaterial.tlogEntries[0]!;
  const many = <T>(one: T, count: number) => Array.from({ length: count }, () => one);
  const material = (given: object) => ({
    ...signed(),
    verificationMaterial: { ...signed().verificationMaterial, ...given },
  });
  it.each<[string, object | string]>([
    ['of another version', { ...signed(), mediaType: 'application/vnd.dev.sigstore.bundle.v0.4+json' }],
    ['of an old version', { ...signed(), mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1' }],
    ['larger than a mebibyte', `${' '.repeat(1024 * 1024)}${text}`],
    ['with too many log entries', material({ tlogEntries: many(entry, 33) })],
    [
      'with too many timestamps',
      material({ timestampVerificationData: { rfc3161Timestamps: many({ signedTimestamp: 'AAAA' }, 33) } }),
    ],
    ['with a huge signature', changed((bundle) => void (bundle.dsseEnvelope.signatures[0]!.sig = 'A'.repeat(4096)))],
    ['about too many subjects', signed({ statement: statementOf({ subject: many(statementOf().subject[0], 1025) }) })],
  ])('cannot be told, which is no pass: %s', (_, bundle) => {
    const result = judgeBundle(bundle, ours);
    expect(result.outcome).toBe('inconclusive');
    expect(['LIMIT', 'UNSUPPORTED']).toContain(result.code);
  });
});

describe('the manifest of a bundle', () => {
  const good = hang(signed());
  const manifest = (changes: object): SignatureCandidate => ({ ...good, manifest: { ...good.manifest, ...changes } });
  const [layer] = good.manifest.layers;
  const judged = (candidate: SignatureCandidate) => verifyCosign(candidate, context, ours)[0];
  it.each<[string, SignatureCandidate, string]>([
    ['without a subject', manifest({ subject: undefined }), 'SIGNATURE_OTHER_DIGEST'],
    ['about another image', hang(signed(), other), 'SIGNATURE_OTHER_DIGEST'],
    [
      'with two layers',
      { ...manifest({ layers: [layer, layer] }), payloads: [good.payloads[0]!, good.payloads[0]!] },
      'SIGNATURE_MALFORMED',
    ],
    ['without a layer', { ...manifest({ layers: [] }), payloads: [] }, 'SIGNATURE_MALFORMED'],
    ['whose layer did not come', { ...good, payloads: [] }, 'SIGNATURE_MALFORMED'],
    [
      'whose layer is of another version',
      manifest({ layers: [{ ...layer, mediaType: 'application/vnd.dev.sigstore.bundle.v0.2+json' }] }),
      'UNSUPPORTED',
    ],
    ['of another artifact type', manifest({ artifactType: MediaType.sarif }), 'SIGNATURE_WRONG_TYPE'],
    [
      'with the configuration of an image',
      manifest({ config: { ...good.manifest.config, mediaType: MediaType.ociConfig } }),
      'SIGNATURE_WRONG_TYPE',
    ],
    ['without a type', manifest({ artifactType: undefined }), 'SIGNATURE_WRONG_TYPE'],
    [
      'with another layer than it says',
      { ...good, payloads: [{ ...good.payloads[0]!, bytes: Buffer.from(JSON.stringify(signed())) }] },
      'SIGNATURE_MALFORMED',
    ],
    ['whose layer is of another size', manifest({ layers: [{ ...layer, size: 1 }] }), 'SIGNATURE_MALFORMED'],
  ])('is refused: %s', (_, candidate, code) => {
    const result = judged(candidate);
    expect(result?.outcome).not.toBe('verified');
    expect(result?.code).toBe(code);
  });
  it('may say its type by its configuration', () => {
    const typed = manifest({
      artifactType: undefined,
      config: { ...good.manifest.config, mediaType: MediaType.sigstoreBundle },
    });
    expect(judged(typed)?.outcome).toBe('verified');
  });
  it('says nothing about what its annotations claim', () => {
    const artifact = attachBundle(
      image,
      Buffer.from(JSON.stringify(signed({ statement: statementOf({ predicateType: 'https://x.test' }) }))),
    );
    expect(judged(toCandidate(artifact))?.code).toBe('SIGNATURE_WRONG_PREDICATE');
  });
});

describe('the statement', () => {
  const hex = image.digest.slice(7);
  const subject = (digest: object) => ({ subject: [{ digest }] });
  it.each<[string, Parameters<typeof makeBundle>[0], string]>([
    ['is no JSON', { payload: Buffer.from('{') }, 'SIGNATURE_MALFORMED'],
    [
      'has a member twice',
      { payload: Buffer.from(JSON.stringify(statementOf()).replace('{', '{"predicateType":"x",')) },
      'SIGNATURE_MALFORMED',
    ],
    ['is of no type', { statement: statementOf({ _type: undefined }) }, 'SIGNATURE_MALFORMED'],
    [
      'is of another type',
      { statement: statementOf({ _type: 'https://in-toto.io/Statement/v2' }) },
      'SIGNATURE_WRONG_TYPE',
    ],
    ['is in another envelope', { payloadType: 'application/json' }, 'SIGNATURE_WRONG_TYPE'],
    ['is about nothing', { statement: statementOf({ subject: [] }) }, 'SIGNATURE_OTHER_DIGEST'],
    ['is about another image', { statement: statementOf({}, other.digest) }, 'SIGNATURE_OTHER_DIGEST'],
    [
      'writes the digest in upper case',
      { statement: statementOf(subject({ sha256: hex.toUpperCase() })) },
      'SIGNATURE_OTHER_DIGEST',
    ],
    [
      'writes the digest with its algorithm',
      { statement: statementOf(subject({ sha256: image.digest })) },
      'SIGNATURE_OTHER_DIGEST',
    ],
    ['calls the digest another one', { statement: statementOf(subject({ sha512: hex })) }, 'SIGNATURE_OTHER_DIGEST'],
    [
      'says that a scan has failed',
      { statement: statementOf({ predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1' }) },
      'SIGNATURE_WRONG_PREDICATE',
    ],
    [
      'says that the verification has failed',
      {
        statement: statementOf({
          predicateType: 'https://slsa.dev/verification_summary/v1',
          predicate: { verificationResult: 'FAILED' },
        }),
      },
      'SIGNATURE_WRONG_PREDICATE',
    ],
    [
      'is of almost the type',
      { statement: statementOf({ predicateType: 'https://sigstore.dev/cosign/sign/v1/' }) },
      'SIGNATURE_WRONG_PREDICATE',
    ],
  ])('is refused where it %s, though its key is ours', (_, options, code) => {
    expect(judgeBundle(signed(options), ours)).toMatchObject({ outcome: 'refused', code });
  });
  it('may be about other images as well', () => {
    const statement = statementOf({ subject: [{ digest: { sha256: 'x' } }, ...statementOf().subject] });
    expect(judgeBundle(signed({ statement }), ours).outcome).toBe('verified');
  });
  it('is not read before its signature holds', () => {
    const result = judgeBundle(makeBundle({ key: makeKeys(), entries: () => [], payload: Buffer.from('{') }), ours);
    expect(result.code).toBe('SIGNATURE_UNTRUSTED_KEY');
  });
});

describe('what is signed', () => {
  const bundle = signed();
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64');
  it('does not verify with any one byte changed', () => {
    fc.assert(
      fc.property(fc.nat({ max: payload.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(payload);
        bytes[at] = bytes[at]! ^ flip;
        const envelope = { ...bundle.dsseEnvelope, payload: bytes.toString('base64') };
        expect(judgeBundle({ ...bundle, dsseEnvelope: envelope }, ours).code).toBe('SIGNATURE_UNTRUSTED_KEY');
      }),
    );
  });
  it('does not verify with its type changed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 64 }), (payloadType) => {
        fc.pre(payloadType !== bundle.dsseEnvelope.payloadType);
        const envelope = { ...bundle.dsseEnvelope, payloadType };
        expect(judgeBundle({ ...bundle, dsseEnvelope: envelope }, ours).outcome).toBe('refused');
      }),
    );
  });
  const keyless = makeBundle();
  const text = Buffer.from(JSON.stringify(keyless));
  it('never verifies for somebody else with a byte of a keyless bundle changed', () => {
    const trusted = trust();
    const [signer, certificate] = [judgeBundle(keyless, trusted).signer, JSON.stringify(keyless.dsseEnvelope.payload)];
    fc.assert(
      fc.property(fc.nat({ max: text.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(text);
        bytes[at] = bytes[at]! ^ flip;
        const [result] = verifyCosign(toCandidate(attachBundle(image, bytes)), context, trusted);
        // What is not signed may change, such as the hint of a checkpoint's name; what is signed may not.
        if (result?.outcome !== 'verified') return;
        expect(result.signer).toBe(signer);
        expect(bytes.toString()).toContain(certificate);
      }),
      { numRuns: 300 },
    );
  });
});
