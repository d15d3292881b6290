import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../shared/signature/x509/certificate.js';
import { MAX_CRL_BYTES, MAX_CRL_ENTRIES, readCrl } from '../../../shared/signature/x509/crl.js';
import { distributionPointsOf } from '../../../shared/signature/x509/extensions.js';
import { NOW, daysFromNow, makeChain } from '../../support/certificates.js';
import * as der from '../../support/der.js';
import { type CrlOptions, makeCrl, scope } from '../../support/revocation-authority.js';

const URL = 'http://ca.test/list.crl';
const world = makeChain({ leaf: { crl: [URL], serial: 0x80000000000000ffn } });
const other = makeChain();
const pointOf = (certificate: typeof world.leaf.certificate) =>
  distributionPointsOf(certificate.extensions.get('2.5.29.31')!.value)[0]!;
const context = {
  certificate: world.leaf.certificate,
  issuer: world.intermediate.certificate,
  point: pointOf(world.leaf.certificate),
};
const serial = world.leaf.certificate.serial;
const stranger = Buffer.from([7]);
const list = (options: Partial<CrlOptions> = {}) => makeCrl({ issuer: world.intermediate, ...options });
const read = (bytes: Uint8Array, at = NOW) => readCrl(bytes, { ...context, at });
const critical = der.extension('1.2.3', der.nothing(), true);
const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000);

