import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_TRUSTED_ROOT_BYTES, parseTrustedRoot } from '../../../shared/signature/cosign/trusted-root.js';
import {
  type CertificateOptions,
  PURPOSE,
  makeCertificate,
  makeChain,
  makeKeys,
  makeTsaChain,
} from '../../support/certificates.js';
import * as der from '../../support/der.js';
import { inRoot, makeLog } from '../../support/sigstore-logs.js';
import { authorityInRoot, trustedRoot, world } from '../../support/sigstore-world.js';

const { fulcio, tsa } = world;
const ROOT = join(import.meta.dirname, '..', '..', '..');
const changed = (change: (root: Root) => unknown) => {
  const root = trustedRoot() as unknown as Root;
  change(root);
  return JSON.stringify(root);
};
interface Log {
  baseUrl?: unknown;
  hashAlgorithm: unknown;
  publicKey: { rawBytes: string; keyDetails: string; validFor?: { start?: unknown; end?: unknown } };
  logId?: unknown;
}
interface Root {
  mediaType: string;
  tlogs: Log[];
  ctlogs: Log[];
  certificateAuthorities: ReturnType<typeof authorityInRoot>[];
  timestampAuthorities: ReturnType<typeof authorityInRoot>[];
}
/** A root whose authority, or timestamp authority, is another one. */
const ofAuthority = (...made: Parameters<typeof authorityInRoot>[0]) =>
  changed((root) => (root.certificateAuthorities = [authorityInRoot(made)]));
const ofTsa = (leaf: CertificateOptions) =>
  changed((root) => (root.timestampAuthorities = [authorityInRoot(makeTsaChain({ leaf }).made)]));
const AUTHORITY = {
  subject: 'authority',
  basicConstraints: { ca: true },
  keyUsage: { usages: ['keyCertSign'] },
} as const satisfies CertificateOptions;
const below = (changes: CertificateOptions) => makeCertificate({ ...AUTHORITY, ...changes }, fulcio.root);
const START = new Date('2026-01-01T00:00:00Z');

