import { describe, expect, it } from 'vitest';
import { ProblemsError } from '../../../shared/error/app-error.js';
import { type StoreType, readTrustStore } from '../../../shared/signature/notation/trust-store.js';
import { makeCertificate, makeChain } from '../../support/certificates.js';

const { root, intermediate, leaf } = makeChain();
const alone = makeCertificate({ subject: 'alone', keyUsage: { usages: ['digitalSignature'] } });
type Content = string | Uint8Array;
const read = (files: Readonly<Record<string, Content>>, type: StoreType = 'ca', name = 'ours') =>
  readTrustStore({
    type,
    name,
    files: Object.entries(files).map(([file, content]) => ({ name: file, bytes: Buffer.from(content) })),
  }).map(({ fingerprint }) => fingerprint);
function problemsOf(...args: Parameters<typeof read>) {
  try {
    read(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(ProblemsError);
    expect(error).toMatchObject({ code: 'TRUST_STORE_INVALID' });
    return (error as ProblemsError).problems.map(({ path }) => path);
  }
  return [];
}
const print = ({ certificate }: typeof root) => certificate.fingerprint;

describe('a trust store', () => {
  it('is read from PEM and DER, one certificate or several, with text around them', () => {
    const bundle = `Subject: somebody\n${root.pem}\nand another\r\n${intermediate.pem.replaceAll('\n', '\r\n')}`;
    expect(read({ 'a.pem': bundle, 'b.crt': alone.der, 'c.cer': alone.pem })).toEqual([
      print(root),
      print(intermediate),
      print(alone),
      print(alone),
    ]);
  });

  it('takes authorities and self-signed certificates', () => {
    expect(problemsOf({ 'a.pem': root.pem })).toEqual([]);
    expect(problemsOf({ 'a.pem': intermediate.pem })).toEqual([]);
    expect(problemsOf({ 'a.pem': alone.pem })).toEqual([]);
    expect(problemsOf({ 'a.pem': leaf.pem })).toEqual(['ca/ours/a.pem']);
    expect(problemsOf({ 'a.pem': leaf.pem }, 'signingAuthority')).toEqual(['signingAuthority/ours/a.pem']);
  });

  it('takes self-signed roots of authorities alone for timestamps', () => {
    expect(problemsOf({ 'a.pem': root.pem }, 'tsa')).toEqual([]);
    for (const other of [intermediate, leaf, alone]) {
      expect(problemsOf({ 'a.pem': other.pem }, 'tsa')).toEqual(['tsa/ours/a.pem']);
    }
  });

  it('does not take a certificate that only says that it is self-signed', () => {
    const claimed = makeCertificate({ subject: 'x', subjectDer: root.subjectDer, basicConstraints: false }, root);
    expect(problemsOf({ 'a.pem': claimed.pem })).toEqual(['ca/ours/a.pem']);
  });

  it('is void as a whole by one certificate', () => {
    expect(problemsOf({ 'a.pem': root.pem, 'b.pem': leaf.pem, 'c.pem': 'x' })).toEqual([
      'ca/ours/b.pem',
      'ca/ours/c.pem',
    ]);
    expect(problemsOf({ 'a.pem': root.pem + leaf.pem })).toEqual(['ca/ours/a.pem']);
  });

  const body = root.pem.split('\n').slice(1, -2).join('\n');
  it.each<readonly [why: string, name: string, content: Content]>([
    ['nothing', 'a.pem', ''],
    ['text alone', 'a.pem', 'hello'],
    ['a private key', 'a.pem', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
    [
      'a private key beside a certificate',
      'a.pem',
      `${root.pem}-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n`,
    ],
    ['a trusted certificate of OpenSSL', 'a.pem', root.pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
    ['a certificate without its end', 'a.pem', `-----BEGIN CERTIFICATE-----\n${body}`],
    ['a certificate without its end behind a whole one', 'a.pem', `${root.pem}-----BEGIN CERTIFICATE-----\n${body}`],
    ['a certificate without its start', 'a.pem', `${body}\n-----END CERTIFICATE-----\n`],
    ['a start twice', 'a.pem', `-----BEGIN CERTIFICATE-----\n${root.pem}`],
    ['an end with another name', 'a.pem', root.pem.replace('END CERTIFICATE', 'END X509 CRL')],
    ['junk in a certificate', 'a.pem', root.pem.replace('\nMI', '\n*MI')],
    ['headers in a certificate', 'a.pem', root.pem.replace('\n', '\nProc-Type: 4\n\n')],
    ['a certificate that is none', 'a.pem', '-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n'],
    ['two certificates in DER', 'a.crt', Buffer.concat([root.der, root.der])],
    ['a certificate in DER that is cut', 'a.crt', root.der.subarray(0, -1)],
    ['a name that is none of a certificate', 'README.md', root.pem],
    ['a name in upper case', 'a.PEM', root.pem],
    ['too much', 'a.pem', root.pem + '\n'.repeat(1024 * 1024)],
  ])('is refused with a file that holds %s', (_, name, content) => {
    expect(problemsOf({ [name]: content })).toEqual([`ca/ours/${name}`]);
  });

  it('is refused without a certificate, and with too many files', () => {
    expect(problemsOf({})).toEqual(['ca/ours']);
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`${at}.crt`, root.der]));
    expect(problemsOf(many)).toEqual(['ca/ours']);
    const large = { 'a.pem': root.pem.repeat(501) };
    expect(problemsOf(large)).toEqual(['ca/ours']);
  });

  it.each(['', '..', '.', 'a/b', 'a b', '../ca', 'ä', 'a'.repeat(256)])('is refused under the name "%s"', (name) => {
    expect(problemsOf({ 'a.pem': root.pem }, 'ca', name)).toEqual([`ca/${name}`]);
  });
});
