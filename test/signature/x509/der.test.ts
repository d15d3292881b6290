import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemeOf } from '../../../shared/signature/x509/algorithm.js';
import {
  TAG,
  booleanOf,
  bytesOfBits,
  fieldsOf,
  integerOf,
  listOf,
  oidOf,
  readDer,
  writeDer,
} from '../../../shared/signature/x509/der.js';
import {
  distributionPointsOf,
  extensionsOf,
  listScopeOf,
  responderUrls,
} from '../../../shared/signature/x509/extensions.js';
import { timeOf } from '../../../shared/signature/x509/time.js';
import { hashAlgorithm } from '../../support/certificates.js';
import * as der from '../../support/der.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const malformed = expect.objectContaining({ code: 'DER_MALFORMED' }) as Error;
const time = (tag: number, text: string) => readDer(der.tlv(tag, Buffer.from(text)));

describe('DER', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.bigInt(-(1n << 200n), 1n << 200n), (value) => {
        const size = 26;
        const unsigned = BigInt.asUintN(size * 8, value)
          .toString(16)
          .padStart(size * 2, '0');
        let bytes = Buffer.from(unsigned, 'hex');
        while (bytes.length > 1 && ((bytes[0] === 0 && bytes[1]! < 0x80) || (bytes[0] === 0xff && bytes[1]! >= 0x80)))
          bytes = bytes.subarray(1);
        return integerOf(readDer(der.tlv(2, bytes))) === value;
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 31 - 1), { maxLength: 8 }), fc.nat(39), fc.nat(2), (arcs, second, first) => {
        const dotted = [first, second, ...arcs].join('.');
        return oidOf(readDer(der.oid(dotted))) === dotted;
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
        const written = bytes.byteLength < 2 ** 16 ? writeDer(4, bytes) : der.octets(bytes);
        return written.equals(der.octets(bytes)) && readDer(written, TAG.octets).value.equals(bytes);
      }),
    );
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1950-01-01'), max: new Date('2049-12-31'), noInvalidDate: true }),
        (date) => {
          const second = new Date(Math.floor(date.getTime() / 1000) * 1000);
          return [der.time(second), der.generalized(second)].every(
            (each) => timeOf(readDer(each)).getTime() === second.getTime(),
          );
        },
      ),
    );
  });
  it('knows the large second arc', () => expect(oidOf(readDer(hex('06 03 88 37 03')))).toBe('2.999.3'));

  it.each([
    ['nothing', ''],
    ['a tag', '30'],
    ['a cut value', '30 02 05'],
    ['a cut length', '30 82 01'],
    ['no definite length', '30 80 00 00'],
    ['a length that could be shorter', '30 81 00'],
    ['a length with a zero', `04 82 00 80 ${'00'.repeat(128)}`],
    ['a length of five bytes', '30 85 00 00 00 00 00'],
    ['a long tag', '1f 01 00'],
    ['something behind it', '30 00 00'],
  ])('is not %s', (_, bytes) => {
    expect(() => readDer(hex(bytes))).toThrow(malformed);
  });
  it.each<[string, () => unknown]>([
    ['another tag', () => readDer(hex('30 00'), TAG.set)],
    ['an empty number', () => integerOf(readDer(hex('02 00')))],
    ['a number with a zero', () => integerOf(readDer(hex('02 02 00 7f')))],
    ['a number with ones', () => integerOf(readDer(hex('02 02 ff 80')))],
    ['a number without an end', () => integerOf(readDer(der.tlv(2, Buffer.alloc(65, 1))))],
    ['an empty OID', () => oidOf(readDer(hex('06 00')))],
    ['a cut OID', () => oidOf(readDer(hex('06 02 2a 86')))],
    ['an OID with a zero', () => oidOf(readDer(hex('06 03 2a 80 01')))],
    ['an OID of another type', () => oidOf(readDer(hex('04 01 2a')))],
    ['a long OID', () => oidOf(readDer(der.tlv(6, Buffer.alloc(65, 1))))],
    ['half a truth', () => booleanOf(readDer(hex('01 01 01')))],
    ['a long truth', () => booleanOf(readDer(hex('01 02 ff ff')))],
    ['bits that are no bytes', () => bytesOfBits(readDer(hex('03 02 01 80')))],
    ['no bits', () => bytesOfBits(readDer(hex('03 00')))],
    ['too long a list', () => listOf(readDer(hex('30 04 05 00 05 00')), { most: 1 })],
    ['a list with a cut element', () => listOf(readDer(hex('30 02 05 01')), { most: 1 })],
    ['a field that is missing', () => fieldsOf(readDer(hex('30 00'))).take(2)],
    [
      'a field too many',
      () => {
        fieldsOf(readDer(hex('30 02 05 00'))).done();
      },
    ],
    ['fields of something else', () => fieldsOf(readDer(hex('31 00')))],
    ['too much to write', () => writeDer(4, Buffer.alloc(2 ** 16))],
    ['a thirteenth month', () => timeOf(time(0x18, '20261301000000Z'))],
    ['a thirtieth of February', () => timeOf(time(0x17, '260230000000Z'))],
    ['a twenty-fifth hour', () => timeOf(time(0x18, '20260601240000Z'))],
    ['a leap second', () => timeOf(time(0x18, '20261231235960Z'))],
    ['no seconds', () => timeOf(time(0x17, '2606010000Z'))],
    ['a zone', () => timeOf(time(0x17, '260601000000+0100'))],
    ['a fraction', () => timeOf(time(0x18, '20260601000000.5Z'))],
    ['a time in another string', () => timeOf(time(0x0c, '20260601000000Z'))],
    ['a time with a line behind', () => timeOf(time(0x18, '20260601000000Z\n'))],
  ])('has no %s', (_, run) => {
    expect(run).toThrow(malformed);
  });
});