describe('a trusted root', () => {
  it('is taken as the public Sigstore has it', () => {
    const { material } = parseTrustedRoot(readFileSync(join(ROOT, 'shared/trivy/get/trusted-root.json'), 'utf8'));
    expect([material.tlogs.length, material.ctlogs.length, material.certificateAuthorities.length]).toEqual([2, 2, 2]);
  });
  it('is taken in the newer version, and with less in it', () => {
    expect(() =>
      parseTrustedRoot(changed((root) => (root.mediaType = 'application/vnd.dev.sigstore.trustedroot.v0.2+json'))),
    ).not.toThrow();
    expect(() => parseTrustedRoot(changed((root) => (root.timestampAuthorities = [])))).not.toThrow();
  });

  const text = JSON.stringify(trustedRoot());
  const rsa = makeKeys('RSA-2048');
  it.each<[string, string]>([
    ['nothing', ''],
    ['no object', '[]'],
    ['cut', text.slice(0, -1)],
    ['with a member twice', text.replace('{', '{"tlogs":[],')],
    ['larger than a bound', text + ' '.repeat(MAX_TRUSTED_ROOT_BYTES)],
    [
      'of another version',
      changed((root) => (root.mediaType = 'application/vnd.dev.sigstore.trustedroot+json;version=0.9')),
    ],
    ['of no version', changed((root) => Object.assign(root, { mediaType: undefined }))],
    ['with a member that nobody knows', changed((root) => Object.assign(root, { more: [] }))],
    ['with a log that has a member that nobody knows', changed((root) => Object.assign(root.tlogs[0]!, { more: 1 }))],
    ['with a log without a start', changed((root) => delete root.tlogs[0]!.publicKey.validFor!.start)],
    ['with a log without a validity', changed((root) => delete root.tlogs[0]!.publicKey.validFor)],
    [
      'with a log that ends before it starts',
      changed((root) => (root.tlogs[0]!.publicKey.validFor!.end = '1999-01-01T00:00:00Z')),
    ],
    ['with a log of no time', changed((root) => (root.tlogs[0]!.publicKey.validFor!.start = 'yesterday'))],
    ['with a log of certificates without a start', changed((root) => delete root.ctlogs[0]!.publicKey.validFor!.start)],
    ['with an authority without a start', changed((root) => delete root.certificateAuthorities[0]!.validFor.start)],
    [
      'with a timestamp authority without a start',
      changed((root) => delete root.timestampAuthorities[0]!.validFor.start),
    ],
    ['with a log that has no name', changed((root) => delete root.tlogs[0]!.logId)],
    ['with a log that has no address', changed((root) => delete root.tlogs[0]!.baseUrl)],
    ['with a log of another hash', changed((root) => (root.tlogs[0]!.hashAlgorithm = 'SHA2_512'))],
    ['with a log twice', changed((root) => root.tlogs.push(root.tlogs[0]!))],
    [
      'with two logs of one name',
      changed((root) => root.ctlogs.push(inRoot({ ...makeLog('x.test'), id: world.ct.id }, START))),
    ],
    [
      'with a key of a kind that is not supported',
      changed((root) => root.tlogs.push({ ...inRoot(makeLog('x', rsa), START), baseUrl: 'https://x.test' })),
    ],
    [
      'with a key of another curve than it says',
      changed((root) => root.tlogs.push(inRoot(makeLog('x.test', makeKeys('P-384')), START))),
    ],
    ['with a key of a kind that nobody knows', changed((root) => (root.tlogs[0]!.publicKey.keyDetails = 'PKIX_NEW'))],
    ['with a key that is none', changed((root) => (root.tlogs[0]!.publicKey.rawBytes = 'AAAA'))],
    ['with a key in sloppy base64', changed((root) => (root.tlogs[0]!.publicKey.rawBytes += '\n'))],
    [
      'with a key and something behind it',
      changed(
        (root) =>
          (root.tlogs[0]!.publicKey.rawBytes = Buffer.concat([
            Buffer.from(root.tlogs[0]!.publicKey.rawBytes, 'base64'),
            Buffer.from([0]),
          ]).toString('base64')),
      ),
    ],
    [
      'with a certificate that is none',
      changed((root) => (root.certificateAuthorities[0]!.certChain.certificates[0]!.rawBytes = 'AAAA')),
    ],
    [
      'with an authority without certificates',
      changed((root) => (root.certificateAuthorities[0]!.certChain.certificates = [])),
    ],
    [
      'with too many certificates',
      changed(
        (root) =>
          (root.certificateAuthorities[0]!.certChain.certificates = Array.from({ length: 11 }, () => ({
            rawBytes: 'AAAA',
          }))),
      ),
    ],
    [
      'with a chain in another order',
      changed((root) => (root.certificateAuthorities = [authorityInRoot([fulcio.root, fulcio.intermediate])])),
    ],
    [
      'with a chain without its root',
      changed((root) => (root.certificateAuthorities = [authorityInRoot([fulcio.intermediate])])),
    ],
    [
      'with a chain of strangers',
      changed((root) => (root.certificateAuthorities = [authorityInRoot([makeChain().intermediate, fulcio.root])])),
    ],
    [
      'with an end entity as an authority',
      changed((root) => (root.certificateAuthorities = [authorityInRoot(fulcio.made)])),
    ],
    [
      'with an authority for something else',
      changed(
        (root) =>
          (root.certificateAuthorities = [
            authorityInRoot(
              makeChain({ intermediate: { extendedKeyUsage: { purposes: [PURPOSE.serverAuth] } } }).made.slice(1),
            ),
          ]),
      ),
    ],
    [
      'with a timestamp authority that signs other things too',
      changed(
        (root) =>
          (root.timestampAuthorities = [
            authorityInRoot(
              makeTsaChain({
                leaf: { extendedKeyUsage: { purposes: [PURPOSE.timeStamping, PURPOSE.codeSigning], critical: true } },
              }).made,
            ),
          ]),
      ),
    ],
    [
      'with a timestamp authority whose purpose may be passed over',
      changed(
        (root) =>
          (root.timestampAuthorities = [
            authorityInRoot(makeTsaChain({ leaf: { extendedKeyUsage: { purposes: [PURPOSE.timeStamping] } } }).made),
          ]),
      ),
    ],
    [
      'with a timestamp authority for signing code',
      changed(
        (root) =>
          (root.timestampAuthorities = [
            authorityInRoot(
              makeChain({ leaf: { extendedKeyUsage: { purposes: [PURPOSE.codeSigning], critical: true } } }).made,
            ),
          ]),
      ),
    ],
    [
      'with a timestamp authority that begins at its root',
      changed((root) => (root.timestampAuthorities = [authorityInRoot(tsa.made.slice(1))])),
    ],
    ['with a chain whose names do not follow', ofAuthority(below({ issuerDer: der.commonName('x') }), fulcio.root)],
    [
      'with a chain whose names follow, and signatures do not',
      ofAuthority(makeChain({ root: { subject: 'fulcio root' } }).intermediate, fulcio.root),
    ],
    ['with an authority that does not say it is one', ofAuthority(below({ basicConstraints: false }), fulcio.root)],
    ['with an authority that says it is none', ofAuthority(below({ basicConstraints: { ca: false } }), fulcio.root)],
    ['with an authority that may not sign', ofAuthority(below({ keyUsage: { usages: ['cRLSign'] } }), fulcio.root)],
    ['with a timestamp authority that signs certificates', ofTsa({ basicConstraints: { ca: true } })],
    ['with a timestamp authority that may not sign', ofTsa({ keyUsage: { usages: ['keyAgreement'] } })],
    [
      'with a short key of RSA',
      changed((root) => {
        const key = makeKeys('RSA-1024').publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64');
        Object.assign(root.ctlogs[0]!.publicKey, { rawBytes: key, keyDetails: 'PKCS1_RSA_PKCS1V5' });
      }),
    ],
    [
      'with a root that is no authority',
      changed((root) => (root.certificateAuthorities = [authorityInRoot([makeCertificate({ subject: 'x' })])])),
    ],
  ])('is refused: %s', (_, root) => {
    expect(() => parseTrustedRoot(root)).toThrow(expect.objectContaining({ code: 'TRUSTED_ROOT_INVALID' }));
  });
  it('tells every problem', () => {
    const root = changed((given) => {
      given.tlogs[0]!.publicKey.keyDetails = 'PKIX_NEW';
      given.certificateAuthorities[0]!.certChain.certificates[0]!.rawBytes = 'AAAA';
    });
    expect(() => parseTrustedRoot(root)).toThrow(
      expect.objectContaining({ problems: [expect.anything(), expect.anything()] }),
    );
  });
});
