import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Identity, identityOf, isPartOf, parseIdentity } from '../../../shared/signature/notation/identity.js';
import { makeCertificate } from '../../support/certificates.js';
import * as der from '../../support/der.js';
import { nameOf } from '../../support/notation.js';

const parse = (dn: string) => parseIdentity(`x509.subject:${dn}`);
const read = (dn: string) => Object.fromEntries(parse(dn) as Identity);
const subjectOf = (pairs: Parameters<typeof nameOf>[0]) =>
  identityOf(makeCertificate({ subjectDer: nameOf(pairs) }).certificate);
const MINIMUM = [
  ['C', 'DE'],
  ['ST', 'Hessen'],
  ['O', 'Lazaret'],
] as const;

describe('a trusted identity', () => {
  it.each([
    ['C=DE, ST=Hessen, O=Lazaret', { C: 'DE', ST: 'Hessen', O: 'Lazaret' }],
    [' C = DE ,ST=  Hessen,O=Lazaret  ', { C: 'DE', ST: 'Hessen', O: 'Lazaret' }],
    ['C=DE, S=Hessen, O=Lazaret', { C: 'DE', ST: 'Hessen', O: 'Lazaret' }],
    [String.raw`C=DE, ST=Hessen, O=Acme\, Inc.`, { C: 'DE', ST: 'Hessen', O: 'Acme, Inc.' }],
    [String.raw`C=DE, ST=Hessen, O=a\;b\+c\"d\<e\>f\\g\=h`, { C: 'DE', ST: 'Hessen', O: 'a;b+c"d<e>f\\g=h' }],
    [String.raw`C=DE, ST=Hessen, O=\ a b\ `, { C: 'DE', ST: 'Hessen', O: ' a b ' }],
    [String.raw`C=DE, ST=Hessen, O=\#1`, { C: 'DE', ST: 'Hessen', O: '#1' }],
    [String.raw`C=DE, ST=Hessen, O=M\C3\BCller`, { C: 'DE', ST: 'Hessen', O: 'Müller' }],
    ['C=DE, ST=Hessen, O=Müller 🚢', { C: 'DE', ST: 'Hessen', O: 'Müller 🚢' }],
    ['C=DE, ST=Hessen, O=a=b', { C: 'DE', ST: 'Hessen', O: 'a=b' }],
    [
      'C=a, ST=b, O=c, L=d, OU=e, CN=f, SERIALNUMBER=g, STREET=h, POSTALCODE=i',
      { C: 'a', ST: 'b', O: 'c', L: 'd', OU: 'e', CN: 'f', SERIALNUMBER: 'g', STREET: 'h', POSTALCODE: 'i' },
    ],
  ])('is read: %s', (dn, expected) => {
    expect(read(dn)).toEqual(expected);
  });

  it.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['no country', 'ST=Hessen, O=Lazaret'],
    ['no state', 'C=DE, O=Lazaret'],
    ['no organization', 'C=DE, ST=Hessen'],
    ['an attribute twice', 'C=DE, ST=Hessen, O=a, O=b'],
    ['an attribute twice, once as S', 'C=DE, ST=Hessen, S=Hessen, O=a'],
    ['several attributes in one part', 'C=DE, ST=Hessen, O=a+OU=b'],
    ['a semicolon between parts', 'C=DE; ST=Hessen; O=a'],
    ['a value in hexadecimal', 'C=DE, ST=Hessen, O=#0c0141'],
    ['a value that looks so', 'C=DE, ST=Hessen, O=a=#b'],
    ['an empty value', 'C=DE, ST=Hessen, O=a, OU='],
    ['a value of spaces', 'C=DE, ST=Hessen, O=   '],
    ['an empty part', 'C=DE,, ST=Hessen, O=a'],
    ['a comma at its end', 'C=DE, ST=Hessen, O=a,'],
    ['a part without a value', 'C=DE, ST=Hessen, O'],
    ['no type', 'C=DE, ST=Hessen, O=a, =b'],
    ['types in lower case', 'c=DE, st=Hessen, o=a'],
    ['a type that cannot be compared', 'C=DE, ST=Hessen, O=a, DC=b'],
    ['a type by its number', 'C=DE, ST=Hessen, O=a, 2.5.4.3=b'],
    ['an escaped type', String.raw`C=DE, ST=Hessen, \4F=a`],
    ['quotes', 'C=DE, ST=Hessen, O="a"'],
    ['angle brackets', 'C=DE, ST=Hessen, O=<a>'],
    ['a backslash at its end', 'C=DE, ST=Hessen, O=a\\'],
    ['half of a hexadecimal pair', String.raw`C=DE, ST=Hessen, O=a\4`],
    ['an escape that is none', String.raw`C=DE, ST=Hessen, O=\zz`],
    ['bytes that are not UTF-8', String.raw`C=DE, ST=Hessen, O=\C3`],
    ['NUL', 'C=DE, ST=Hessen, O=a\0'],
    ['too much', `C=DE, ST=Hessen, O=${'a'.repeat(3000)}`],
  ])('is refused with %s', (_, dn) => {
    expect(parse(dn)).toBeTypeOf('string');
  });

  it.each(['C=DE, ST=Hessen, O=a', 'X509.SUBJECT: C=DE, ST=Hessen, O=a', 'did:example:1', 'x509.subject', ''])(
    'is refused without its prefix: %s',
    (text) => {
      expect(parseIdentity(text)).toBeTypeOf('string');
    },
  );

  it('reads back whatever is escaped as RFC 4514 has it', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const hex = (text: string) =>
      [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
    const plain = (text: string) => text.replaceAll(/["+,;<>\\=# ]/g, String.raw`\$&`);
    fc.assert(
      fc.property(value, value, (organization, unit) => {
        fc.pre(!/\0/.test(unit) && unit.isWellFormed() && organization.isWellFormed());
        expect(read(`C=DE, ST=Hessen, O=${hex(organization)}, OU=${plain(unit)}`)).toEqual({
          C: 'DE',
          ST: 'Hessen',
          O: organization,
          OU: unit,
        });
      }),
    );
  });
});

