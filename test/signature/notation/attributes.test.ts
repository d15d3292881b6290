import { describe, expect, it } from 'vitest';
import { NOW, daysFromNow } from '../../support/certificates.js';
import { goodChain, parsed, signCose, signJws, trustOf, verifyEnvelope } from '../../support/notation.js';

const SCHEME = 'io.cncf.notary.signingScheme';
const TIME = 'io.cncf.notary.signingTime';
const AUTHENTIC = 'io.cncf.notary.authenticSigningTime';
const EXPIRY = 'io.cncf.notary.expiry';
const PLUGIN = 'io.cncf.notary.verificationPlugin';
const VERSION = 'io.cncf.notary.verificationPluginMinVersion';
const AUTHORITY = {
  crit: [SCHEME, AUTHENTIC],
  [SCHEME]: 'notary.x509.signingAuthority',
  [TIME]: undefined,
  [AUTHENTIC]: daysFromNow(-1),
};
const authorities = trustOf(
  { trustStores: ['signingAuthority:ours'] },
  new Map([['signingAuthority:ours', parsed(goodChain.root)]]),
);
const both = trustOf(
  { trustStores: ['signingAuthority:ours', 'ca:ours'] },
  new Map([
    ['signingAuthority:ours', parsed(goodChain.root)],
    ['ca:ours', parsed(goodChain.root)],
  ]),
);
type Header = Readonly<Record<string, unknown>>;