describe('a list of revoked certificates', () => {
  it.each<[string, Partial<CrlOptions>]>([
    ['is empty', {}],
    ['has others', { entries: [{ serial: stranger }, { serial: serial.subarray(1) }] }],
    ['is for its distribution point', { scope: scope({ urls: ['http://else.test/', URL] }) }],
    ['is for users', { scope: scope({ flags: [1] }) }],
    ['is from a clock that is a little ahead', { thisUpdate: minutes(4) }],
    ['has an extension that is not critical', { extensions: [der.extension('1.2.3', der.nothing())] }],
    ['runs beyond 2050', { nextUpdate: new Date('2051-01-01') }],
    ['has no number', { number: false }],
  ])('clears where it %s', (_, options) => {
    expect(read(list(options))).toMatchObject({ complete: true, entries: [] });
  });
  it.each<[string, number | undefined, string]>([
    ['no reason', undefined, 'revoked'],
    ['a stolen key', 1, 'revoked'],
    ['a hold', 6, 'held'],
    ['a removal', 8, 'removed'],
    ['a reason that nobody knows', 42, 'revoked'],
  ])('names a certificate for %s', (_, reason, state) => {
    const invalidFrom = daysFromNow(-9);
    const entry = { serial, invalidFrom, ...(reason !== undefined && { reason }) };
    const entries = [{ serial: stranger }, entry, { serial: stranger }];
    expect(read(list({ entries }))).toMatchObject({ entries: [{ state, at: daysFromNow(-2), invalidFrom }] });
  });
  it('tells what it is part of', () => {
    expect(read(list({ number: 9, deltaOf: 5, freshest: [URL] }))).toMatchObject({
      number: 9n,
      deltaOf: 5n,
      freshest: [{ urls: [URL] }],
    });
    expect(read(list({ scope: scope({ reasons: true }) }))).toMatchObject({ complete: false });
    expect(read(list({ scope: scope({ flags: [5] }) }))).toMatchObject({ complete: false });
  });

  it.each<[string, Partial<CrlOptions>]>([
    ['of a stranger of the same name', { issuer: other.intermediate }],
    ['of the issuer of the issuer', { issuer: world.root }],
    [
      'of the issuer of the issuer in the name of the issuer',
      { issuer: world.root, issuerDer: world.intermediate.subjectDer },
    ],
    ['of the issuer in another name', { issuerDer: world.root.subjectDer }],
    [
      'that was changed',
      { tamper: (signed) => Buffer.from(signed.toString('latin1').replace('260531', '260530'), 'latin1') },
    ],
    ['with SHA-1', { hash: 'sha1' }],
    ['that is over', { nextUpdate: daysFromNow(-0.1) }],
    ['that is just over', { nextUpdate: NOW }],
    ['without an end', { nextUpdate: false }],
    ['that begins later', { thisUpdate: minutes(6) }],
    ['with a critical extension', { extensions: [critical] }],
    ['with a critical extension of an entry', { entries: [{ serial: stranger, extensions: [critical] }] }],
    [
      'with an entry of another issuer',
      { entries: [{ serial: stranger, extensions: [der.extension('2.5.29.29', der.seq(), true)] }] },
    ],
    ['with an extension twice', { extensions: [der.extension('2.5.29.20', der.int(6))] }],
    ['with a number that could be shorter', { entries: [{ serial: Buffer.concat([Buffer.alloc(2), serial]) }] }],
    ['for another distribution point', { scope: scope({ urls: ['http://ca.test/other.crl'] }) }],
    ['for authorities', { scope: scope({ flags: [2] }) }],
    ['for nobody', { scope: scope({ flags: [1, 2] }) }],
    ['of several issuers', { scope: scope({ flags: [4] }) }],
  ])('is not used %s', (_, options) => {
    expect(read(list(options))).toEqual(expect.any(String));
  });
  it('is not used where its issuer may not sign it', () => {
    const silent = makeChain({ intermediate: { keyUsage: { usages: ['keyCertSign'] } }, leaf: { crl: [URL] } });
    const { certificate } = silent.leaf;
    const bytes = makeCrl({ issuer: silent.intermediate });
    const of = { certificate, issuer: silent.intermediate.certificate, point: pointOf(certificate), at: NOW };
    expect(readCrl(bytes, of)).toEqual(expect.any(String));
  });
  it('is judged by the time at which it came', () => {
    expect(read(list(), daysFromNow(0.9))).toMatchObject({ entries: [] });
    for (const at of [daysFromNow(-2), daysFromNow(1), new Date(Number.NaN)]) {
      expect(read(list(), at)).toEqual(expect.any(String));
    }
  });
  it('is read whole or not at all', () => {
    const good = list();
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('-----BEGIN X509 CRL-----'),
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.from([0])]),
      Buffer.alloc(MAX_CRL_BYTES + 1, 0x30),
    ]) {
      expect(read(bytes)).toEqual(expect.any(String));
    }
  });
  it('never clears where a byte was changed', () => {
    const revoking = list({ entries: [{ serial }] });
    fc.assert(
      fc.property(fc.nat(revoking.byteLength - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const changed = Buffer.from(revoking);
        changed[index] = changed[index]! ^ change;
        const reading = read(changed);
        return typeof reading === 'string' || reading.entries.length === 1;
      }),
      { numRuns: 500 },
    );
  });

  describe('of many entries', () => {
    const many = (others: number) => list({ entries: [{ serial }], others });
    it('is read to its last entry, in the time of one pass', () => {
      const bytes = many(100_000);
      expect(bytes.byteLength).toBeLessThan(MAX_CRL_BYTES);
      expect(read(bytes)).toMatchObject({ entries: [{ state: 'revoked' }] });
    });
    it('is not used where there are too many', () => {
      expect(read(many(MAX_CRL_ENTRIES))).toEqual(expect.any(String));
    });
  });

  it('is read as OpenSSL makes it', () => {
    const fixture = (name: string) =>
      readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'revocation', name));
    const certificate = parseCertificate(fixture('leaf.der'));
    const theirs = { certificate, issuer: parseCertificate(fixture('ca.der')), point: pointOf(certificate) };
    const at = new Date('2026-11-28T12:00:00Z');
    expect(readCrl(fixture('list.der'), { ...theirs, at })).toMatchObject({
      number: 4096n,
      entries: [{ state: 'revoked', at: new Date('2026-01-01T00:00:00Z') }],
    });
  });
});
