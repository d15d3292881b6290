import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAppError } from '../../../shared/error/app-error.js';
import { MAX_TOKEN_BYTES, tokenOfResponse } from '../../../shared/signature/timestamp/token.js';
import { verifyTimestamp } from '../../../shared/signature/timestamp/verify.js';
import { type Certificate, parseCertificate } from '../../../shared/signature/x509/certificate.js';
import {
  type ChainOptions,
  type Made,
  NOW,
  PURPOSE,
  daysFromNow,
  makeCertificate,
  makeChain,
  makeTsaChain,
} from '../../support/certificates.js';
import * as der from '../../support/der.js';
import { type TokenOptions, makeToken } from '../../support/timestamp-authority.js';

const message = Buffer.from('the bytes of a signature');
const authority = makeTsaChain();
const rsa = makeTsaChain({ leaf: { keys: 'RSA-2048' } });

const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (isAppError(error)) return error.code;
    throw error;
  }
  return 'ok';
};
type Changes = Partial<TokenOptions> & { readonly by?: ReturnType<typeof makeTsaChain> };
const tokenOf = ({ by = authority, ...options }: Changes = {}) => makeToken({ message, tsa: by.made, ...options });
const verify = (
  token: Uint8Array,
  roots: readonly Certificate[] = [authority.root.certificate, rsa.root.certificate],
) => verifyTimestamp(token, { message, roots });

const OTHER = { message: Buffer.from('other') };
const V1 = '1.2.840.113549.1.9.16.2.12';
const criticalExtension = der.context(1, der.extension('1.2.3', der.nothing(), true));

