import { Tag, encode } from 'cbor2';
import { describe, expect, it } from 'vitest';
import { type KeyType, type Made, daysFromNow } from '../../support/certificates.js';
import * as notation from '../../support/notation.js';

const { HEADER, SIGNING_TIME, seconds, signCose, signJws, signerChain, verifyEnvelope } = notation;
type SignOptions = notation.SignOptions;
const trustRoot = ({ root }: { readonly root: Made }) =>
  notation.trustOf({}, new Map([['ca:ours', notation.parsed(root)]]));

type Jws = Record<'payload' | 'protected' | 'signature', string> & { header: Record<string, unknown> };
type Cose = [Uint8Array, Map<number | string, unknown>, Uint8Array, Uint8Array];
const jws = (change: (json: Jws) => unknown) => signJws({ change });
const cose = (change: (parts: Cose) => unknown) => signCose({ change });
const refused = (code: string) => ({ outcome: 'refused', code });
const FORMS = [
  ['JWS', signJws],
  ['COSE', signCose],
] as const;
const header = (json: Readonly<Record<string, unknown>>): Uint8Array => Buffer.from(JSON.stringify(json));
const JSON_HEADER = { ...HEADER, 'io.cncf.notary.signingTime': seconds(SIGNING_TIME) };

describe.each(FORMS)('a signature as %s', (_, sign) => {
  it.each([
    ['ES256', 'P-256'],
    ['ES384', 'P-384'],
    ['ES512', 'P-521'],
    ['PS256', 'RSA-2048'],
    ['PS384', 'RSA-3072'],
    ['PS512', 'RSA-4096'],
  ] as const)('is verified with %s', (alg, keys) => {
    const chain = signerChain({ leaf: { keys } });
    const envelope = sign({ chain: chain.made, keys: chain.leaf.keys, header: { alg } });
    const judged = verifyEnvelope(envelope, trustRoot(chain));
    expect(judged).toMatchObject({ outcome: 'verified', signer: 'C=DE, ST=Hessen, O=Lazaret, CN=builder', needs: [] });
    expect(judged.checks.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual([
      'integrity ok',
      'authenticity ok',
      'expiry ok',
      'authenticTimestamp ok',
      'revocation ok',
      'subject ok',
    ]);
  });

  it.each([
    ['a stronger algorithm than the key’s', 'ES256', 'P-384', undefined],
    ['an algorithm of the other family', 'PS256', 'P-256', 'ES256'],
    ['no algorithm', 'none', 'P-256', 'ES256'],
    ['a symmetric algorithm', 'HS256', 'P-256', 'ES256'],
    ['PKCS #1 v1.5', 'RS256', 'RSA-2048', 'PS256'],
    ['an algorithm that is no text', 256, 'P-256', 'ES256'],
    ['an RSA key of a size that is not allowed', 'PS256', 'RSA-1024', undefined],
    ['a curve that is not allowed', 'ES256', 'P-224', undefined],
    ['Ed25519', 'EdDSA', 'Ed25519', undefined],
    ['Ed25519, named as another', 'ES256', 'Ed25519', undefined],
  ] as const)('is refused with %s', (_why, alg, keys: KeyType, algorithm) => {
    const chain = signerChain({ leaf: { keys } });
    const options = { header: { alg }, ...(algorithm !== undefined && { algorithm }) };
    const envelope = sign({ chain: chain.made, keys: chain.leaf.keys, ...options });
    expect(verifyEnvelope(envelope, trustRoot(chain))).toMatchObject(refused('NOTATION_ALGORITHM'));
  });

  it('wants the salt to be as long as the hash', () => {
    const chain = signerChain({ leaf: { keys: 'RSA-2048' } });
    const options = { chain: chain.made, keys: chain.leaf.keys, header: { alg: 'PS256' } };
    for (const saltLength of [0, 20, 222]) {
      expect(verifyEnvelope(sign({ ...options, saltLength }), trustRoot(chain))).toMatchObject(
        refused('SIGNATURE_INVALID'),
      );
    }
  });

  it('wants an ECDSA signature as two numbers, not as DER', () => {
    expect(verifyEnvelope(sign({ dsaEncoding: 'der' }))).toMatchObject(refused('SIGNATURE_INVALID'));
  });

  it('is refused with another key than the first certificate’s', () => {
    const chain = signerChain();
    expect(verifyEnvelope(sign({ keys: chain.leaf.keys }))).toMatchObject(refused('SIGNATURE_INVALID'));
  });

  it('is refused without anything signed', () => {
    expect(verifyEnvelope(sign({ rawPayload: Buffer.alloc(0) }))).toMatchObject(refused('SIGNATURE_MALFORMED'));
  });

  it('is refused with more certificates than a chain has', () => {
    const chain = signerChain();
    const many = Array.from({ length: 11 }, () => chain.leaf);
    expect(verifyEnvelope(sign({ chain: many, keys: chain.leaf.keys }))).toMatchObject(refused('SIGNATURE_MALFORMED'));
  });

  it('is refused with a certificate that is none', () => {
    const chain = signerChain();
    const made = [chain.leaf, { der: Buffer.from('3003020101', 'hex') }];
    expect(verifyEnvelope(sign({ chain: made, keys: chain.leaf.keys }))).toMatchObject(
      refused('CERTIFICATE_MALFORMED'),
    );
  });

  it.each(['io.cncf.notary.signingAgent', 'io.cncf.notary.SigningAgent'])('does not care what %s says', (name) => {
    expect(verifyEnvelope(sign({ unprotected: [[name, '\u001B[31m']] }))).toMatchObject({ outcome: 'verified' });
  });

  it('is refused with an unprotected attribute that is not known', () => {
    for (const name of ['crit', 'alg', 'x5u', 'io.cncf.notary.expiry', 'io.cncf.notary.timestamp', 'anything']) {
      expect(verifyEnvelope(sign({ unprotected: [[name, 'x']] })), name).toMatchObject(refused('SIGNATURE_MALFORMED'));
    }
  });

  it('is refused under the media type of the other form, or of none', () => {
    const { bytes, mediaType } = sign();
    const other = mediaType === 'application/cose' ? 'application/jose+json' : 'application/cose';
    expect(verifyEnvelope({ bytes, mediaType: other })).toMatchObject(refused('SIGNATURE_MALFORMED'));
    for (const unknown of ['application/json', `${mediaType};v=1`, mediaType.toUpperCase(), '']) {
      expect(verifyEnvelope({ bytes, mediaType: unknown })).toMatchObject(refused('SIGNATURE_WRONG_TYPE'));
    }
  });

  it('is refused where it is larger than an envelope may be', () => {
    const withAgent = (size: number) => sign({ unprotected: [['io.cncf.notary.signingAgent', 'a'.repeat(size)]] });
    expect(verifyEnvelope(withAgent(1000 * 1000))).toMatchObject({ outcome: 'verified' });
    expect(verifyEnvelope(withAgent(1024 * 1024))).toMatchObject(refused('SIGNATURE_MALFORMED'));
  });
});

describe('the form of a JWS', () => {
  it.each<readonly [string, (json: Jws) => unknown]>([
    ['with a member more', (json) => ({ ...json, extra: 1 })],
    ['with a list of signatures', (json) => ({ ...json, signatures: [] })],
    ['in the general form', ({ payload, ...one }) => ({ payload, signatures: [one] })],
    ['in the compact form', (json) => `${json.protected}.${json.payload}.${json.signature}`],
    [
      'in the compact form, as a JSON text',
      (json) => JSON.stringify(`${json.protected}.${json.payload}.${json.signature}`),
    ],
    ['in a list', (json) => [json]],
    ['without a payload', (json) => ({ ...json, payload: undefined })],
    ['without a protected header', (json) => ({ ...json, protected: undefined })],
    ['without an unprotected header', (json) => ({ ...json, header: undefined })],
    ['without a signature', (json) => ({ ...json, signature: undefined })],
    ['with an empty signature', (json) => ({ ...json, signature: '' })],
    ['with an empty protected header', (json) => ({ ...json, protected: '' })],
    ['with a payload in base64 with padding', (json) => ({ ...json, payload: `${json.payload}==` })],
    ['with a line end in its signature', (json) => ({ ...json, signature: `${json.signature}\n` })],
    ['with junk in its signature', (json) => ({ ...json, signature: `${json.signature}*#` })],
    ['with a payload twice', (json) => JSON.stringify(json).replace('{', `{"payload":"${json.payload}",`)],
    [
      'with a payload twice, once escaped',
      (json) => JSON.stringify(json).replace('{', String.raw`{"p\u0061yload":"",`),
    ],
    ['with a chain twice', (json) => JSON.stringify(json).replace('"x5c"', '"x5c":[],"x5c"')],
    ['with members in upper case', (json) => JSON.stringify(json).replace('"payload"', '"PAYLOAD"')],
    ['with a byte order mark', (json) => `\uFEFF${JSON.stringify(json)}`],
    ['followed by something', (json) => `${JSON.stringify(json)} x`],
    ['with __proto__', (json) => JSON.stringify(json).replace('{', '{"__proto__":{},')],
    ['without certificates', (json) => ({ ...json, header: { x5c: [] } })],
    ['without a chain', (json) => ({ ...json, header: {} })],
    [
      'with certificates that are one text',
      (json) => ({ ...json, header: { x5c: (json.header['x5c'] as string[])[0] } }),
    ],
    ['with a certificate in base64url', (json) => ({ ...json, header: { x5c: ['MII-_w'] } })],
    ['with a certificate in PEM', (json) => ({ ...json, header: { x5c: ['-----BEGIN CERTIFICATE-----'] } })],
    [
      'with a timestamp that is no base64',
      (json) => ({ ...json, header: { ...json.header, 'io.cncf.notary.timestampSignature': '*' } }),
    ],
    ['nested beyond reason', (json) => ({ ...json, header: JSON.parse('['.repeat(50) + ']'.repeat(50)) as unknown })],
    ['that is null', () => null],
    ['that is a number', () => 1],
  ])('is refused %s', (_, change) => {
    expect(verifyEnvelope(jws(change))).toMatchObject(refused('SIGNATURE_MALFORMED'));
  });

  const rawHeader = JSON.stringify(JSON_HEADER);
  it.each<readonly [string, SignOptions, string]>([
    ['no object', { rawHeader: Buffer.from('[1]') }, 'SIGNATURE_MALFORMED'],
    ['no JSON', { rawHeader: Buffer.from('{') }, 'SIGNATURE_MALFORMED'],
    ['a member twice', { rawHeader: Buffer.from(rawHeader.replace('{', '{"alg":"ES256",')) }, 'SIGNATURE_MALFORMED'],
    ['b64: false', { rawHeader: header({ ...JSON_HEADER, b64: false }) }, 'NOTATION_ATTRIBUTES'],
    ['b64: true', { rawHeader: header({ ...JSON_HEADER, b64: true }) }, 'NOTATION_ATTRIBUTES'],
    ['a key of its own', { rawHeader: header({ ...JSON_HEADER, jwk: {} }) }, 'NOTATION_ATTRIBUTES'],
    ['an address of a key', { rawHeader: header({ ...JSON_HEADER, JKU: 'https://x' }) }, 'NOTATION_ATTRIBUTES'],
    ['certificates of its own', { rawHeader: header({ ...JSON_HEADER, x5c: [] }) }, 'NOTATION_ATTRIBUTES'],
    [
      'a time with a space',
      { header: { 'io.cncf.notary.signingTime': '2026-05-31 12:00:00Z' } },
      'NOTATION_ATTRIBUTES',
    ],
    [
      'a time without a zone',
      { header: { 'io.cncf.notary.signingTime': '2026-05-31T12:00:00' } },
      'NOTATION_ATTRIBUTES',
    ],
    ['a day that is none', { header: { 'io.cncf.notary.signingTime': '2026-02-30T12:00:00Z' } }, 'NOTATION_ATTRIBUTES'],
    ['a time that is a number', { header: { 'io.cncf.notary.signingTime': 1_780_000_000 } }, 'NOTATION_ATTRIBUTES'],
    ['the zero time', { header: { 'io.cncf.notary.signingTime': '0001-01-01T00:00:00Z' } }, 'NOTATION_ATTRIBUTES'],
  ])('is refused where the protected header has %s', (_, options, code) => {
    expect(verifyEnvelope(signJws(options))).toMatchObject(refused(code));
  });

  it('takes a time with another zone, and with a fraction', () => {
    for (const time of ['2026-05-31T12:00:00+02:00', '2026-05-31T12:00:00.25Z']) {
      const envelope = signJws({ header: { 'io.cncf.notary.signingTime': time } });
      expect(verifyEnvelope(envelope)).toMatchObject({ outcome: 'verified' });
    }
  });
});

describe('the form of a COSE signature', () => {
  const tagged = (parts: readonly unknown[]) => new Tag(18, parts);
  it.each<readonly [string, (parts: Cose) => unknown]>([
    ['without its tag', (parts) => [...parts]],
    ['with the tag of COSE_Sign', (parts) => new Tag(98, parts)],
    ['with the tag twice', (parts) => new Tag(18, tagged(parts))],
    ['with three parts', (parts) => tagged(parts.slice(0, 3))],
    ['with five parts', (parts) => tagged([...parts, new Uint8Array()])],
    ['with a detached payload', ([a, b, , d]) => tagged([a, b, null, d])],
    ['with an empty signature', ([a, b, c]) => tagged([a, b, c, new Uint8Array()])],
    ['with a signature that is text', ([a, b, c]) => tagged([a, b, c, 'signature'])],
    ['with a protected header that is a map', ([, b, c, d]) => tagged([new Map([[1, -7]]), b, c, d])],
    ['with an unprotected header that is bytes', ([a, b, c, d]) => tagged([a, encode(b), c, d])],
    ['followed by something', (parts) => Buffer.concat([encode(tagged(parts)), Buffer.from([0])])],
    ['cut at its end', (parts) => encode(tagged(parts)).subarray(0, -1)],
    ['without certificates', ([a, , c, d]) => tagged([a, new Map([[33, []]]), c, d])],
    ['without a chain', ([a, , c, d]) => tagged([a, new Map(), c, d])],
    [
      'with a chain that is one certificate',
      ([a, b, c, d]) => tagged([a, new Map([[33, (b.get(33) as unknown[])[0]]]), c, d]),
    ],
    ['with a chain under the text 33', ([a, b, c, d]) => tagged([a, new Map([['33', b.get(33)]]), c, d])],
    ['with a certificate that is text', ([a, , c, d]) => tagged([a, new Map([[33, ['MII']]]), c, d])],
    ['with a key identifier beside it', ([a, b, c, d]) => tagged([a, new Map([...b, [4, new Uint8Array()]]), c, d])],
    ['with a label of the protected header beside it', ([a, b, c, d]) => tagged([a, new Map([...b, [1, -7]]), c, d])],
    [
      'with a timestamp that is text',
      ([a, b, c, d]) => tagged([a, new Map([...b, ['io.cncf.notary.timestampSignature', 'x']]), c, d]),
    ],
    ['that is a text', () => 'text'],
  ])('is refused %s', (_, change) => {
    expect(verifyEnvelope(cose(change))).toMatchObject(refused('SIGNATURE_MALFORMED'));
  });

  it('is refused with a label twice in what is not signed', () => {
    const twice = (parts: Cose) => {
      const hex = Buffer.from(encode(tagged(parts))).toString('hex');
      // The map of two entries becomes one of three: the chain again.
      const chain = Buffer.from(encode(parts[1].get(33))).toString('hex');
      return Buffer.from(hex.replace(`a21821${chain}`, `a31821${chain}1821${chain}`), 'hex');
    };
    expect(verifyEnvelope(cose(twice))).toMatchObject(refused('SIGNATURE_MALFORMED'));
  });

  const without = Object.fromEntries(Object.keys(HEADER).map((name) => [name, undefined]));
  it.each<readonly [string, SignOptions, string]>([
    ['no map', { rawHeader: encode([1]) }, 'SIGNATURE_MALFORMED'],
    ['nothing', { rawHeader: new Uint8Array() }, 'SIGNATURE_MALFORMED'],
    ['an empty map', { header: without, algorithm: 'ES256' }, 'NOTATION_ALGORITHM'],
    ['a time without a tag', { header: { 'io.cncf.notary.signingTime': 1_780_000_000 } }, 'SIGNATURE_MALFORMED'],
    [
      'a time as text',
      { header: { 'io.cncf.notary.signingTime': new Tag(0, '2026-05-31T12:00:00Z') } },
      'SIGNATURE_MALFORMED',
    ],
    ['a time with a fraction', { header: { 'io.cncf.notary.signingTime': new Tag(1, 1.5) } }, 'SIGNATURE_MALFORMED'],
    [
      'a time that is text under the tag',
      { header: { 'io.cncf.notary.signingTime': new Tag(1, 'x') } },
      'NOTATION_ATTRIBUTES',
    ],
    [
      'a time beyond all dates',
      { header: { 'io.cncf.notary.signingTime': new Tag(1, Number.MAX_SAFE_INTEGER) } },
      'NOTATION_ATTRIBUTES',
    ],
    ['a time before all formats', { header: { 'io.cncf.notary.signingTime': new Tag(1, -1) } }, 'NOTATION_ATTRIBUTES'],
    ['a key identifier', { header: { '#4': new Uint8Array(1) } }, 'NOTATION_ATTRIBUTES'],
    ['a chain of its own', { header: { '#33': [new Uint8Array(1)] } }, 'NOTATION_ATTRIBUTES'],
    ['the hash of a payload', { header: { '#258': -16 } }, 'NOTATION_ATTRIBUTES'],
    [
      'a critical label that is a number',
      { header: { crit: ['io.cncf.notary.signingScheme', 4] } },
      'NOTATION_CRITICAL',
    ],
  ])('is refused where the protected header has %s', (_, options, code) => {
    expect(verifyEnvelope(signCose(options))).toMatchObject(refused(code));
  });

  it('does not take texts for the labels that they name', () => {
    const entries = Object.entries({ ...HEADER, 'io.cncf.notary.signingTime': new Tag(1, 1_780_000_000) });
    const rawHeader = encode(new Map<string, unknown>(entries));
    expect(verifyEnvelope(signCose({ rawHeader }))).toMatchObject(refused('NOTATION_ATTRIBUTES'));
  });

  it('is over the protected header as it is, in whatever order', () => {
    const labels = new Map<number | string, unknown>([
      ['io.cncf.notary.signingTime', new Tag(1, Math.floor(daysFromNow(-1).getTime() / 1000))],
      [3, HEADER['cty']],
      ['io.cncf.notary.signingScheme', 'notary.x509'],
      [2, ['io.cncf.notary.signingScheme']],
      [1, -7],
    ]);
    expect(verifyEnvelope(signCose({ rawHeader: encode(labels) }))).toMatchObject({ outcome: 'verified' });
  });
});
