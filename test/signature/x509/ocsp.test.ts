import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../shared/signature/x509/certificate.js';
import { MAX_OCSP_BYTES, ocspRequest, readOcsp } from '../../../shared/signature/x509/ocsp.js';
import {
  type CertificateOptions,
  NOW,
  PURPOSE,
  daysFromNow,
  makeCertificate,
  makeChain,
} from '../../support/certificates.js';
import * as der from '../../support/der.js';
import { type OcspOptions, makeOcsp } from '../../support/revocation-authority.js';

const world = makeChain({ leaf: { serial: 0x80000000000000ffn } });
const other = makeChain();
const issued = { certificate: world.leaf.certificate, issuer: world.intermediate.certificate };
const read = (bytes: Uint8Array, at = NOW) => readOcsp(bytes, issued, at);
const answer = (options: Partial<OcspOptions> = {}) =>
  makeOcsp({ certificate: world.leaf, issuer: world.intermediate, ...options });

const RESPONDER: CertificateOptions = {
  subject: 'responder',
  keyUsage: { usages: ['digitalSignature'] },
  extendedKeyUsage: { purposes: [PURPOSE.ocspSigning] },
  extensions: [der.extension('1.3.6.1.5.5.7.48.1.5', der.nothing())],
};
const delegate = (options: CertificateOptions = {}, by = world.intermediate) =>
  makeCertificate({ ...RESPONDER, ...options }, by);
const rsa = makeChain({ intermediate: { keys: 'RSA-2048' } });
const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);

