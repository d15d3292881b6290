import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../shared/artifact/digest.js';
import { readCose } from '../../../shared/signature/notation/cose.js';
import { readJws } from '../../../shared/signature/notation/jws.js';
import { verifyNotation } from '../../../shared/signature/notation/verify.js';
import { verifySignatures } from '../../../shared/signature/verify-signatures.js';
import { NOW, makeCertificate } from '../../support/certificates.js';
import * as notation from '../../support/notation.js';

const { SUBJECT, attach, goodChain, parsed, signCose, signJws, trustOf, verifyEnvelope } = notation;
const context = { subject: SUBJECT, now: NOW, revocation: new Map() };
type Envelope = notation.SignedEnvelope;
type Json = Record<'payload' | 'protected' | 'signature', string> & { header: { x5c: string[] } };
const jsonOf = ({ bytes }: Envelope) => JSON.parse(Buffer.from(bytes).toString()) as Json;
const jws = (json: unknown): Envelope => ({
  mediaType: 'application/jose+json',
  bytes: Buffer.from(JSON.stringify(json)),
});
const refused = { outcome: 'refused' };
const stranger = notation.signerChain();
const byStranger = { chain: stranger.made, keys: stranger.leaf.keys };
const other = { targetArtifact: { ...notation.PAYLOAD.targetArtifact, digest: digestOf('other') } };

const ATTACKS: Readonly<Record<string, () => ReturnType<typeof verifyEnvelope>>> = {
  'moves the signature of another image to this one': () => verifyEnvelope(signJws({ payload: other })),
  'puts the payload of this image under the signature of another': () =>
    verifyEnvelope(jws({ ...jsonOf(signJws({ payload: other })), payload: jsonOf(signJws()).payload })),
  'puts trusted certificates beside his own signature': () =>
    verifyEnvelope(jws({ ...jsonOf(signJws(byStranger)), header: { x5c: jsonOf(signJws()).header.x5c } })),
  'puts his own certificate before the trusted ones': () =>
    verifyEnvelope(signJws({ chain: [stranger.leaf, ...goodChain.made], keys: stranger.leaf.keys })),
  'appends the trusted root to his own chain': () =>
    verifyEnvelope(signJws({ chain: [...stranger.made, goodChain.root], keys: stranger.leaf.keys })),
  'puts the trusted root in the place of his own': () =>
    verifyEnvelope(
      signJws({ chain: [stranger.leaf, stranger.intermediate, goodChain.root], keys: stranger.leaf.keys }),
    ),
  'makes a root of the same name': () => verifyEnvelope(signJws(byStranger)),
  'issues a certificate with a leaf': () => {
    const forged = makeCertificate(
      { subjectDer: notation.SIGNER, keyUsage: { usages: ['digitalSignature'] } },
      goodChain.leaf,
    );
    return verifyEnvelope(signJws({ chain: [forged, ...goodChain.made], keys: forged.keys }));
  },
  'signs with the key of an authority': () => {
    const { intermediate, root } = goodChain;
    return verifyEnvelope(signJws({ chain: [intermediate, root], keys: intermediate.keys }));
  },
  'claims that there is no algorithm': () => {
    const json = jsonOf(signJws({ header: { alg: 'none' }, algorithm: 'ES256' }));
    return verifyEnvelope(jws({ ...json, signature: '' }));
  },
  'uses the public key as a secret': () => verifyEnvelope(signJws({ header: { alg: 'HS256' }, algorithm: 'ES256' })),
  'signs a payload that is not encoded': () =>
    verifyEnvelope(signJws({ header: { b64: false, crit: ['b64', 'io.cncf.notary.signingScheme'] } })),
  'hides an obligation in a critical attribute': () =>
    verifyEnvelope(
      signJws({ header: { 'com.example.until': 1, crit: ['io.cncf.notary.signingScheme', 'com.example.until'] } }),
    ),
  'writes the expiry in another case': () =>
    verifyEnvelope(signJws({ header: { 'IO.CNCF.NOTARY.EXPIRY': '2020-01-01T00:00:00Z' } })),
  'adds the obligation afterwards, where it is not signed': () =>
    verifyEnvelope(signJws({ unprotected: [['io.cncf.notary.signingScheme', 'notary.x509.signingAuthority']] })),
  'swaps the media type of the layer': () => verifyEnvelope({ ...signJws(), mediaType: 'application/cose' }),
  'attaches it to another subject': () =>
    verifyNotation(attach(signJws(), { subject: { ...SUBJECT, digest: digestOf('other') } }), context, trustOf()),
  'calls an index what is an image': () =>
    verifyNotation(
      attach(signJws()),
      { ...context, subject: { ...SUBJECT, mediaType: 'application/vnd.oci.image.index.v1+json' } },
      trustOf(),
    ),
  'gives himself the name of the signer, under a root for something else': () =>
    verifyEnvelope(
      signJws(byStranger),
      trustOf(
        { trustStores: ['ca:ours', 'tsa:ours'] },
        new Map([
          ['ca:ours' as const, parsed(goodChain.root)],
          ['tsa:ours' as const, parsed(stranger.root)],
        ]),
      ),
    ),
  'claims to be a signing authority': () =>
    verifyEnvelope(
      signJws({
        header: {
          crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.authenticSigningTime'],
          'io.cncf.notary.signingScheme': 'notary.x509.signingAuthority',
          'io.cncf.notary.signingTime': undefined,
          'io.cncf.notary.authenticSigningTime': notation.SIGNING_TIME,
        },
      }),
    ),
};

