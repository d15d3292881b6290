import { describe, expect, it } from 'vitest';
import type { StoreName } from '../../../shared/signature/notation/trust-store.js';
import type { RevocationAnswer } from '../../../shared/signature/revocation.js';
import { type Made, NOW, daysFromNow, makeTsaChain } from '../../support/certificates.js';
import * as der from '../../support/der.js';
import * as notation from '../../support/notation.js';
import { type TokenOptions, makeToken } from '../../support/timestamp-authority.js';

const { goodChain, parsed, signCose, signJws, signerChain, trustOf, verifyEnvelope } = notation;
/** The signer's certificates have expired, those of the authority not. */
const LATER = daysFromNow(100);
const long = { notBefore: daysFromNow(-1000), notAfter: daysFromNow(1000) };
const tsa = makeTsaChain({ leaf: long, intermediate: long, root: long });
const tokenOf =
  (options: Partial<TokenOptions> = {}) =>
  (message: Uint8Array) =>
    makeToken({ message, tsa: tsa.made, at: daysFromNow(-1), ...options });

const storesOf = (signer: Made = goodChain.root, authority: readonly Made[] = [tsa.root]) =>
  new Map<StoreName, ReturnType<typeof parsed>>([
    ['ca:ours', parsed(signer)],
    ['tsa:times', parsed(...authority)],
  ]);
const STORES = { trustStores: ['ca:ours', 'tsa:times'] };
const verification = (name: string, more: object = {}) => ({
  ...STORES,
  signatureVerification: { level: name, ...more },
});
const always = trustOf(STORES, storesOf());
const afterExpiry = trustOf(verification('strict', { verifyTimestamp: 'afterCertExpiry' }), storesOf());
const refused = (code: string) => ({ outcome: 'refused', code });

