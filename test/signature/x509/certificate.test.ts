import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../shared/signature/x509/certificate.js';
import { readDer } from '../../../shared/signature/x509/der.js';
import { nameOf } from '../../../shared/signature/x509/name.js';
import { textOf } from '../../../shared/signature/x509/text.js';
import { makeCertificate, makeChain } from '../../support/certificates.js';
import * as der from '../../support/der.js';

const refused = expect.objectContaining({ code: 'CERTIFICATE_MALFORMED' }) as Error;
const made = makeCertificate({ subject: 'leaf' });
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The certificate with one piece of what is signed exchanged. Nobody looks at its signature yet. */
function withField(index: number, field: Uint8Array | undefined, more: readonly Uint8Array[] = []): Buffer {
  const [tbs, ...rest] = childrenOf(made.der);
  const fields = childrenOf(tbs!).flatMap((each, at) => (at === index ? (field ?? []) : each));
  return der.seq(der.seq(...fields, ...more), ...rest);
}

function childrenOf(bytes: Uint8Array): Buffer[] {
  const all: Buffer[] = [];
  for (let { value } = readDer(bytes); value.byteLength > 0; value = value.subarray(all.at(-1)!.byteLength)) {
    const size = value[1]! < 0x80 ? 2 + value[1]! : 2 + (value[1]! & 0x7f) + value.readUIntBE(2, value[1]! & 0x7f);
    all.push(value.subarray(0, size));
  }
  return all;
}

const [signed, algorithm, signature] = childrenOf(made.der) as [Buffer, Buffer, Buffer];
const soon = der.time(new Date('2030-01-01T00:00:00Z'));
const name = (...attributes: Uint8Array[]) => der.seq(der.setOf(...attributes));
const attribute = (value: Uint8Array) => der.seq(der.oid('2.5.4.3'), value);
const withExtension = (id: string, value: Uint8Array) => () =>
  makeCertificate({ basicConstraints: false, keyUsage: false, extensions: [der.extension(id, value)] }).der;
const [USAGE, CONSTRAINTS, PURPOSES] = ['2.5.29.15', '2.5.29.19', '2.5.29.37'] as const;
const other = der.seq(der.oid('1.2.840.113549.1.1.11'), der.nothing());