describe('an algorithm', () => {
  const pss = (...parts: Uint8Array[]) => readDer(der.seq(der.oid('1.2.840.113549.1.1.10'), der.seq(...parts)));
  const mgf = (hash: 'sha1' | 'sha256' | 'sha384') =>
    der.context(1, der.seq(der.oid('1.2.840.113549.1.1.8'), hashAlgorithm(hash)));
  const hash = der.context(0, hashAlgorithm('sha256'));
  const salt = (bytes: number) => der.context(2, der.int(bytes));
  it('is RSASSA-PSS with everything told', () => {
    expect(schemeOf(pss(hash, mgf('sha256'), salt(32)))).toEqual({ keyType: 'rsa', hash: 'sha256', saltLength: 32 });
    expect(schemeOf(pss(hash, mgf('sha256'), salt(20), der.context(3, der.int(1))))).toMatchObject({ saltLength: 20 });
  });
  it.each([
    ['nothing', pss()],
    ['no hash', pss(mgf('sha256'), salt(32))],
    ['no mask', pss(hash, salt(32))],
    ['no salt', pss(hash, mgf('sha256'))],
    ['two hashes', pss(hash, mgf('sha384'), salt(32))],
    ['SHA-1', pss(der.context(0, hashAlgorithm('sha1')), mgf('sha1'), salt(20))],
    ['a long salt', pss(hash, mgf('sha256'), salt(65))],
    ['another trailer', pss(hash, mgf('sha256'), salt(32), der.context(3, der.int(2)))],
    ['no parameters', readDer(der.seq(der.oid('1.2.840.113549.1.1.10')))],
    ['a bare key', readDer(der.seq(der.oid('1.2.840.113549.1.1.1'), der.nothing()))],
    ['MD5', readDer(der.seq(der.oid('1.2.840.113549.1.1.4'), der.nothing()))],
    ['an OID of somebody', readDer(der.seq(der.oid('1.2.3.4')))],
  ])('is not known with %s', (_, element) => {
    expect(schemeOf(element)).toBeUndefined();
  });
});

describe('extensions', () => {
  const one = der.extension('1.2.3', der.nothing());
  const url = der.uri('http://a.test/');
  it.each<[string, () => unknown]>([
    ['one twice', () => extensionsOf(readDer(der.seq(one, one)))],
    [
      'too many',
      () => extensionsOf(readDer(der.seq(...Array.from({ length: 65 }, (_, n) => der.extension(`1.2.${n}`, one))))),
    ],
    ['half a truth', () => extensionsOf(readDer(der.seq(der.seq(der.oid('1.2.3'), hex('01 01 01'), der.octets()))))],
    ['no responders', () => responderUrls(der.nothing())],
    ['a responder without a method', () => responderUrls(der.seq(der.seq(url)))],
    ['points that are none', () => distributionPointsOf(der.seq(url))],
    [
      'a point with too many names',
      () =>
        distributionPointsOf(der.seq(der.seq(der.context(0, der.context(0, ...Array.from({ length: 9 }, () => url)))))),
    ],
    ['a scope that is none', () => listScopeOf(der.seq(der.nothing()))],
    ['a scope out of order', () => listScopeOf(der.seq(der.implicit(2, hex('ff')), der.implicit(1, hex('ff'))))],
  ])('have not %s', (_, run) => {
    expect(run).toThrow(malformed);
  });
  it('keep to addresses of plain characters, and to responders', () => {
    const access = (method: string, name: Uint8Array) => der.seq(der.oid(method), name);
    const responder = '1.3.6.1.5.5.7.48.1';
    const odd = ['http://a b/', 'http://a\n/', 'http://\xe4/'].map((text) =>
      der.implicit(6, Buffer.from(text, 'latin1')),
    );
    const all = [
      access(responder, url),
      access('1.3.6.1.5.5.7.48.2', url),
      ...odd.map((name) => access(responder, name)),
    ];
    expect(responderUrls(der.seq(...all, access(responder, der.context(4, der.seq()))))).toEqual([
      'http://a.test/',
      '',
      '',
      '',
      '',
    ]);
  });
});
