import { describe, expect, it } from 'vitest';
import { isAppError } from '../../../shared/error/app-error.js';
import type { Certificate } from '../../../shared/signature/x509/certificate.js';
import { checkSigningChain, checkTimestampingChain, everyValidAt } from '../../../shared/signature/x509/chain.js';
import type { KeyUsage } from '../../../shared/signature/x509/known-extensions.js';
import {
  type ChainOptions,
  PURPOSE,
  daysFromNow,
  makeCertificate,
  makeChain,
  makeTsaChain,
} from '../../support/certificates.js';
import * as der from '../../support/der.js';

const thrown = (run: () => void) => {
  try {
    run();
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
  return undefined;
};
const codeOf = (chain: readonly Certificate[], check = checkSigningChain) => thrown(() => check(chain))?.code ?? 'ok';

const CA = { ca: true };
const LEAF_USAGE = { usages: ['digitalSignature'] } as const;
const usage = (...usages: KeyUsage[]) => ({ usages });

describe('the chain of a signing certificate', () => {
  it.each<[string, ChainOptions]>([
    ['as it is', {}],
    ['with RSA keys', { root: { keys: 'RSA-4096' }, intermediate: { keys: 'RSA-3072' }, leaf: { keys: 'RSA-2048' } }],
    ['with the larger curves', { root: { keys: 'P-521', hash: 'sha512' }, leaf: { keys: 'P-384', hash: 'sha384' } }],
    ['signed with PSS', { root: { keys: 'RSA-2048', pss: true }, intermediate: { pss: true, hash: 'sha384' } }],
    ['with a leaf that says it is no authority', { leaf: { basicConstraints: { ca: false } } }],
    ['with non-repudiation too', { leaf: { keyUsage: usage('digitalSignature', 'nonRepudiation') } }],
    ['for code signing', { leaf: { extendedKeyUsage: { purposes: [PURPOSE.codeSigning] } } }],
    ['for a purpose of somebody', { leaf: { extendedKeyUsage: { purposes: ['1.3.6.1.4.1.311.97.1'] } } }],
    ['with a root that allows one authority', { root: { basicConstraints: { ca: true, pathLength: 1 } } }],
    ['with an extension that is not critical', { leaf: { extensions: [der.extension('1.2.3.4', der.nothing())] } }],
    [
      'with critical alternative names',
      { leaf: { extensions: [der.extension('2.5.29.17', der.seq(der.uri('urn:a')), true)] } },
    ],
  ])('is taken %s', (_, options) => {
    expect(codeOf(makeChain(options).chain)).toBe('ok');
  });

  it.each<[string, string, ChainOptions]>([
    ['an authority without constraints', 'CERTIFICATE_FORBIDDEN', { intermediate: { basicConstraints: false } }],
    ['an authority that is none', 'CERTIFICATE_FORBIDDEN', { intermediate: { basicConstraints: { ca: false } } }],
    [
      'constraints that are not critical',
      'CERTIFICATE_FORBIDDEN',
      { root: { basicConstraints: { ...CA, critical: false } } },
    ],
    ['a chain longer than allowed', 'CERTIFICATE_FORBIDDEN', { root: { basicConstraints: { ...CA, pathLength: 0 } } }],
    ['an authority without key usage', 'CERTIFICATE_FORBIDDEN', { root: { keyUsage: false } }],
    [
      'a key usage that is not critical',
      'CERTIFICATE_FORBIDDEN',
      { root: { keyUsage: { ...usage('keyCertSign'), critical: false } } },
    ],
    [
      'an authority that may only sign lists',
      'CERTIFICATE_FORBIDDEN',
      { intermediate: { keyUsage: usage('cRLSign') } },
    ],
    ['a leaf that is an authority', 'CERTIFICATE_FORBIDDEN', { leaf: { basicConstraints: CA } }],
    ['a leaf without key usage', 'CERTIFICATE_FORBIDDEN', { leaf: { keyUsage: false } }],
    [
      'a leaf whose key usage is not critical',
      'CERTIFICATE_FORBIDDEN',
      { leaf: { keyUsage: { ...LEAF_USAGE, critical: false } } },
    ],
    ['a leaf with an empty key usage', 'CERTIFICATE_FORBIDDEN', { leaf: { keyUsage: usage() } }],
    ['a leaf that may not sign', 'CERTIFICATE_FORBIDDEN', { leaf: { keyUsage: usage('nonRepudiation') } }],
    [
      'an unknown critical extension of the leaf',
      'CERTIFICATE_FORBIDDEN',
      { leaf: { extensions: [der.extension('1.2.3.4', der.nothing(), true)] } },
    ],
    [
      'name constraints, which are not understood',
      'CERTIFICATE_FORBIDDEN',
      { root: { extensions: [der.extension('2.5.29.30', der.seq(), true)] } },
    ],
    ['a short RSA key of the leaf', 'CERTIFICATE_WEAK', { leaf: { keys: 'RSA-1024' } }],
    ['a short RSA key of the root', 'CERTIFICATE_WEAK', { root: { keys: 'RSA-1024' } }],
    ['a small curve', 'CERTIFICATE_WEAK', { leaf: { keys: 'P-224' } }],
    ['an Edwards curve', 'CERTIFICATE_WEAK', { leaf: { keys: 'Ed25519' } }],
    ['SHA-1 in the leaf', 'CERTIFICATE_WEAK', { leaf: { hash: 'sha1' } }],
    ['SHA-1 in the intermediate', 'CERTIFICATE_WEAK', { root: { keys: 'RSA-2048' }, intermediate: { hash: 'sha1' } }],
    ['SHA-1 in the root', 'CERTIFICATE_WEAK', { root: { hash: 'sha1' } }],
    ['MD5', 'CERTIFICATE_WEAK', { intermediate: { keys: 'RSA-2048' }, leaf: { hash: 'md5' } }],
    ['SHA-1 within PSS', 'CERTIFICATE_WEAK', { intermediate: { keys: 'RSA-2048' }, leaf: { hash: 'sha1', pss: true } }],
    ['names that do not chain', 'CHAIN_INVALID', { leaf: { issuerDer: der.commonName('other') } }],
  ])('is refused with %s', (_, code, options) => {
    expect(codeOf(makeChain(options).chain)).toBe(code);
  });

  it.each<KeyUsage>([
    'keyEncipherment',
    'dataEncipherment',
    'keyAgreement',
    'keyCertSign',
    'cRLSign',
    'encipherOnly',
    'decipherOnly',
  ])('is refused where the key of the leaf is also for %s', (forbidden) => {
    const { chain } = makeChain({ leaf: { keyUsage: usage('digitalSignature', forbidden) } });
    expect(codeOf(chain)).toBe('CERTIFICATE_FORBIDDEN');
  });

  it.each(['any', 'serverAuth', 'clientAuth', 'emailProtection', 'timeStamping', 'ocspSigning'] as const)(
    'is refused where the leaf is also for the purpose %s',
    (purpose) => {
      const purposes = [PURPOSE.codeSigning, PURPOSE[purpose]];
      expect(codeOf(makeChain({ leaf: { extendedKeyUsage: { purposes } } }).chain)).toBe('CERTIFICATE_FORBIDDEN');
    },
  );

  it('has to be whole, in order, and nothing else', () => {
    const { chain } = makeChain();
    const [leaf, intermediate, root] = chain as [Certificate, Certificate, Certificate];
    const stranger = makeChain().root.certificate;
    for (const wrong of [
      [],
      [leaf],
      [leaf, intermediate],
      [leaf, root],
      [root, intermediate, leaf],
      [intermediate, leaf, root],
      [leaf, intermediate, root, root],
      [leaf, intermediate, root, stranger],
      [leaf, leaf, intermediate, root],
      [stranger, leaf, intermediate, root],
      // The same names, and another key.
      [leaf, makeChain().intermediate.certificate, stranger],
      [leaf, intermediate, stranger],
      [leaf, makeChain({ intermediate: { keys: 'RSA-2048' } }).intermediate.certificate, root],
    ]) {
      expect(codeOf(wrong)).toBe('CHAIN_INVALID');
    }
  });

  it('takes a single self-signed certificate by the rules of a leaf', () => {
    const good = makeCertificate({ subject: 'self', keyUsage: LEAF_USAGE });
    expect(codeOf([good.certificate])).toBe('ok');
    expect(codeOf([makeChain().root.certificate])).toBe('CERTIFICATE_FORBIDDEN');
    const root = makeChain().root;
    expect(codeOf([good.certificate, root.certificate])).toBe('CHAIN_INVALID');
  });

  it('takes no more than ten certificates', () => {
    const authorities = [makeChain().root];
    for (let made = 1; made < 10; made++) {
      const subject = `authority ${made}`;
      authorities.unshift(
        makeCertificate({ subject, basicConstraints: CA, keyUsage: usage('keyCertSign') }, authorities[0]),
      );
    }
    const leafOf = (all: typeof authorities) =>
      [makeCertificate({ subject: 'leaf', keyUsage: LEAF_USAGE }, all[0]), ...all].map(
        ({ certificate }) => certificate,
      );
    expect(codeOf(leafOf(authorities.slice(1)))).toBe('ok');
    expect(codeOf(leafOf(authorities))).toBe('CHAIN_INVALID');
  });

  it('names the certificate by its place', () => {
    const { chain } = makeChain({ intermediate: { basicConstraints: false } });
    expect(thrown(() => checkSigningChain(chain))?.message).toContain('certificate 2 ');
  });
});

describe('the chain of a timestamping authority', () => {
  const purposesOf = (purposes: readonly string[], critical = true) => ({ extendedKeyUsage: { purposes, critical } });
  it.each<[string, string, ChainOptions]>([
    ['ok', 'as it is', {}],
    [
      'ok',
      'with an authority for timestamps',
      { intermediate: purposesOf([PURPOSE.timeStamping, PURPOSE.codeSigning]) },
    ],
    [
      'ok',
      'with key usages that are not critical',
      {
        root: { keyUsage: { ...usage('keyCertSign'), critical: false } },
        leaf: { keyUsage: { ...LEAF_USAGE, critical: false } },
      },
    ],
    ['CERTIFICATE_FORBIDDEN', 'without key usage', { leaf: { keyUsage: false } }],
    ['CERTIFICATE_FORBIDDEN', 'with an authority without key usage', { intermediate: { keyUsage: false } }],
    ['CERTIFICATE_FORBIDDEN', 'without a purpose', { leaf: { extendedKeyUsage: false } }],
    ['CERTIFICATE_FORBIDDEN', 'with another purpose', { leaf: purposesOf([PURPOSE.codeSigning]) }],
    ['CERTIFICATE_FORBIDDEN', 'with two purposes', { leaf: purposesOf([PURPOSE.timeStamping, PURPOSE.codeSigning]) }],
    [
      'CERTIFICATE_FORBIDDEN',
      'with a purpose that is not critical',
      { leaf: purposesOf([PURPOSE.timeStamping], false) },
    ],
    [
      'CERTIFICATE_FORBIDDEN',
      'with an authority for something else',
      { intermediate: purposesOf([PURPOSE.serverAuth]) },
    ],
    ['CERTIFICATE_FORBIDDEN', 'with a key that may not sign', { leaf: { keyUsage: usage('nonRepudiation') } }],
    ['CERTIFICATE_WEAK', 'with SHA-1', { leaf: { hash: 'sha1' } }],
  ])('is %s %s', (code, _, options) => {
    expect(codeOf(makeTsaChain(options).chain, checkTimestampingChain)).toBe(code);
  });
  it('is none of a signing certificate, and the other way round', () => {
    expect(codeOf(makeChain().chain, checkTimestampingChain)).toBe('CERTIFICATE_FORBIDDEN');
    expect(codeOf(makeTsaChain().chain)).toBe('CERTIFICATE_FORBIDDEN');
  });
});

describe('the time of a chain', () => {
  it('is that of all its certificates, ends included', () => {
    const { chain } = makeChain({ leaf: { notBefore: daysFromNow(-1), notAfter: daysFromNow(1) } });
    expect(everyValidAt(chain, daysFromNow(-1), daysFromNow(1))).toBe(true);
    expect(everyValidAt(chain, daysFromNow(0))).toBe(true);
    expect(everyValidAt(chain, daysFromNow(-1.1), daysFromNow(0))).toBe(false);
    expect(everyValidAt(chain, daysFromNow(0), daysFromNow(1.1))).toBe(false);
    const old = makeChain({ intermediate: { notAfter: daysFromNow(-1) } });
    expect(everyValidAt(old.chain, daysFromNow(0))).toBe(false);
    expect(everyValidAt([], daysFromNow(0))).toBe(false);
  });
});
