import { describe, expect, it } from 'vitest';
import { verifyAttestations } from '../../../shared/signature/cosign/verify.js';
import type { AttestationRequirement } from '../../../shared/signature/requirement.js';
import { parsePublicKey } from '../../../shared/signature/trust.js';
import { makeKeys } from '../../support/certificates.js';
import {
  type BundleOptions,
  SIGN,
  context,
  hang,
  makeBundle,
  other,
  statementOf,
  trust,
} from '../../support/sigstore-world.js';

const keys = makeKeys();
const ours = trust({
  identities: [],
  keys: [parsePublicKey('ours.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }).toString())],
  transparencyLog: 'ignored',
});
const SLSA_1 = 'https://slsa.dev/provenance/v1';
const SLSA_0_2 = 'https://slsa.dev/provenance/v0.2';
const BUILDER = 'https://github.com/acme/builder/.github/workflows/build.yml@refs/tags/v1';
const attested = (statement: object, wanted: Partial<AttestationRequirement> = {}, options: BundleOptions = {}) => {
  const bundle = makeBundle({ key: keys, entries: () => [], statement, ...options });
  return verifyAttestations(hang(bundle), context, { predicateType: SLSA_1, cosign: ours, ...wanted })[0];
};
const slsa1 = (id: unknown) =>
  statementOf({ predicateType: SLSA_1, predicate: { buildDefinition: {}, runDetails: { builder: { id } } } });
const slsa02 = (id: unknown) => statementOf({ predicateType: SLSA_0_2, predicate: { builder: { id } } });

describe('an attestation', () => {
  it('holds where it is what is wanted', () => {
    expect(attested(slsa1(BUILDER))).toMatchObject({ outcome: 'verified', signer: 'ours.pub' });
  });
  it('holds by an identity as well', () => {
    const bundle = makeBundle({ statement: slsa1(BUILDER) });
    const wanted = { predicateType: SLSA_1, builder: BUILDER, cosign: trust() };
    expect(verifyAttestations(hang(bundle), context, wanted)).toMatchObject([{ outcome: 'verified' }]);
  });
  it.each([
    ['another type', SLSA_0_2],
    ['a longer type', `${SLSA_1}.1`],
    ['a shorter type', SLSA_1.slice(0, -1)],
    ['a type in another case', SLSA_1.toUpperCase()],
  ])('is refused with %s', (_, predicateType) => {
    expect(attested(statementOf({ predicateType }))).toMatchObject({
      outcome: 'refused',
      code: 'SIGNATURE_WRONG_PREDICATE',
    });
  });
  it('is not what a signature is', () => {
    expect(attested(statementOf({ predicateType: SIGN }))?.code).toBe('SIGNATURE_WRONG_PREDICATE');
  });
  it('is about this image', () => {
    const statement = statementOf({ predicateType: SLSA_1 }, other.digest);
    expect(attested(statement)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_OTHER_DIGEST' });
  });
  it('is by somebody who is trusted for it', () => {
    const bundle = makeBundle({ key: makeKeys(), entries: () => [], statement: slsa1(BUILDER) });
    const wanted = { predicateType: SLSA_1, cosign: ours };
    expect(verifyAttestations(hang(bundle), context, wanted)).toMatchObject([{ code: 'SIGNATURE_UNTRUSTED_KEY' }]);
  });
});

describe('a build provenance', () => {
  it('is by the builder that is named, in both versions of it', () => {
    expect(attested(slsa1(BUILDER), { builder: BUILDER })?.outcome).toBe('verified');
    expect(attested(slsa02(BUILDER), { builder: BUILDER, predicateType: SLSA_0_2 })?.outcome).toBe('verified');
  });
  it.each<[string, object, string]>([
    ['another builder', slsa1('https://evil.test'), SLSA_1],
    ['a longer name', slsa1(`${BUILDER}.1`), SLSA_1],
    ['a name in another case', slsa1(BUILDER.toUpperCase()), SLSA_1],
    ['no builder', statementOf({ predicateType: SLSA_1 }), SLSA_1],
    ['a builder that is no text', slsa1([BUILDER]), SLSA_1],
    [
      'its builder where the other version has it',
      statementOf({ predicateType: SLSA_1, predicate: { builder: { id: BUILDER } } }),
      SLSA_1,
    ],
    ['another builder, in the old version', slsa02('https://evil.test'), SLSA_0_2],
    [
      'a builder, and is no provenance',
      statementOf({ predicateType: 'https://x.test', predicate: { builder: { id: BUILDER } } }),
      'https://x.test',
    ],
  ])('is refused with %s', (_, statement, predicateType) => {
    expect(attested(statement, { builder: BUILDER, predicateType })).toMatchObject({
      outcome: 'refused',
      code: 'ATTESTATION_OTHER_BUILDER',
    });
  });
});
