import { describe, expect, it } from 'vitest';
import { parseIdentity } from '../../../shared/signature/cosign/identity.js';
import { NOW, PURPOSE, daysFromNow, makeCertificate, makeChain, makeKeys } from '../../support/certificates.js';
import * as der from '../../support/der.js';
import { makeLog } from '../../support/sigstore-logs.js';
import {
  type BundleOptions,
  ISSUER,
  REKOR2,
  SUBJECT,
  authorityInRoot,
  certify,
  issuerV1,
  issuerV2,
  judgeBundle,
  makeBundle,
  otherName,
  timestamp,
  trust,
  world,
} from '../../support/sigstore-world.js';

const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);
const judged = (options: BundleOptions = {}, trusted = trust()) => judgeBundle(makeBundle(options), trusted);

describe('a signature by an identity', () => {
  it.each(['dsse 0.0.1', 'hashedrekord 0.0.1', 'intoto 0.0.2'] as const)(
    'holds with an entry of Rekor 1: %s',
    (body) => {
      expect(judged({ body })).toMatchObject({ outcome: 'verified', signer: `${SUBJECT} (${ISSUER})` });
    },
  );
  it.each(['dsse 0.0.2', 'hashedrekord 0.0.2'] as const)(
    'holds with an entry of Rekor 2 and a timestamp: %s',
    (body) => {
      expect(judged({ ...REKOR2, body })).toMatchObject({ outcome: 'verified' });
    },
  );
  it('tells each check that was made', () => {
    expect(judged().checks.map(({ type, action, outcome }) => [type, action, outcome])).toEqual([
      ['authenticity', 'enforced', 'ok'],
      ['transparencyLog', 'enforced', 'ok'],
      ['integrity', 'enforced', 'ok'],
      ['predicate', 'enforced', 'ok'],
      ['subject', 'enforced', 'ok'],
    ]);
  });
  it('holds long after its certificate has expired, because of when it was made', () => {
    expect(judged().outcome).toBe('verified');
    expect(certify(makeKeys()).certificate.notAfter < daysFromNow(1)).toBe(true);
  });
  it('holds without a log where logs are ignored, and a timestamp tells the time', () => {
    const ignoring = trust({ transparencyLog: 'ignored' });
    const options = { entries: () => [], timestamps: (signature: Uint8Array) => [timestamp(signature)] };
    const result = judged(options, ignoring);
    expect(result).toMatchObject({ outcome: 'verified' });
    expect(result.checks).toContainEqual(expect.objectContaining({ type: 'transparencyLog', action: 'skipped' }));
  });
  it('does not take its time from a log that is ignored', () => {
    expect(judged({}, trust({ transparencyLog: 'ignored' }))).toMatchObject({ code: 'SIGNATURE_TIME_UNPROVEN' });
  });
  it('cannot be told without a trusted root', () => {
    const { trustedRoot, ...without } = trust();
    expect(trustedRoot).toBeDefined();
    expect(judged({}, without)).toMatchObject({ outcome: 'inconclusive', code: 'TRUSTED_ROOT_MISSING' });
  });
});