describe('a timestamp', () => {
  it('tells its time and who vouches for it', () => {
    const timestamp = verify(tokenOf());
    expect(timestamp).toMatchObject({ at: NOW, from: NOW, to: NOW });
    const prints = (chain: readonly Certificate[]) => chain.map(({ fingerprint }) => fingerprint);
    expect(prints(timestamp.chain)).toEqual(prints(authority.chain));
  });

  it.each<[string, Changes]>([
    ['RSA', { by: rsa }],
    ['RSA, named as a key', { by: rsa, bareRsa: true }],
    ['RSASSA-PSS', { by: rsa, pss: true, hash: 'sha384' }],
    ['SHA-384', { hash: 'sha384' }],
    ['SHA-512', { hash: 'sha512' }],
    ['another hash for the imprint', { imprintHash: 'sha512' }],
    ['another hash for the certificate', { certificateHash: 'sha512' }],
    ['issuer and serial number', { signingCertificate: 'serial' }],
    ['a signing time', { signingTime: NOW }],
    ['attributes in another order', { reorder: (attributes) => [...attributes].reverse() }],
    [
      'ordering, nonce and name',
      { more: [der.bool(true), der.int(1n << 63n), der.context(0, der.context(4, der.seq()))] },
    ],
    ['an extension that is not critical', { more: [der.context(1, der.extension('1.2.3', der.nothing()))] }],
    ['only the certificates that are no root', { certificates: [authority.leaf.der, authority.intermediate.der] }],
    ['certificates in another order', { certificates: [...authority.made].reverse().map((made) => made.der) }],
    ['certificates that nobody needs', { certificates: [makeChain().leaf, ...authority.made].map((made) => made.der) }],
    ['the attribute of RFC 2634 besides', { extraAttributes: [der.seq(der.oid(V1), der.setOf(der.seq()))] }],
  ])('is taken with %s', (_, changes) => {
    expect(codeOf(() => verify(tokenOf(changes)))).toBe('ok');
  });

  it.each<[string, string, Changes]>([
    ['TIMESTAMP_OTHER_MESSAGE', 'over something else', OTHER],
    ['TIMESTAMP_WEAK', 'with a SHA-1 imprint', { imprintHash: 'sha1' }],
    ['TIMESTAMP_WEAK', 'signed with SHA-1', { by: rsa, hash: 'sha1' }],
    ['TIMESTAMP_WEAK', 'with SHA-1 within PSS', { by: rsa, pss: true, hash: 'sha1', digest: 'sha256' }],
    ['TIMESTAMP_WEAK', 'that digests otherwise than it signs', { digest: 'sha512', attributeHash: 'sha512' }],
    ['TIMESTAMP_WEAK', 'that names its certificate by SHA-1', { signingCertificate: 'sha1' }],
    ['TIMESTAMP_SIGNATURE', 'with another content type in its attributes', { contentType: '1.2.840.113549.1.7.1' }],
    ['TIMESTAMP_MALFORMED', 'of another type', { eContentType: '1.2.840.113549.1.7.1' }],
    ['TIMESTAMP_SIGNATURE', 'that names no certificate', { signingCertificate: 'missing' }],
    ['TIMESTAMP_SIGNATURE', 'that names its certificate by RFC 2634 alone', { signingCertificate: 'v1' }],
    ['TIMESTAMP_SIGNATURE', 'that names another certificate', { signingCertificate: 'wrong' }],
    ['TIMESTAMP_SIGNATURE', 'that names another serial number', { signingCertificate: 'wrong serial' }],
    ['TIMESTAMP_SIGNATURE', 'without its certificate', { certificates: [authority.intermediate.der] }],
    ['TIMESTAMP_SIGNATURE', 'without certificates', { certificates: [] }],
    ['TIMESTAMP_SIGNATURE', 'with a wrong digest', { attributeHash: 'sha384' }],
    [
      'TIMESTAMP_SIGNATURE',
      'changed afterwards',
      { tamper: (info) => Buffer.from(info.toString('latin1').replace('20260601', '20250601'), 'latin1') },
    ],
    ['TIMESTAMP_MALFORMED', 'without signed attributes', { withoutAttributes: true }],
    ['TIMESTAMP_MALFORMED', 'with two signers', { signers: 2 }],
    ['TIMESTAMP_MALFORMED', 'without a signer', { signers: 0 }],
    ['TIMESTAMP_MALFORMED', 'with a signer of another version', { signerVersion: 3 }],
    [
      'TIMESTAMP_MALFORMED',
      'with an attribute twice',
      { extraAttributes: [0, 1].map((n) => der.seq(der.oid('1.2.3'), der.setOf(der.int(n)))) },
    ],
    [
      'TIMESTAMP_MALFORMED',
      'with two values of an attribute',
      { extraAttributes: [der.seq(der.oid('1.2.3'), der.setOf(der.int(1), der.int(2)))] },
    ],
    ['TIMESTAMP_MALFORMED', 'of another version', { version: 2 }],
    ['TIMESTAMP_MALFORMED', 'with a critical extension', { more: [criticalExtension] }],
    ['TIMESTAMP_MALFORMED', 'with a field too many', { more: [der.nothing()] }],
    [
      'TIMESTAMP_MALFORMED',
      'with an accuracy of more than 999 milliseconds',
      { accuracy: [der.implicit(0, Buffer.from([4, 0]))] },
    ],
    ['TIMESTAMP_MALFORMED', 'with an accuracy below nothing', { accuracy: [der.tlv(2, Buffer.from([0xff]))] }],
    ['TIMESTAMP_MALFORMED', 'with an accuracy of a day', { accuracy: [der.int(86_400)] }],
    [
      'TIMESTAMP_MALFORMED',
      'with too many certificates',
      { certificates: Array.from({ length: 11 }, () => authority.leaf.der) },
    ],
    ['TIMESTAMP_MALFORMED', 'with something that is no certificate', { certificates: [authority.leaf.der, der.seq()] }],
    ['TIMESTAMP_MALFORMED', 'of a day that never was', { genTime: der.tlv(0x18, Buffer.from('20260230120000Z')) }],
    ['TIMESTAMP_MALFORMED', 'of a time without a zone', { genTime: der.tlv(0x18, Buffer.from('20260601120000')) }],
    ['TIMESTAMP_MALFORMED', 'of a time elsewhere', { genTime: der.tlv(0x18, Buffer.from('20260601120000+0200')) }],
    ['TIMESTAMP_MALFORMED', 'of a short year', { genTime: der.tlv(0x17, Buffer.from('260601120000Z')) }],
    ['TIMESTAMP_CERTIFICATE', 'before its certificate', { at: daysFromNow(-31) }],
    ['TIMESTAMP_CERTIFICATE', 'after its certificate', { at: daysFromNow(31) }],
    ['TIMESTAMP_CERTIFICATE', 'signed at another time', { signingTime: daysFromNow(31) }],
  ])('is %s %s', (code, _, changes) => {
    expect(codeOf(() => verify(tokenOf(changes)))).toBe(code);
  });

  const purposes = [PURPOSE.timeStamping, PURPOSE.codeSigning];
  it.each<[string, string, ChainOptions]>([
    [
      'TIMESTAMP_CERTIFICATE',
      'with a purpose that is not critical',
      { leaf: { extendedKeyUsage: { purposes: [PURPOSE.timeStamping] } } },
    ],
    ['TIMESTAMP_CERTIFICATE', 'with two purposes', { leaf: { extendedKeyUsage: { purposes, critical: true } } }],
    ['TIMESTAMP_CERTIFICATE', 'without a purpose', { leaf: { extendedKeyUsage: false } }],
    ['TIMESTAMP_CERTIFICATE', 'under an authority that is none', { intermediate: { basicConstraints: false } }],
    ['TIMESTAMP_CERTIFICATE', 'under an authority that has expired', { intermediate: { notAfter: daysFromNow(-1) } }],
    ['TIMESTAMP_CERTIFICATE', 'under a root that has expired', { root: { notAfter: daysFromNow(-1) } }],
    ['TIMESTAMP_CERTIFICATE', 'with a certificate signed with SHA-1', { leaf: { hash: 'sha1' } }],
  ])('is %s by an authority %s', (code, _, options) => {
    const by = makeTsaChain(options);
    expect(codeOf(() => verify(tokenOf({ by }), [by.root.certificate]))).toBe(code);
  });

  it('is trusted under the very root alone', () => {
    // The same name, and the same name and key in another certificate.
    const { root } = authority;
    const reissued = makeCertificate({ subject: 'root', keys: root.keys, basicConstraints: { ca: true } });
    for (const roots of [
      [],
      [makeTsaChain().root.certificate],
      [reissued.certificate],
      [authority.intermediate.certificate],
    ]) {
      expect(codeOf(() => verify(tokenOf(), roots))).toMatch(/^TIMESTAMP_(UNTRUSTED|CERTIFICATE)$/);
    }
  });

  it('is not slowed down by authorities that issue one another', () => {
    const keys = authority.root.keys;
    const circle = Array.from({ length: 9 }, () =>
      makeCertificate({ subject: 'same', keys, basicConstraints: { ca: true }, issuerDer: der.commonName('same') }),
    ) as [Made, ...Made[]];
    const leaf = makeCertificate(
      {
        subject: 'tsa',
        keyUsage: { usages: ['digitalSignature'] },
        extendedKeyUsage: { purposes: [PURPOSE.timeStamping], critical: true },
      },
      circle[0],
    );
    const token = makeToken({ message, tsa: [leaf, ...circle] });
    expect(codeOf(() => verify(token))).toBe('TIMESTAMP_UNTRUSTED');
  });

  it.each<[string, number, Changes]>([
    ['nothing is stated', 0, {}],
    ['zero is stated', 0, { accuracy: [der.int(0)] }],
    ['the baseline policy is named and nothing stated', 1000, { policy: '0.4.0.2023.1.1' }],
    ['the baseline policy is named and zero stated', 1000, { policy: '0.4.0.2023.1.1', accuracy: [] }],
    [
      'the baseline policy is named and something else stated',
      2000,
      { policy: '0.4.0.2023.1.1', accuracy: [der.int(2)] },
    ],
    [
      'all three are stated',
      1501,
      { accuracy: [der.int(1), der.implicit(0, Buffer.from([1, 0xf4])), der.implicit(1, Buffer.from([1]))] },
    ],
  ])('is as exact as it says where %s', (_, milliseconds, changes) => {
    const { at, from, to } = verify(tokenOf(changes));
    expect([at.getTime() - from.getTime(), to.getTime() - at.getTime()]).toEqual([milliseconds, milliseconds]);
  });

  it('rounds what is finer than a millisecond outwards', () => {
    const { at, from, to } = verify(tokenOf({ genTime: der.tlv(0x18, Buffer.from('20260601120000.1234567Z')) }));
    expect([at, from, to].map((each) => each.toISOString().slice(20, 23))).toEqual(['123', '123', '124']);
  });

  it('has nothing behind it, is not too large and is not empty', () => {
    const token = tokenOf();
    for (const bytes of [
      Buffer.concat([token, Buffer.from([0])]),
      Buffer.concat([token, token]),
      token.subarray(0, -1),
      Buffer.alloc(0),
      Buffer.from('text'),
      Buffer.alloc(MAX_TOKEN_BYTES + 1, 0x30),
    ]) {
      expect(codeOf(() => verify(bytes))).toBe('TIMESTAMP_MALFORMED');
    }
  });

  it('is taken in BER, as some authorities write it', () => {
    const token = tokenOf();
    const end = Buffer.from([0, 0]);
    const open = Buffer.concat([Buffer.from([0x30, 0x80]), token.subarray(4), end]);
    const long = Buffer.concat([Buffer.from([0x30, 0x83, 0]), token.subarray(2)]);
    for (const bytes of [open, long]) expect(codeOf(() => verify(bytes))).toBe('ok');
    for (const bytes of [open.subarray(0, -1), open.subarray(0, -2), Buffer.concat([open, end])]) {
      expect(codeOf(() => verify(bytes))).toBe('TIMESTAMP_MALFORMED');
    }
  });

  it('is never taken with a byte changed where it matters, and never breaks', () => {
    const token = tokenOf();
    const at = verify(token).at;
    fc.assert(
      fc.property(fc.nat(token.byteLength - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = Buffer.from(token);
        changed[index] = changed[index]! ^ change;
        // Bytes that nobody signs may change: an unused root, the list of digests. The time may not.
        let result;
        try {
          result = verify(changed);
        } catch (error) {
          return isAppError(error) && error.code.startsWith('TIMESTAMP_');
        }
        return result.at.getTime() === at.getTime();
      }),
      { numRuns: 500 },
    );
  });
});

