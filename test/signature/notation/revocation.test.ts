import { describe, expect, it } from 'vitest';
import type { StoreName } from '../../../shared/signature/notation/trust-store.js';
import type { RevocationAnswer, RevocationRequest } from '../../../shared/signature/revocation.js';
import { type Made, PURPOSE, daysFromNow, makeCertificate, makeTsaChain } from '../../support/certificates.js';
import * as notation from '../../support/notation.js';
import { answered, failed, makeOcsp } from '../../support/revocation-authority.js';
import { makeToken } from '../../support/timestamp-authority.js';

const { parsed, signJws, signerChain, trustOf, verifyEnvelope } = notation;
const SIGNER_OCSP = 'http://ocsp.example/signer';
const TSA_OCSP = 'http://ocsp.example/tsa';
const chain = signerChain({ leaf: { ocsp: [SIGNER_OCSP] } });
const tsa = makeTsaChain({ leaf: { ocsp: [TSA_OCSP] } });
const stores = new Map<StoreName, ReturnType<typeof parsed>>([
  ['ca:ours', parsed(chain.root)],
  ['signingAuthority:ours', parsed(chain.root)],
  ['tsa:times', parsed(tsa.root)],
]);
const SCHEME = 'io.cncf.notary.signingScheme';
const AUTHENTIC = 'io.cncf.notary.authenticSigningTime';
const BY_AUTHORITY = {
  crit: [SCHEME, AUTHENTIC],
  [SCHEME]: 'notary.x509.signingAuthority',
  'io.cncf.notary.signingTime': undefined,
  [AUTHENTIC]: daysFromNow(-10),
};
const envelope = (header: notation.SignOptions['header'] = {}) =>
  signJws({
    chain: chain.made,
    keys: chain.leaf.keys,
    header,
    timestamp: (message) => makeToken({ message, tsa: tsa.made, at: daysFromNow(-1) }),
  });
const policy = (level: string, override = {}) =>
  trustOf(
    {
      trustStores: ['ca:ours', 'signingAuthority:ours', 'tsa:times'],
      signatureVerification: { level, override },
    },
    stores,
  );

/** What the responders say of the signer and of the timestamping authority. */
interface Said {
  readonly signer?: 'good' | 'revoked';
  readonly authority?: 'good' | 'revoked';
  readonly invalidFrom?: Date;
}

/** Verifies, asks whoever has to be asked, and verifies again. */
function verify(trust: ReturnType<typeof policy>, said: Said = {}, signed = envelope()) {
  const { signer = 'good', authority = 'good', invalidFrom } = said;
  const answer = (request: RevocationRequest): RevocationAnswer => {
    const [certificate, issuer, status]: [Made, Made, 'good' | 'revoked'] =
      request.url === SIGNER_OCSP ? [chain.leaf, chain.intermediate, signer] : [tsa.leaf, tsa.intermediate, authority];
    return answered(request, makeOcsp({ certificate, issuer, status, ...(invalidFrom && { invalidFrom }) }));
  };
  const { needs } = verifyEnvelope(signed, trust);
  const answers = new Map(needs.map((request) => [request.id, answer(request)]));
  return verifyEnvelope(signed, trust, { revocation: answers });
}

const REVOKED = { outcome: 'refused', code: 'CERTIFICATE_REVOKED', needs: [] };

describe('revocation', () => {
  it('lets pass what nobody has revoked', () => {
    expect(verify(policy('strict'))).toMatchObject({ outcome: 'verified', needs: [] });
  });

  it('leaves a signature open before the answer, and without one', () => {
    const trust = trustOf({}, stores);
    const { needs, ...judged } = verifyEnvelope(envelope(), trust);
    expect(judged).toMatchObject({ outcome: 'inconclusive', code: 'REVOCATION_UNANSWERED' });
    expect(needs.map(({ url }) => url)).toEqual([SIGNER_OCSP]);
    const revocation = new Map(needs.map((request) => [request.id, failed(request)]));
    expect(verifyEnvelope(envelope(), trust, { revocation })).toMatchObject({
      outcome: 'inconclusive',
      code: 'REVOCATION_UNKNOWN',
      needs: [],
    });
  });

  it('refuses a signer who was revoked, though his signature is older', () => {
    expect(verify(policy('strict'), { signer: 'revoked' })).toMatchObject(REVOKED);
    expect(verify(policy('strict'), { signer: 'revoked', invalidFrom: daysFromNow(-1) })).toMatchObject(REVOKED);
  });

  it('only tells it where the policy has it so', () => {
    const judged = verify(policy('strict', { revocation: 'log' }), { signer: 'revoked' });
    expect(judged).toMatchObject({ outcome: 'verified' });
    expect(judged.checks).toContainEqual(
      expect.objectContaining({ type: 'revocation', action: 'logged', outcome: 'failed', code: 'CERTIFICATE_REVOKED' }),
    );
  });

  it('refuses the time of an authority that was revoked, even where the policy skips revocation', () => {
    expect(verify(policy('strict'), { authority: 'revoked' })).toMatchObject(REVOKED);
    expect(verify(policy('strict', { revocation: 'skip' }), { authority: 'revoked' })).toMatchObject(REVOKED);
    expect(verify(policy('strict', { revocation: 'skip' }), { signer: 'revoked' })).toMatchObject({
      outcome: 'verified',
    });
  });

  it('believes a signing authority that it signed before the certificate became invalid', () => {
    const signed = envelope(BY_AUTHORITY);
    const after = { signer: 'revoked', invalidFrom: daysFromNow(-5) } as const;
    const before = { signer: 'revoked', invalidFrom: daysFromNow(-15) } as const;
    expect(verify(policy('strict'), after, signed)).toMatchObject({ outcome: 'verified' });
    expect(verify(policy('strict'), before, signed)).toMatchObject(REVOKED);
    expect(verify(policy('strict'), { signer: 'revoked' }, signed)).toMatchObject(REVOKED);
  });

  it('asks nobody twice for the same', () => {
    // The signer and the authority of the timestamp have the same certificate above them, which names a list.
    const shared = signerChain({ intermediate: { crl: ['http://crl.example/root'], basicConstraints: { ca: true } } });
    const leaf = makeCertificate(
      {
        subject: 'tsa',
        keyUsage: { usages: ['digitalSignature'] },
        extendedKeyUsage: { purposes: [PURPOSE.timeStamping], critical: true },
      },
      shared.intermediate,
    );
    const authority = [leaf, shared.intermediate, shared.root] as const;
    const signed = signJws({
      chain: shared.made,
      keys: shared.leaf.keys,
      timestamp: (message) => makeToken({ message, tsa: authority, at: daysFromNow(-1) }),
    });
    const root = parsed(shared.root);
    const trust = {
      ...policy('strict'),
      stores: new Map<StoreName, typeof root>([
        ['ca:ours', root],
        ['signingAuthority:ours', root],
        ['tsa:times', root],
      ]),
    };
    expect(verifyEnvelope(signed, trust).needs.map(({ url }) => url)).toEqual(['http://crl.example/root']);
  });
});