describe('the certificate', () => {
  const strangers = makeChain({ root: { subject: 'fulcio root' }, intermediate: { subject: 'fulcio intermediate' } });
  const keys = makeKeys();
  it.each<[string, BundleOptions, string]>([
    [
      'of another authority with the same name',
      { authority: strangers.intermediate },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    ['not there for signing code', { certificate: { extendedKeyUsage: false } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    [
      'there for servers',
      { certificate: { extendedKeyUsage: { purposes: [PURPOSE.serverAuth] } } },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    [
      'there for anything',
      { certificate: { extendedKeyUsage: { purposes: [PURPOSE.any] } } },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    ['of an authority', { certificate: { basicConstraints: { ca: true } } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['without a key usage', { certificate: { keyUsage: false } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    [
      'that may sign certificates',
      { certificate: { keyUsage: { usages: ['digitalSignature', 'keyCertSign'] } } },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    [
      'with a critical extension that nobody knows',
      { certificate: { extensions: [der.extension('1.2.3.4', der.nothing(), true)] } },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    [
      'expired when it signed',
      { certificate: { notAfter: minutes(-1), notBefore: minutes(-11) } },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    ['not valid yet when it signed', { certificate: { notBefore: minutes(1) } }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['in no certificate log', { ctLogs: [] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['in a certificate log that nobody trusts', { ctLogs: [makeLog('x.test')] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    [
      'with the timestamp of a stranger in the name of the log',
      { ctLogs: [{ ...world.ct, keys: makeKeys() }] },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    ['without a name', { names: [] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['with two names', { names: [der.uri('https://evil.test'), der.uri(SUBJECT)] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    ['with the name of a host', { names: [der.implicit(2, Buffer.from(SUBJECT))] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    [
      'with a name of another kind',
      { names: [otherName('1.2.3.4', der.utf8(SUBJECT))] },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    [
      'with a name that ends early for some readers',
      { names: [der.uri(`${SUBJECT}\0.evil.test`)] },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    ['without an issuer', { issuers: [] }, 'SIGNATURE_UNTRUSTED_CERTIFICATE'],
    [
      'with two issuers that differ',
      { issuers: [issuerV1('https://evil.test'), issuerV2(ISSUER)] },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    [
      'with an issuer that is no text, beside one that fits',
      { issuers: [issuerV1(ISSUER), der.extension('1.3.6.1.4.1.57264.1.8', der.octets(Buffer.from(ISSUER)))] },
      'SIGNATURE_UNTRUSTED_CERTIFICATE',
    ],
    ['with its issuer twice', { issuers: [issuerV2(ISSUER), issuerV2('https://evil.test')] }, 'SIGNATURE_MALFORMED'],
    ['of the wrong issuer', { issuers: [issuerV2(`${ISSUER}.evil.test`)] }, 'SIGNATURE_UNTRUSTED_IDENTITY'],
    ['of the wrong name', { names: [der.uri(`https://evil.test/${SUBJECT}`)] }, 'SIGNATURE_UNTRUSTED_IDENTITY'],
    ['of a longer name', { names: [der.uri(`${SUBJECT}.evil`)] }, 'SIGNATURE_UNTRUSTED_IDENTITY'],
    ['of a name in another case', { names: [der.uri(SUBJECT.toUpperCase())] }, 'SIGNATURE_UNTRUSTED_IDENTITY'],
    [
      'of a name that a pattern would take',
      { names: [der.uri(SUBJECT.replace('github.com', 'githubXcom'))] },
      'SIGNATURE_UNTRUSTED_IDENTITY',
    ],
  ])('is refused: %s', (_, options, code) => {
    expect(judged({ keys, ...options })).toMatchObject({ outcome: 'refused', code });
  });

  it('is refused when it signs itself', () => {
    const itself = makeCertificate({
      keys,
      keyUsage: { usages: ['digitalSignature'] },
      extendedKeyUsage: { purposes: [PURPOSE.codeSigning] },
    });
    const bundle = makeBundle({ keys, entries: () => [], timestamps: (signature) => [timestamp(signature)] });
    Object.assign(bundle.verificationMaterial, { certificate: { rawBytes: itself.der.toString('base64') } });
    expect(judgeBundle(bundle, trust({ transparencyLog: 'ignored' })).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
  });
  it('is refused where the envelope names a key beside it', () => {
    const bundle = makeBundle();
    bundle.dsseEnvelope.signatures[0]!.keyid = 'somebody';
    expect(judgeBundle(bundle)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_UNTRUSTED_KEY' });
  });
  it('is refused where another key made the signature', () => {
    const bundle = makeBundle();
    const rawBytes = certify(makeKeys()).der.toString('base64');
    Object.assign(bundle.verificationMaterial, { certificate: { rawBytes } });
    expect(judgeBundle(bundle)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_INVALID' });
  });
  it.each([
    ['an address', [der.implicit(1, Buffer.from('a@example.com'))], 'a@example.com'],
    ['a name of Fulcio', [otherName('1.3.6.1.4.1.57264.1.7', der.utf8('somebody!'))], 'somebody!'],
  ])('may be of %s', (_, names, subject) => {
    const identities = [parseIdentity({ issuer: ISSUER, subject })];
    expect(judged({ names }, trust({ identities }))).toMatchObject({ outcome: 'verified' });
  });
  it('may name its issuer in the old way alone, and in both', () => {
    expect(judged({ issuers: [issuerV1(ISSUER)] }).outcome).toBe('verified');
    expect(judged({ issuers: [issuerV1(ISSUER), issuerV2(ISSUER)] }).outcome).toBe('verified');
  });
  it('may have a larger key, with the hash of its size or with SHA-256', () => {
    expect(judged({ keys: makeKeys('P-384') }).outcome).toBe('verified');
  });
});

describe('the authority', () => {
  const expired = makeChain({
    root: { subject: 'fulcio root' },
    intermediate: {
      subject: 'fulcio intermediate',
      notAfter: minutes(-5),
      extendedKeyUsage: { purposes: [PURPOSE.codeSigning] },
    },
  });
  it('has to be valid when it was signed, each certificate of it', () => {
    const trusted = trust({}, (root) => (root.certificateAuthorities = [authorityInRoot(expired.made.slice(1))]));
    const code = 'SIGNATURE_UNTRUSTED_CERTIFICATE';
    expect(judged({ authority: expired.intermediate }, trusted)).toMatchObject({ outcome: 'refused', code });
  });
  it('has to be trusted at that time', () => {
    const trusted = trust({}, (root) => (root.certificateAuthorities[0]!.validFor.end = minutes(-1).toISOString()));
    expect(judged({}, trusted).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
  });
  it('may not have more below it than it says', () => {
    const below = makeCertificate(
      { subject: 'below', basicConstraints: { ca: true }, keyUsage: { usages: ['keyCertSign'] }, keys: 'P-256' },
      world.fulcio.intermediate,
    );
    const made = [below, ...world.fulcio.made.slice(1)];
    const trusted = trust({}, (root) => (root.certificateAuthorities = [authorityInRoot(made)]));
    expect(judged({ authority: below }, trusted).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
  });
  it('may have any of its logs of certificates closed, but not the one that counts', () => {
    const close = (index: number) =>
      trust({}, (root) => Object.assign(root.ctlogs[index]!.publicKey.validFor, { end: minutes(-1).toISOString() }));
    expect(judged({}, close(0)).code).toBe('SIGNATURE_UNTRUSTED_CERTIFICATE');
    expect(judged({}, close(1)).outcome).toBe('verified');
  });
});

describe('who is trusted', () => {
  it('is nobody where no identity is named', () => {
    expect(judged({}, trust({ identities: [] }))).toMatchObject({
      outcome: 'refused',
      code: 'SIGNATURE_UNTRUSTED_IDENTITY',
    });
  });
  it('is named by issuer and subject together', () => {
    const identities = [
      parseIdentity({ issuer: ISSUER, subject: 'somebody else' }),
      parseIdentity({ issuer: 'https://other.test', subject: SUBJECT }),
    ];
    expect(judged({}, trust({ identities })).code).toBe('SIGNATURE_UNTRUSTED_IDENTITY');
  });
  it.each([
    ['https://github\\.com/acme/[a-z]+/\\.github/workflows/release\\.yml@refs/heads/main', 'verified'],
    ['https://github\\.com/acme/.*', 'verified'],
    ['github\\.com/acme', 'refused'],
    ['.*/app', 'refused'],
  ])('is who a pattern takes whole: %s', (subjectPattern, outcome) => {
    expect(judged({}, trust({ identities: [parseIdentity({ issuer: ISSUER, subjectPattern })] })).outcome).toBe(
      outcome,
    );
  });
});