describe('a timestamp made by OpenSSL', () => {
  const fixture = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'timestamp', name));
  const roots = [parseCertificate(fixture('root.der'))];
  it('is taken', () => {
    const { at, from, to, chain } = verifyTimestamp(fixture('token.der'), { message: Buffer.from('a message'), roots });
    expect(at.toISOString()).toBe('2026-11-28T04:10:19.579Z');
    expect([at.getTime() - from.getTime(), to.getTime() - at.getTime()]).toEqual([1501, 1501]);
    expect(chain).toHaveLength(2);
  });
  it('is taken from its response, and from nothing else', () => {
    expect(Buffer.from(tokenOfResponse(fixture('response.tsr')))).toEqual(fixture('token.der'));
    const refused = der.seq(der.seq(der.int(2)), fixture('token.der'));
    const odd = der.seq(der.seq(der.int(0), der.int(0)), fixture('token.der'));
    for (const bytes of [fixture('token.der'), refused, odd, der.seq(der.seq(der.int(0))), Buffer.alloc(0)]) {
      expect(codeOf(() => tokenOfResponse(bytes))).toBe('TIMESTAMP_MALFORMED');
    }
  });
  it('is of that message', () => {
    expect(codeOf(() => verifyTimestamp(fixture('token.der'), { message, roots }))).toBe('TIMESTAMP_OTHER_MESSAGE');
  });
});