describe.each([
  ['JWS', signJws],
  ['COSE', signCose],
] as const)('the signed attributes of %s', (_, sign) => {
  it.each<readonly [why: string, header: Header, code: string]>([
    ['no content type', { cty: undefined }, 'NOTATION_ATTRIBUTES'],
    ['another content type', { cty: 'application/json' }, 'NOTATION_ATTRIBUTES'],
    ['a content type in upper case', { cty: 'APPLICATION/vnd.cncf.notary.payload.v1+json' }, 'NOTATION_ATTRIBUTES'],
    [
      'a content type with a parameter',
      { cty: 'application/vnd.cncf.notary.payload.v1+json; a=b' },
      'NOTATION_ATTRIBUTES',
    ],
    ['a content type of version 2', { cty: 'application/vnd.cncf.notary.payload.v2+json' }, 'NOTATION_ATTRIBUTES'],
    ['no scheme', { [SCHEME]: undefined }, 'NOTATION_ATTRIBUTES'],
    ['an unknown scheme', { [SCHEME]: 'notary.x509.other' }, 'NOTATION_ATTRIBUTES'],
    ['an empty scheme', { [SCHEME]: '' }, 'NOTATION_ATTRIBUTES'],
    ['no list of critical attributes', { crit: undefined }, 'NOTATION_ATTRIBUTES'],
    ['an empty list of critical attributes', { crit: [] }, 'NOTATION_ATTRIBUTES'],
    ['a list of critical attributes that is a text', { crit: SCHEME }, 'NOTATION_ATTRIBUTES'],
    ['a scheme that is not critical', { crit: [EXPIRY], [EXPIRY]: daysFromNow(1) }, 'NOTATION_ATTRIBUTES'],
    ['an expiry that is not critical', { [EXPIRY]: daysFromNow(1) }, 'NOTATION_ATTRIBUTES'],
    ['a critical attribute that is not there', { crit: [SCHEME, EXPIRY] }, 'NOTATION_ATTRIBUTES'],
    ['a critical attribute twice', { crit: [SCHEME, SCHEME] }, 'NOTATION_ATTRIBUTES'],
    [
      'a critical attribute that is not known',
      { crit: [SCHEME, 'com.example.x'], 'com.example.x': 1 },
      'NOTATION_CRITICAL',
    ],
    ['a critical attribute that is neither known nor there', { crit: [SCHEME, 'com.example.x'] }, 'NOTATION_CRITICAL'],
    ['a registered name as critical', { crit: [SCHEME, 'alg'] }, 'NOTATION_CRITICAL'],
    ['a signing time that is critical', { crit: [SCHEME, TIME] }, 'NOTATION_CRITICAL'],
    ['a critical attribute that is a number', { crit: [SCHEME, 1] }, 'NOTATION_CRITICAL'],
    ['no signing time', { [TIME]: undefined }, 'NOTATION_ATTRIBUTES'],
    ['an authentic time as well', { [AUTHENTIC]: daysFromNow(-1) }, 'NOTATION_ATTRIBUTES'],
    ['an authentic time alone', { [TIME]: undefined, [AUTHENTIC]: daysFromNow(-1) }, 'NOTATION_ATTRIBUTES'],
    ['an expiry at the signing time', { crit: [SCHEME, EXPIRY], [EXPIRY]: daysFromNow(-1) }, 'NOTATION_ATTRIBUTES'],
    ['an expiry before the signing time', { crit: [SCHEME, EXPIRY], [EXPIRY]: daysFromNow(-2) }, 'NOTATION_ATTRIBUTES'],
    ['an unknown name of the reserved space', { 'io.cncf.notary.other': 1 }, 'NOTATION_ATTRIBUTES'],
    ['a known name in another case', { 'io.cncf.notary.Expiry': daysFromNow(-2) }, 'NOTATION_ATTRIBUTES'],
    ['a registered name in another case', { ALG: 'ES256' }, 'NOTATION_ATTRIBUTES'],
    [
      'too many attributes',
      Object.fromEntries(Array.from({ length: 64 }, (__, n) => [`com.example.${n}`, n])),
      'NOTATION_ATTRIBUTES',
    ],
  ])('are refused with %s', (_why, header, code) => {
    expect(verifyEnvelope(sign({ header, algorithm: 'ES256' }))).toMatchObject({ outcome: 'refused', code });
  });

  it.each<readonly [why: string, header: Header]>([
    ['without an authentic time', { ...AUTHORITY, [AUTHENTIC]: undefined, crit: [SCHEME] }],
    ['with an authentic time that is not critical', { ...AUTHORITY, crit: [SCHEME] }],
    ['with a signing time as well', { ...AUTHORITY, [TIME]: daysFromNow(-1) }],
    ['with a signing time alone', { ...AUTHORITY, [AUTHENTIC]: undefined, [TIME]: daysFromNow(-1), crit: [SCHEME] }],
    ['that expired before it was made', { ...AUTHORITY, crit: [SCHEME, AUTHENTIC, EXPIRY], [EXPIRY]: daysFromNow(-3) }],
  ])('of a signing authority are refused %s', (_why, header) => {
    expect(verifyEnvelope(sign({ header }), both)).toMatchObject({ outcome: 'refused', code: 'NOTATION_ATTRIBUTES' });
  });

  it('of a signing authority are verified by a store of its kind, and by no other', () => {
    const envelope = sign({ header: AUTHORITY });
    expect(verifyEnvelope(envelope, authorities)).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(envelope)).toMatchObject({ outcome: 'refused', code: 'NOTATION_UNTRUSTED_CERTIFICATE' });
    expect(verifyEnvelope(sign(), authorities)).toMatchObject({
      outcome: 'refused',
      code: 'NOTATION_UNTRUSTED_CERTIFICATE',
    });
  });

  it('of a signing authority tell the time by which certificates are judged', () => {
    const later = { now: daysFromNow(100) };
    expect(verifyEnvelope(sign({ header: AUTHORITY }), authorities, later)).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(sign(), undefined, later)).toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
    const early = sign({ header: { ...AUTHORITY, [AUTHENTIC]: daysFromNow(-60) } });
    expect(verifyEnvelope(early, authorities)).toMatchObject({ code: 'CERTIFICATE_NOT_YET_VALID' });
    const late = sign({ header: { ...AUTHORITY, [AUTHENTIC]: daysFromNow(60) } });
    expect(verifyEnvelope(late, authorities)).toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
  });

  it('may have attributes that are not critical and mean nothing', () => {
    const header = { 'com.example.build': 7, 'com.example.list': ['a', { b: 1 }] };
    expect(verifyEnvelope(sign({ header }))).toMatchObject({ outcome: 'verified' });
  });

  it.each<readonly [why: string, header: Header]>([
    ['critical', { crit: [SCHEME, PLUGIN], [PLUGIN]: 'com.example.plugin' }],
    ['not critical', { [PLUGIN]: 'com.example.plugin' }],
    ['with a version', { crit: [SCHEME, PLUGIN, VERSION], [PLUGIN]: 'com.example.plugin', [VERSION]: '1.0.0' }],
    ['by its version alone', { [VERSION]: '1.0.0' }],
    ['by nothing', { [PLUGIN]: '' }],
    ['that is no text', { [PLUGIN]: 1 }],
  ])('never pass where they want a plugin, %s', (_why, header) => {
    const envelope = sign({ header });
    expect(verifyEnvelope(envelope)).toMatchObject({ outcome: 'inconclusive', code: 'NOTATION_PLUGIN', needs: [] });
    const audit = trustOf({ signatureVerification: { level: 'audit' } });
    expect(verifyEnvelope(envelope, audit)).toMatchObject({ outcome: 'inconclusive', code: 'NOTATION_PLUGIN' });
    // Of somebody who is not trusted, it is refused rather than left open.
    const other = trustOf({ trustedIdentities: ['x509.subject: C=DE, ST=Hessen, O=Other'] });
    expect(verifyEnvelope(envelope, other)).toMatchObject({ outcome: 'refused', code: 'NOTATION_UNTRUSTED_IDENTITY' });
  });

  it('expire at the very moment that they say', () => {
    const envelope = sign({ header: { crit: [SCHEME, EXPIRY], [EXPIRY]: NOW } });
    const before = new Date(NOW.getTime() - 1);
    expect(verifyEnvelope(envelope, undefined, { now: before })).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(envelope)).toMatchObject({ outcome: 'refused', code: 'SIGNATURE_EXPIRED' });
  });
});