describe.each([
  ['JWS', signJws],
  ['COSE', signCose],
] as const)('a timestamp of %s', (_, sign) => {
  const stamped = sign({ timestamp: tokenOf() });

  it('keeps a signature good when its certificates have expired', () => {
    expect(verifyEnvelope(stamped, always, { now: LATER })).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(stamped, afterExpiry, { now: LATER })).toMatchObject({ outcome: 'verified' });
  });

  it('counts for nothing without a store for it', () => {
    expect(verifyEnvelope(stamped, trustOf(), { now: LATER })).toMatchObject(refused('CERTIFICATE_EXPIRED'));
  });

  it('has to be there always, or once a certificate has expired', () => {
    const bare = sign();
    expect(verifyEnvelope(bare, always)).toMatchObject(refused('TIMESTAMP_MISSING'));
    expect(verifyEnvelope(bare, afterExpiry)).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(bare, afterExpiry, { now: LATER })).toMatchObject(refused('TIMESTAMP_MISSING'));
    expect(verifyEnvelope(bare, afterExpiry, { now: daysFromNow(-31) })).toMatchObject(
      refused('CERTIFICATE_NOT_YET_VALID'),
    );
  });

  it('is wanted where the root alone has expired', () => {
    const chain = signerChain({ root: { notAfter: daysFromNow(10) } });
    const options = { chain: chain.made, keys: chain.leaf.keys };
    const trust = { ...afterExpiry, stores: storesOf(chain.root) };
    const now = daysFromNow(20);
    expect(verifyEnvelope(sign(options), trust, { now })).toMatchObject(refused('TIMESTAMP_MISSING'));
    expect(verifyEnvelope(sign({ ...options, timestamp: tokenOf() }), trust, { now })).toMatchObject({
      outcome: 'verified',
    });
  });

  it('is of the bytes of the signature, and of nothing else', () => {
    const other = tokenOf()(Buffer.from('something else'));
    expect(verifyEnvelope(sign({ timestamp: () => other }), always)).toMatchObject(refused('TIMESTAMP_OTHER_MESSAGE'));
    const encoded = sign({
      timestamp: (signature) => tokenOf()(Buffer.from(Buffer.from(signature).toString('base64url'))),
    });
    expect(verifyEnvelope(encoded, always)).toMatchObject(refused('TIMESTAMP_OTHER_MESSAGE'));
  });

  it('is of an authority whose root is in a store for it', () => {
    const stranger = makeTsaChain();
    const byStranger = sign({ timestamp: tokenOf({ tsa: stranger.made }) });
    expect(verifyEnvelope(byStranger, always)).toMatchObject(refused('TIMESTAMP_UNTRUSTED'));
    // A store of signers vouches for no time.
    const stores = new Map([...storesOf(), ['ca:ours' as const, parsed(goodChain.root, stranger.root)]]);
    expect(verifyEnvelope(byStranger, { ...always, stores })).toMatchObject(refused('TIMESTAMP_UNTRUSTED'));
    // And a store of times for no signer.
    const swapped = { ...always, stores: storesOf(tsa.root, [goodChain.root, tsa.root]) };
    expect(verifyEnvelope(stamped, swapped)).toMatchObject(refused('NOTATION_UNTRUSTED_CERTIFICATE'));
  });

  it('is inconclusive where the store for it is not there', () => {
    const stores = new Map([['ca:ours' as const, parsed(goodChain.root)]]);
    expect(verifyEnvelope(stamped, { ...always, stores })).toMatchObject({
      outcome: 'inconclusive',
      code: 'NOTATION_NO_STORE',
    });
  });

  it('lies, with its accuracy, within the validity of every certificate', () => {
    const at = (from: Date, options: Partial<TokenOptions> = {}) =>
      sign({ timestamp: tokenOf({ at: from, ...options }) });
    const start = goodChain.leaf.certificate.notBefore;
    const end = goodChain.leaf.certificate.notAfter;
    const second = (from: Date, by: number) => new Date(from.getTime() + by * 1000);
    const accuracy = [der.int(2)];
    for (const good of [at(start), at(end), at(second(start, 2), { accuracy }), at(second(end, -2), { accuracy })]) {
      expect(verifyEnvelope(good, always)).toMatchObject({ outcome: 'verified' });
    }
    const bad = [
      at(second(start, -1)),
      at(second(end, 1)),
      at(second(start, 1), { accuracy }),
      at(second(end, -1), { accuracy }),
    ];
    for (const envelope of bad)
      expect(verifyEnvelope(envelope, always)).toMatchObject(refused('TIMESTAMP_OUTSIDE_VALIDITY'));
  });

  it('is no other thing than a token', () => {
    expect(verifyEnvelope(sign({ timestamp: () => Buffer.from('text') }), always)).toMatchObject(
      refused('TIMESTAMP_MALFORMED'),
    );
    expect(verifyEnvelope(sign({ timestamp: () => Buffer.alloc(0) }), always)).toMatchObject(
      refused('TIMESTAMP_MALFORMED'),
    );
  });

  it('is told and changes nothing where the policy has it so', () => {
    const judged = verifyEnvelope(sign(), trustOf(verification('permissive'), storesOf()));
    expect(judged).toMatchObject({ outcome: 'verified' });
    expect(judged.checks).toContainEqual(
      expect.objectContaining({
        type: 'authenticTimestamp',
        action: 'logged',
        outcome: 'failed',
        code: 'TIMESTAMP_MISSING',
      }),
    );
  });

  it('is not looked at with a signing authority, which knows the time', () => {
    const header = {
      crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.authenticSigningTime'],
      'io.cncf.notary.signingScheme': 'notary.x509.signingAuthority',
      'io.cncf.notary.signingTime': undefined,
      'io.cncf.notary.authenticSigningTime': daysFromNow(-1),
    };
    const stores = new Map([...storesOf(), ['signingAuthority:ours' as const, parsed(goodChain.root)]]);
    const trust = trustOf({ trustStores: ['signingAuthority:ours', 'tsa:times'] }, stores);
    expect(verifyEnvelope(sign({ header }), trust, { now: LATER })).toMatchObject({ outcome: 'verified' });
  });
});