describe('somebody who', () => {
  it.each(Object.entries(ATTACKS))('%s is refused', (_, attack) => {
    expect(attack()).toMatchObject(refused);
  });

  it('puts a broken signature beside a good one keeps nobody from the good one', () => {
    const candidates = [
      attach({ mediaType: 'application/jose+json', bytes: Buffer.from('x') }),
      attach(signJws(byStranger)),
      attach(signCose()),
    ];
    const requirement = { require: 'any', notation: trustOf(), attestations: [] } as const;
    const evidence = { subject: SUBJECT, candidates, truncated: false, revocation: new Map() };
    const result = verifySignatures(evidence, requirement, NOW);
    expect(result.outcome).toBe('verified');
    expect(result.signatures.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'verified']);
    const bad = verifySignatures({ ...evidence, candidates: candidates.slice(0, 2) }, requirement, NOW);
    expect(bad.outcome).toBe('untrusted');
  });
});

describe('what is signed', () => {
  const flip = (bytes: Uint8Array, at: number, mask: number) =>
    Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ mask : byte));

  it('never verifies as JWS with any byte changed', () => {
    const json = jsonOf(signJws());
    fc.assert(
      fc.property(
        fc.constantFrom('payload', 'protected', 'signature' as const),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (part, at, mask) => {
          const bytes = Buffer.from(json[part], 'base64url');
          const changed = Buffer.from(flip(bytes, at % bytes.byteLength, mask)).toString('base64url');
          expect(verifyEnvelope(jws({ ...json, [part]: changed }))).toMatchObject(refused);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never verifies as COSE with any byte changed', () => {
    const good = signCose();
    const { payload, signature, signed } = readCose(good.bytes);
    // Where the signed parts lie in the envelope: the header from its first map on, then payload and signature at the end.
    const header = Buffer.from(signed).subarray(12, -payload.byteLength - 3);
    const places = [header, payload, signature].map((part) => ({
      at: Buffer.from(good.bytes).indexOf(part.subarray(part === header ? 2 : 0)),
      size: part.byteLength - (part === header ? 3 : 0),
    }));
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ at, size }, offset, mask) => {
          expect(verifyEnvelope({ ...good, bytes: flip(good.bytes, at + (offset % size), mask) })).toMatchObject(
            refused,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['JWS', signJws()],
    ['COSE', signCose()],
  ] as const)('is never anything but itself as %s, whatever byte of the envelope is changed', (_, good) => {
    const read = good.mediaType === 'application/cose' ? readCose : readJws;
    const before = read(good.bytes);
    fc.assert(
      fc.property(fc.nat({ max: good.bytes.byteLength - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = flip(good.bytes, at, mask);
        if (verifyEnvelope({ ...good, bytes }).outcome !== 'verified') return;
        // The name of the software that signed is neither signed nor looked at.
        expect({ ...read(bytes) }).toEqual({ ...before });
      }),
      { numRuns: 500 },
    );
  });
});