describe('a certificate', () => {
  it('is taken as it is made', () => {
    expect(parseCertificate(withField(0, der.context(0, der.int(2)))).der).toEqual(made.der);
  });

  it.each<[string, () => Uint8Array]>([
    ['nothing', () => Buffer.alloc(0)],
    ['a text', () => Buffer.from(made.pem)],
    ['with a byte behind it', () => Buffer.concat([made.der, Buffer.from([0])])],
    ['that is cut', () => made.der.subarray(0, -1)],
    ['that is too large', () => Buffer.concat([made.der, Buffer.alloc(32 * 1024)])],
    ['of an indefinite length', () => Buffer.concat([hex('30 80'), signed, algorithm, signature, hex('00 00')])],
    ['with a field behind its signature', () => der.seq(signed, algorithm, signature, der.nothing())],
    ['without a signature', () => der.seq(signed, algorithm)],
    ['with half a byte of a signature', () => der.seq(signed, algorithm, der.bits(Buffer.from([0xf0]), 4))],
    ['that names two algorithms', () => der.seq(signed, other, signature)],
    ['of version 1', () => withField(0, undefined)],
    ['of version 2', () => withField(0, der.context(0, der.int(1)))],
    ['of version 4', () => withField(0, der.context(0, der.int(3)))],
    ['with a serial number that could be shorter', () => withField(1, hex('02 02 00 01'))],
    ['with an issuer of another type', () => withField(3, der.setOf(der.nothing()))],
    ['with an issuer that is no list of sets', () => withField(3, der.seq(attribute(der.utf8('a'))))],
    ['with an empty set in its name', () => withField(5, der.seq(der.setOf()))],
    ['with an attribute of three parts', () => withField(5, name(der.seq(der.oid('2.5.4.3'), der.utf8('a'), soon)))],
    ['with an attribute without a value', () => withField(5, name(der.seq(der.oid('2.5.4.3'))))],
    ['with a number for a name', () => withField(5, name(attribute(der.int(1))))],
    ['with a name that is no UTF-8', () => withField(5, name(attribute(der.tlv(0x0c, hex('ff')))))],
    ['with one time', () => withField(4, der.seq(soon))],
    ['with three times', () => withField(4, der.seq(soon, soon, soon))],
    ['with a time without seconds', () => withField(4, der.seq(der.tlv(0x17, Buffer.from('3001010000Z')), soon))],
    ['with a time in another zone', () => withField(4, der.seq(der.tlv(0x17, Buffer.from('300101000000+0100')), soon))],
    ['with a day that never is', () => withField(4, der.seq(der.tlv(0x17, Buffer.from('300230000000Z')), soon))],
    ['with a field of another tag', () => withField(-1, undefined, [der.context(4, der.nothing())])],
    ['with extensions twice', () => withField(-1, undefined, [der.context(3, der.seq()), der.context(3, der.seq())])],
    [
      'with one extension twice',
      () => {
        const twice = der.extension('1.2.3.4', der.nothing());
        return makeCertificate({ extensions: [twice, twice] }).der;
      },
    ],
    ['with key usage that is no bits', withExtension(USAGE, der.octets(hex('80')))],
    ['with key usage of eight unused bits', withExtension(USAGE, der.bits(hex('80 00'), 8))],
    ['with key usage whose unused bits are set', withExtension(USAGE, der.bits(hex('81'), 1))],
    ['with key usage without its first byte', withExtension(USAGE, der.tlv(3))],
    [
      'with key usage that is followed by something',
      withExtension(USAGE, Buffer.concat([der.bits(hex('80')), hex('05 00')])),
    ],
    ['with constraints of another type', withExtension(CONSTRAINTS, der.bool(true))],
    ['with a truth that is neither', withExtension(CONSTRAINTS, der.seq(der.tlv(1, hex('01'))))],
    ['with a path below nothing', withExtension(CONSTRAINTS, der.seq(der.bool(true), der.int(-1)))],
    ['with a third constraint', withExtension(CONSTRAINTS, der.seq(der.bool(true), der.int(1), der.int(1)))],
    ['with a purpose of nothing', withExtension(PURPOSES, der.seq())],
    ['with a purpose that is no OID', withExtension(PURPOSES, der.seq(der.int(1)))],
    ['with a set of purposes', withExtension(PURPOSES, der.setOf(der.oid('1.2.3')))],
  ])('is refused: %s', (_, make) => {
    expect(() => parseCertificate(make())).toThrow(refused);
  });

  it('is the same value for the same bytes, whatever becomes of them', () => {
    const bytes = Buffer.from(makeCertificate({ subject: 'shared' }).der);
    const first = parseCertificate(bytes);
    expect(parseCertificate(Uint8Array.from(bytes))).toBe(first);
    const before = first.fingerprint;
    bytes[bytes.byteLength - 1]! ^= 1;
    expect(parseCertificate(bytes)).not.toBe(first);
    expect([first.fingerprint, first.der.at(-1)]).toEqual([before, bytes.at(-1)! ^ 1]);
    expect(Object.isFrozen(first)).toBe(true);
  });

  it('is forgotten once many others were read, and read again', () => {
    const first = parseCertificate(made.der);
    const { keys } = made;
    for (let i = 0; i < 300; i++) parseCertificate(makeCertificate({ subject: `other ${i}`, keys }).der);
    const again = parseCertificate(made.der);
    expect(again).not.toBe(first);
    expect(again.fingerprint).toBe(first.fingerprint);
  });

  it('is not signed by somebody because it is signed by another', () => {
    const { chain } = makeChain();
    const [leaf, authority, root] = chain as [(typeof chain)[0], (typeof chain)[0], (typeof chain)[0]];
    for (let i = 0; i < 2; i++) {
      expect([leaf.isSignedBy(authority), leaf.isSignedBy(root), leaf.isSignedBy(leaf)]).toEqual([true, false, false]);
    }
  });
});

describe('a name', () => {
  it('is a list of sets of attributes', () => {
    const two = der.setOf(attribute(der.utf8('a')), der.seq(der.oid('2.5.4.10'), der.utf8('b')));
    expect(nameOf(readDer(der.seq(two, der.setOf(attribute(der.utf8('c'))))))).toEqual([
      [
        { type: '2.5.4.3', value: 'a' },
        { type: '2.5.4.10', value: 'b' },
      ],
      [{ type: '2.5.4.3', value: 'c' }],
    ]);
  });

  it.each<[string, string, string]>([
    ['UTF-8', '0c 03 e2 82 ac', '€'],
    ['digits', '12 02 31 32', '12'],
    ['printable text', '13 02 41 42', 'AB'],
    ['Latin-1', '14 01 e9', 'é'],
    ['ASCII', '16 01 40', '@'],
    ['visible text', '1a 01 41', 'A'],
    ['code points of four bytes', '1c 04 00 01 f6 00', '😀'],
    ['code points of two bytes', '1e 02 20 ac', '€'],
  ])('is text: %s', (_, bytes, text) => {
    expect(textOf(readDer(hex(bytes)))).toBe(text);
  });

  it.each<[string, string]>([
    ['of a cut character', '0c 02 e2 82'],
    ['of a character in more bytes than it needs', '0c 02 c1 81'],
    ['printable and is not ASCII', '13 01 e9'],
    ['of ASCII and is not', '16 01 80'],
    ['of half a code point', '1e 01 20'],
    ['of half a pair', '1e 02 d8 3d'],
    ['of three bytes of four', '1c 03 00 00 41'],
    ['beyond the last code point', '1c 04 00 11 00 00'],
    ['of another type', '04 01 41'],
    ['of a time', '17 01 41'],
  ])('is no text %s', (_, bytes) => {
    expect(() => textOf(readDer(hex(bytes)))).toThrow(expect.objectContaining({ code: 'DER_MALFORMED' }) as Error);
  });
});