describe('what has to be asked of authorities', () => {
  const OCSP = 'http://ocsp.example/signer';
  const TSA_CRL = 'http://crl.example/tsa';
  const chain = signerChain({ leaf: { ocsp: [OCSP] } });
  const revocable = makeTsaChain({ leaf: { crl: [TSA_CRL] } });
  const stores = storesOf(chain.root, [revocable.root]);
  const sign = (options: notation.SignOptions = {}) =>
    signJws({ chain: chain.made, keys: chain.leaf.keys, timestamp: tokenOf({ tsa: revocable.made }), ...options });
  const urls = (judged: ReturnType<typeof verifyEnvelope>) => judged.needs.map(({ url }) => url).sort();
  const strict = trustOf(STORES, stores);

  it('is told for the signer and for the authority of the timestamp', () => {
    const judged = verifyEnvelope(sign(), strict);
    expect(judged.outcome).toBe('inconclusive');
    expect(urls(judged)).toEqual([TSA_CRL, OCSP]);
  });

  it('is that of the timestamp alone where the policy skips revocation', () => {
    const judged = verifyEnvelope(
      sign(),
      trustOf(verification('strict', { override: { revocation: 'skip' } }), stores),
    );
    expect(judged.outcome).toBe('inconclusive');
    expect(urls(judged)).toEqual([TSA_CRL]);
    expect(judged.checks).toContainEqual(
      expect.objectContaining({ type: 'revocation', outcome: 'skipped', action: 'skipped' }),
    );
  });

  it('is told with a level that only tells, which does not wait for it', () => {
    const judged = verifyEnvelope(sign(), trustOf(verification('permissive'), stores));
    expect(judged.outcome).toBe('verified');
    expect(urls(judged)).toEqual([TSA_CRL, OCSP]);
  });

  it('leaves a signature open where no answer came', () => {
    const asked = verifyEnvelope(sign(), strict).needs;
    const answers = asked.map(({ id }): [string, RevocationAnswer] => [
      id,
      { id, at: NOW.toISOString(), outcome: 'failed', code: 'TIMEOUT' },
    ]);
    const judged = verifyEnvelope(sign(), strict, { revocation: new Map(answers) });
    expect(judged).toMatchObject({ outcome: 'inconclusive', needs: [] });
  });

  it.each<readonly [why: string, judge: () => ReturnType<typeof verifyEnvelope>]>([
    ['a stranger’s', () => verifyEnvelope(sign(), trustOf(STORES, storesOf(goodChain.root, [revocable.root])))],
    [
      'a stranger’s, at level audit',
      () => verifyEnvelope(sign(), trustOf(verification('audit'), storesOf(goodChain.root, [revocable.root]))),
    ],
    [
      'another identity’s, at level audit',
      () =>
        verifyEnvelope(
          sign(),
          trustOf({ ...verification('audit'), trustedIdentities: ['x509.subject: C=DE, ST=a, O=b'] }, stores),
        ),
    ],
    [
      'one of another artifact',
      () =>
        verifyEnvelope(sign({ payload: { targetArtifact: { ...notation.PAYLOAD.targetArtifact, size: 1 } } }), strict),
    ],
    ['one that does not hold', () => verifyEnvelope(sign({ keys: goodChain.leaf.keys }), strict)],
    [
      'one that wants a plugin',
      () => verifyEnvelope(sign({ header: { 'io.cncf.notary.verificationPlugin': 'x' } }), strict),
    ],
    [
      'one that has expired',
      () =>
        verifyEnvelope(
          sign({
            header: { crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.expiry'], 'io.cncf.notary.expiry': NOW },
          }),
          strict,
        ),
    ],
    ['one whose timestamp is wrong', () => verifyEnvelope(sign({ timestamp: () => Buffer.from('x') }), strict)],
  ])('is nothing for a signature that is not good otherwise: %s', (_, judge) => {
    expect(judge().needs).toEqual([]);
  });
});