describe('the subject of a certificate', () => {
  const matches = (dn: string, pairs: Parameters<typeof nameOf>[0]) => {
    const subject = subjectOf(pairs);
    return subject !== undefined && isPartOf(parse(dn) as Identity, subject);
  };

  it('is matched by a part of it, in any order', () => {
    expect(matches('O=Lazaret, C=DE, ST=Hessen', [...MINIMUM, ['CN', 'builder']])).toBe(true);
    expect(matches('C=DE, S=Hessen, O=Lazaret, CN=builder', [['CN', 'builder'], ...MINIMUM])).toBe(true);
  });

  it.each([
    ['another value', 'C=DE, ST=Hessen, O=Other', MINIMUM],
    ['another case', 'C=de, ST=Hessen, O=Lazaret', MINIMUM],
    ['the start of a value', 'C=DE, ST=Hessen, O=Laz', MINIMUM],
    ['an attribute that it has not', 'C=DE, ST=Hessen, O=Lazaret, OU=a', MINIMUM],
    [
      'a comma that is one of a value',
      'C=DE, ST=Hessen, O=Lazaret',
      [
        ['C', 'DE'],
        ['ST', 'Hessen'],
        ['CN', 'x, O=Lazaret'],
      ] as const,
    ],
  ])('is not matched by %s', (_, dn, pairs) => {
    expect(matches(dn, pairs)).toBe(false);
  });

  it.each([
    ['two units', [...MINIMUM, ['OU', 'a'], ['OU', 'b']] as const],
    ['an attribute that cannot be compared', [...MINIMUM, ['DC', 'example']] as const],
    ['a number for a type', [...MINIMUM, ['1.2.3.4', 'x']] as const],
    ['a value that looks like hexadecimal', [...MINIMUM, ['CN', 'a=#b']] as const],
  ])('matches nothing with %s', (_, pairs) => {
    expect(subjectOf(pairs)).toBeUndefined();
  });

  it('matches nothing with several attributes in one part', () => {
    const pair = (oid: string, value: string) => der.seq(der.oid(oid), der.utf8(value));
    const name = der.seq(
      der.setOf(pair('2.5.4.6', 'DE')),
      der.setOf(pair('2.5.4.10', 'Lazaret'), pair('2.5.4.3', 'x')),
    );
    expect(identityOf(makeCertificate({ subjectDer: name }).certificate)).toBeUndefined();
  });
});