describe('the answer of a responder', () => {
  it.each<[string, Partial<OcspOptions>]>([
    ['by the issuer', {}],
    ['by the issuer, named by its key', { byKey: true }],
    ['with names hashed by SHA-256', { idHash: 'sha256' }],
    ['by a delegate', { responder: delegate() }],
    ['by a delegate, named by its key', { responder: delegate(), byKey: true }],
    ['by a delegate without key usage', { responder: delegate({ keyUsage: false }) }],
    ['by a delegate with an RSA key', { responder: delegate({ keys: 'RSA-2048' }), hash: 'sha384' }],
    ['with the issuer besides', { certificates: [world.intermediate.der] }],
    ['with an extension that is not critical', { extensions: [der.extension('1.2.3', der.nothing())] }],
    ['from a clock that is a little ahead', { thisUpdate: minutes(4), producedAt: minutes(4) }],
  ])('vouches %s', (_, options) => {
    expect(read(answer(options))).toEqual({ status: 'good' });
  });
  it('revokes, from a day on that it may tell', () => {
    expect(read(answer({ status: 'revoked' }))).toEqual({ status: 'revoked', invalidFrom: undefined });
    const invalidFrom = daysFromNow(-3);
    expect(read(answer({ status: 'revoked', invalidFrom }))).toEqual({ status: 'revoked', invalidFrom });
  });
  it('may not know', () => {
    expect(read(answer({ status: 'unknown' }))).toEqual({ status: 'unknown' });
  });

  it.each<[string, Partial<OcspOptions>]>([
    ['of another serial number', { serial: Buffer.from([7]) }],
    ['of the serial number with a zero less', { serial: world.leaf.certificate.serial.subarray(1) }],
    ['of another issuer', { idIssuer: other.root }],
    ['of an issuer of the same name', { idIssuer: other.intermediate }],
    ['by a stranger of the same name', { responder: other.intermediate, certificates: [] }],
    ['by a stranger of the same name who is there', { responder: other.intermediate }],
    ['by the issuer of the issuer', { responder: world.root }],
    ['by the certificate itself', { responder: world.leaf }],
    ['by a delegate without the purpose', { responder: delegate({ extendedKeyUsage: false }) }],
    [
      'by a delegate with another purpose',
      { responder: delegate({ extendedKeyUsage: { purposes: [PURPOSE.codeSigning] } }) },
    ],
    ['by a delegate for any purpose', { responder: delegate({ extendedKeyUsage: { purposes: [PURPOSE.any] } }) }],
    [
      'by a delegate whose key is not for signatures',
      { responder: delegate({ keyUsage: { usages: ['keyAgreement'] } }) },
    ],
    ['by a delegate of the issuer of the issuer', { responder: delegate({}, world.root) }],
    ['by a delegate of a stranger', { responder: delegate({}, other.intermediate) }],
    ['by a delegate that has expired', { responder: delegate({ notAfter: daysFromNow(-1) }) }],
    ['by a delegate that is not valid yet', { responder: delegate({ notBefore: daysFromNow(1) }) }],
    ['by a delegate with a short key', { responder: delegate({ keys: 'RSA-1024' }) }],
    [
      'by a delegate with an unknown critical extension',
      { responder: delegate({ extensions: [der.extension('1.2.3', der.nothing(), true)] }) },
    ],
    ['by a delegate that is not there', { responder: delegate(), certificates: [world.intermediate.der] }],
    [
      'changed afterwards',
      { tamper: (signed) => Buffer.from(signed.toString('latin1').replace('20260531', '20260530'), 'latin1') },
    ],
    ['with SHA-1', { responder: delegate({ keys: 'RSA-2048' }), hash: 'sha1' }],
    ['that is over', { nextUpdate: daysFromNow(-0.1) }],
    ['that is just over', { nextUpdate: NOW }],
    ['without an end', { nextUpdate: false }],
    ['that begins later', { thisUpdate: minutes(6) }],
    ['that will be made later', { producedAt: minutes(6) }],
    ['that refuses', { responseStatus: 6 }],
    ['of another type', { type: '1.2.3' }],
    ['with two answers', { copies: 2 }],
    ['with none', { copies: 0 }],
    ['with a critical extension', { extensions: [der.extension('1.2.3', der.nothing(), true)] }],
    ['with a critical extension of all', { allExtensions: [der.extension('1.2.3', der.nothing(), true)] }],
    ['with too many certificates', { certificates: Array.from({ length: 11 }, () => world.leaf.der) }],
    ['with something that is no certificate', { certificates: [der.seq()] }],
  ])('is not used %s', (_, options) => {
    for (const status of ['good', 'revoked'] as const) {
      expect(read(answer({ ...options, status }))).toMatchObject({ status: 'unusable' });
    }
  });
  it('is not used with SHA-1 by the issuer itself', () => {
    const bytes = makeOcsp({ certificate: rsa.leaf, issuer: rsa.intermediate, hash: 'sha1' });
    const of = { certificate: rsa.leaf.certificate, issuer: rsa.intermediate.certificate };
    expect(readOcsp(bytes, of, NOW)).toMatchObject({ status: 'unusable' });
  });
  it('is judged by the time at which it came', () => {
    expect(read(answer(), daysFromNow(0.9))).toEqual({ status: 'good' });
    for (const days of [-2, 1, 2]) expect(read(answer(), daysFromNow(days))).toMatchObject({ status: 'unusable' });
    expect(read(answer(), new Date(Number.NaN))).toMatchObject({ status: 'unusable' });
  });

  it('is read whole or not at all', () => {
    const good = answer();
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('<html>'),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.from([0])]),
      der.seq(der.enumerated(0)),
      Buffer.alloc(MAX_OCSP_BYTES + 1, 0x30),
    ]) {
      expect(read(bytes)).toMatchObject({ status: 'unusable' });
    }
  });
  it('never vouches where a byte of a revocation was changed', () => {
    const revoked = answer({ status: 'revoked' });
    fc.assert(
      fc.property(fc.nat(revoked.byteLength - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = Buffer.from(revoked);
        changed[index] = changed[index]! ^ change;
        return ['unusable', 'revoked'].includes(read(changed).status);
      }),
      { numRuns: 500 },
    );
  });
});

describe('OpenSSL', () => {
  const fixture = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'revocation', name));
  const theirs = { certificate: parseCertificate(fixture('leaf.der')), issuer: parseCertificate(fixture('ca.der')) };
  it('asks the same question', () => {
    expect(Buffer.from(ocspRequest(theirs))).toEqual(fixture('request.der'));
  });
  it('makes an answer that is read', () => {
    const at = new Date('2026-11-28T12:00:00Z');
    expect(readOcsp(fixture('answer.der'), theirs, at)).toEqual({ status: 'revoked', invalidFrom: undefined });
    expect(readOcsp(fixture('answer.der'), theirs, new Date('2027-11-28'))).toMatchObject({ status: 'unusable' });
    expect(readOcsp(fixture('answer.der'), issued, at)).toMatchObject({ status: 'unusable' });
  });
});
