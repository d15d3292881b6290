import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaType } from '../../../shared/artifact/media-type.js';
import { verifyAttestations, verifyCosign } from '../../../shared/signature/cosign/verify.js';
import { parsePublicKey } from '../../../shared/signature/trust.js';
import { NOW, makeKeys } from '../../support/certificates.js';
import { makeLog } from '../../support/sigstore-logs.js';
import {
  ANNOTATION,
  type LayerOptions,
  attLayer,
  legacyCandidate,
  sigLayer,
  simpleSigning,
} from '../../support/sigstore-legacy.js';
import { ISSUER, SUBJECT, certify, context, other, statementOf, trust } from '../../support/sigstore-world.js';

const keys = makeKeys();
const ours = trust({
  identities: [],
  keys: [parsePublicKey('ours.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }).toString())],
  transparencyLog: 'ignored',
});
const byKey = { key: keys, withoutLog: true };
const judged = (options: LayerOptions = {}, trusted = trust()) =>
  verifyCosign(legacyCandidate(sigLayer(options)), context, trusted)[0];
const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);

describe('a signature of the old form', () => {
  it('holds by a fixed key', () => {
    expect(judged(byKey, ours)).toMatchObject({ outcome: 'verified', signer: 'ours.pub' });
    const required = { ...ours, transparencyLog: 'required' } as const;
    expect(judged({ key: keys }, required)).toMatchObject({ outcome: 'verified' });
    expect(judged(byKey, required)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_NOT_LOGGED' });
  });
  it('holds by an identity', () => {
    expect(judged()).toMatchObject({ outcome: 'verified', signer: `${SUBJECT} (${ISSUER})` });
  });
  it('holds by an identity with a timestamp, where logs are ignored', () => {
    const ignoring = trust({ transparencyLog: 'ignored' });
    expect(judged({ withoutLog: true, stamped: true }, ignoring)).toMatchObject({ outcome: 'verified' });
    expect(judged({}, ignoring)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_TIME_UNPROVEN' });
  });
  it('is judged layer by layer', () => {
    const strange = sigLayer({ ...byKey, key: makeKeys() });
    const odd = { ...sigLayer(byKey), type: MediaType.ociConfig };
    const all = verifyCosign(legacyCandidate(strange, sigLayer(byKey), odd), context, ours);
    expect(all.map(({ code }) => code)).toEqual([
      'SIGNATURE_UNTRUSTED_KEY',
      'SIGNATURE_VERIFIED',
      'SIGNATURE_WRONG_TYPE',
    ]);
  });
  it('is refused where its layer is of another size than its descriptor says', () => {
    const candidate = legacyCandidate(sigLayer(byKey));
    const payloads = candidate.payloads.map((each) => ({ ...each, descriptor: { ...each.descriptor, size: 1 } }));
    const [result] = verifyCosign({ ...candidate, payloads }, context, ours);
    expect(result).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_MALFORMED' });
  });
  const stranger = certify(makeKeys());
  it.each<[string, LayerOptions, string]>([
    ['not in a log', { withoutLog: true }, 'SIGNATURE_NOT_LOGGED'],
    ['in a log that nobody trusts', { entry: { log: makeLog('x.test') } }, 'SIGNATURE_NOT_LOGGED'],
    ['promised by a stranger', { entry: { promisedBy: makeKeys() } }, 'SIGNATURE_NOT_LOGGED'],
    ['logged after its certificate', { entry: { at: minutes(30) } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['logged as another signature', { about: { signature: Buffer.from('x') } }, 'SIGNATURE_NOT_LOGGED'],
    ['logged as of other content', { about: { signed: Buffer.from('x') } }, 'SIGNATURE_NOT_LOGGED'],
    ['logged with another certificate', { about: { pem: stranger.pem } }, 'SIGNATURE_NOT_LOGGED'],
    ['logged as an envelope, which it is not', { body: 'dsse 0.0.1' }, 'SIGNATURE_NOT_LOGGED'],
    ['by a certificate in no log', { ctLogs: [] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['by another identity', { names: [] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    [
      'for another image',
      { critical: { image: { 'docker-manifest-digest': other.digest } } },
      'SIGNATURE_OTHER_DIGEST',
    ],
    ['of another type', { critical: { type: 'atomic container signature' } }, 'SIGNATURE_WRONG_TYPE'],
    ['without a type', { critical: { type: undefined } }, 'SIGNATURE_MALFORMED'],
    ['over what is no JSON', { payload: Buffer.from('{') }, 'SIGNATURE_MALFORMED'],
    [
      'with a member twice',
      { payload: Buffer.from(JSON.stringify(simpleSigning()).replace('{', '{"critical":{},')) },
      'SIGNATURE_MALFORMED',
    ],
    ['without a signature', { annotations: { [ANNOTATION.signature]: undefined } }, 'SIGNATURE_MALFORMED'],
    ['with another signature', { annotations: { [ANNOTATION.signature]: 'MAYCAQECAQE=' } }, 'SIGNATURE_INVALID'],
    ['with base64 in lines', { annotations: { [ANNOTATION.signature]: 'AA\nAA' } }, 'SIGNATURE_MALFORMED'],
    ['with a certificate that is none', { annotations: { [ANNOTATION.certificate]: 'x' } }, 'SIGNATURE_MALFORMED'],
    ['with two certificates', { annotations: { [ANNOTATION.certificate]: stranger.pem + stranger.pem } }, 'LIMIT'],
    [
      'with text around its certificate',
      { annotations: { [ANNOTATION.certificate]: `x${stranger.pem}` } },
      'SIGNATURE_MALFORMED',
    ],
    ['with another certificate', { annotations: { [ANNOTATION.certificate]: stranger.pem } }, 'SIGNATURE_INVALID'],
    [
      'with a chain that is none',
      { annotations: { [ANNOTATION.chain]: '-----BEGIN CERTIFICATE-----' } },
      'SIGNATURE_MALFORMED',
    ],
    ['with a chain that is too long', { annotations: { [ANNOTATION.chain]: stranger.pem.repeat(11) } }, 'LIMIT'],
    ['with a bundle that is none', { annotations: { [ANNOTATION.bundle]: '{}' } }, 'SIGNATURE_MALFORMED'],
    [
      'with a timestamp that is none',
      { annotations: { [ANNOTATION.timestamp]: '{"SignedRFC3161Timestamp":"AAAA"}' } },
      'SIGNATURE_MALFORMED',
    ],
  ])('is refused: %s', (_, options, code) => {
    const result = judged(options);
    expect(result?.outcome).not.toBe('verified');
    expect(result?.code).toBe(code);
  });
  it('is for a repository where one is named', () => {
    const at = (dockerReference: string) => ({
      ...ours,
      dockerReferences: ['registry.test/base', dockerReference],
    });
    expect(judged(byKey, at('registry.test/app'))?.outcome).toBe('verified');
    for (const reference of ['registry.test/ap', 'registry.test/app:1', 'REGISTRY.test/app', 'other.test/app']) {
      expect(judged(byKey, at(reference))).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_OTHER_REPOSITORY' });
    }
    expect(judged({ ...byKey, critical: { identity: undefined } }, at('registry.test/app'))?.code).toBe(
      'SIGNATURE_OTHER_REPOSITORY',
    );
  });
  it('is incomplete without all of its layers, and not read beyond a bound', () => {
    const candidate = legacyCandidate(sigLayer(byKey));
    expect(verifyCosign({ ...candidate, payloads: [] }, context, ours)[0]?.code).toBe('SIGNATURE_MALFORMED');
    const layers = Array.from({ length: 101 }, () => candidate.manifest.layers[0]!);
    const payloads = Array.from({ length: 101 }, () => candidate.payloads[0]!);
    const many = { ...candidate, payloads, manifest: { ...candidate.manifest, layers } };
    expect(verifyCosign(many, context, ours)).toMatchObject([{ outcome: 'inconclusive', code: 'LIMIT' }]);
  });
  it('does not verify with any one byte of its payload changed', () => {
    const candidate = legacyCandidate(sigLayer(byKey));
    const { bytes } = candidate.payloads[0]!;
    const signature = candidate.payloads[0]!.descriptor.annotations?.[ANNOTATION.signature];
    fc.assert(
      fc.property(fc.nat({ max: bytes.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const payload = Buffer.from(bytes);
        payload[at] = payload[at]! ^ flip;
        const layer = sigLayer({ ...byKey, payload, annotations: { [ANNOTATION.signature]: signature } });
        expect(verifyCosign(legacyCandidate(layer), context, ours)[0]?.code).toBe('SIGNATURE_UNTRUSTED_KEY');
      }),
      { numRuns: 50 },
    );
  });
});

describe('an attestation of the old form', () => {
  const VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
  const requirement = (cosign = ours) => ({ predicateType: VULN, cosign });
  const statement = statementOf({ predicateType: VULN, _type: 'https://in-toto.io/Statement/v0.1' });
  const attested = (options: Parameters<typeof attLayer>[0], cosign = ours) =>
    verifyAttestations(legacyCandidate(attLayer({ statement, ...options })), context, requirement(cosign))[0];
  it('holds by a key and by an identity', () => {
    expect(attested(byKey)).toMatchObject({ outcome: 'verified', signer: 'ours.pub' });
    expect(attested({}, trust())).toMatchObject({ outcome: 'verified', signer: `${SUBJECT} (${ISSUER})` });
  });
  it('is no signature', () => {
    const result = verifyCosign(legacyCandidate(attLayer({ ...byKey, statement: statementOf() })), context, ours);
    expect(result).toMatchObject([{ outcome: 'refused', code: 'SIGNATURE_WRONG_PREDICATE' }]);
  });
  it.each<[string, Parameters<typeof attLayer>[0], string]>([
    ['by another key', { ...byKey, key: makeKeys() }, 'SIGNATURE_UNTRUSTED_KEY'],
    [
      'of what its annotation says, but not its statement',
      { ...byKey, statement: statementOf({ predicateType: 'x' }), annotations: { predicateType: VULN } },
      'SIGNATURE_WRONG_PREDICATE',
    ],
    [
      'about another image',
      { ...byKey, statement: statementOf({ predicateType: VULN }, other.digest) },
      'SIGNATURE_OTHER_DIGEST',
    ],
    [
      'with a signature outside of its envelope',
      { ...byKey, annotations: { [ANNOTATION.signature]: 'AAAA' } },
      'SIGNATURE_MALFORMED',
    ],
    [
      'without that annotation',
      { ...byKey, annotations: { [ANNOTATION.signature]: undefined } },
      'SIGNATURE_MALFORMED',
    ],
  ])('is refused: %s', (_, options, code) => {
    expect(attested(options)).toMatchObject({ outcome: 'refused', code });
  });
  it('is not looked for among signatures', () => {
    expect(verifyAttestations(legacyCandidate(sigLayer(byKey)), context, requirement())).toEqual([]);
  });
});
