import * as x509 from '@peculiar/x509';
import {
  type Issued,
  type KeySpec,
  authorityExtensions,
  certify,
  issue,
  signerExtensions,
} from '../../sigstore/authority.js';
import { SIGNER_IDENTITY, type PolicyOptions } from '../make/notation-keys.js';
import { type Forgery, type NotationWorld, ordinaryHeaders, ordinaryPayload } from './notation.js';

// RFC 5280, and *Certificate Requirements* of the Notary Project's signature specification.

const NAME = 'CN=signer,O=Example,L=Seattle,ST=WA,C=US';
const KU = x509.KeyUsageFlags;
const EKU = x509.ExtendedKeyUsage;
const ANY_USAGE = '2.5.29.37.0';
const DAY = 86_400_000;
const UNKNOWN = '1.3.6.1.4.1.55555.1';

interface ChainOrder {
  readonly name: string;
  readonly leaf?: readonly x509.Extension[];
  readonly subject?: string;
  readonly leafSpec?: KeySpec;
  readonly authority?: readonly x509.Extension[];
  readonly authorityAfter?: Date;
  readonly root?: readonly x509.Extension[];
  readonly leafTimes?: { readonly notBefore?: Date; readonly notAfter?: Date };
  /** Of the issued signer and what is above it. Default: the root alone. */
  readonly policy?: (chain: {
    readonly root: Issued;
    readonly authority: Issued;
    readonly signer: Issued;
  }) => PolicyOptions | Promise<PolicyOptions>;
  readonly chain?: (chain: readonly x509.X509Certificate[]) => readonly x509.X509Certificate[];
}

const usage = (flags: x509.KeyUsageFlags, critical = true) => new x509.KeyUsagesExtension(flags, critical);
const extended = (usages: readonly string[], critical = false) =>
  new x509.ExtendedKeyUsageExtension([...usages], critical);
const basic = (ca: boolean, critical = true, pathLength?: number) =>
  new x509.BasicConstraintsExtension(ca, pathLength, critical);
const unknown = (critical: boolean) => new x509.Extension(UNKNOWN, critical, new Uint8Array([5, 0]));
const digital = usage(KU.digitalSignature);
const certSign = usage(KU.keyCertSign | KU.cRLSign);

function orders(now: Date): readonly ChainOrder[] {
  const past = new Date(now.getTime() - DAY);
  const future = new Date(now.getTime() + DAY);
  const usages: readonly (readonly [string, readonly string[]])[] = [
    ['none', []],
    ['any', [ANY_USAGE]],
    ['any and codeSigning', [ANY_USAGE, EKU.codeSigning]],
    ['serverAuth', [EKU.serverAuth]],
    ['clientAuth', [EKU.clientAuth]],
    ['emailProtection', [EKU.emailProtection]],
    ['timeStamping', [EKU.timeStamping]],
    ['ocspSigning', [EKU.ocspSigning]],
    ['codeSigning and serverAuth', [EKU.codeSigning, EKU.serverAuth]],
    ['unknown', [UNKNOWN]],
  ];
  const keyUsages: readonly (readonly [string, x509.Extension])[] = [
    ['not critical', usage(KU.digitalSignature, false)],
    ['nonRepudiation besides', usage(KU.digitalSignature | KU.nonRepudiation)],
    ['nonRepudiation alone', usage(KU.nonRepudiation)],
    ['keyEncipherment besides', usage(KU.digitalSignature | KU.keyEncipherment)],
    ['dataEncipherment besides', usage(KU.digitalSignature | KU.dataEncipherment)],
    ['keyAgreement besides', usage(KU.digitalSignature | KU.keyAgreement)],
    ['keyCertSign besides', usage(KU.digitalSignature | KU.keyCertSign)],
    ['cRLSign besides', usage(KU.digitalSignature | KU.cRLSign)],
  ];
  const any = ({ root }: { readonly root: Issued }): PolicyOptions => ({
    roots: [root.certificate],
    identities: ['*'],
  });
  return [
    { name: 'ordinary' },
    ...usages.map(([name, list]) => ({ name: `leaf with extended usage ${name}`, leaf: signerExtensions(list) })),
    { name: 'leaf with extended usage codeSigning, critical', leaf: [digital, extended([EKU.codeSigning], true)] },
    { name: 'leaf without key usage', leaf: [extended([EKU.codeSigning])] },
    ...keyUsages.map(([name, extension]) => ({ name: `leaf with key usage ${name}`, leaf: [extension] })),
    { name: 'leaf that says that it is no authority', leaf: [digital, basic(false)] },
    { name: 'leaf that is an authority', leaf: [digital, basic(true)] },
    { name: 'leaf with an unknown extension', leaf: [digital, unknown(false)] },
    { name: 'leaf with an unknown critical extension', leaf: [digital, unknown(true)] },
    { name: 'authority without constraints', authority: [certSign] },
    { name: 'authority with constraints not critical', authority: [certSign, basic(true, false)] },
    { name: 'authority that is none', authority: [certSign, basic(false)] },
    { name: 'authority without key usage', authority: [basic(true)] },
    { name: 'authority with key usage not critical', authority: [basic(true), usage(KU.keyCertSign, false)] },
    { name: 'authority that may not certify', authority: [basic(true), usage(KU.cRLSign)] },
    { name: 'authority for servers', authority: [...authorityExtensions(0), extended([EKU.serverAuth])] },
    { name: 'authority with an unknown critical extension', authority: [...authorityExtensions(0), unknown(true)] },
    { name: 'root with room for no authority', root: authorityExtensions(0) },
    { name: 'root with room for one authority', root: authorityExtensions(1) },
    { name: 'root without constraints', root: [certSign] },
    { name: 'leaf that is over', leafTimes: { notAfter: past } },
    { name: 'leaf that has not begun', leafTimes: { notBefore: future } },
    { name: 'authority that is over', authorityAfter: past },
    ...(['P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const).map((leafSpec) => ({
      name: `leaf with ${leafSpec} below P-256`,
      leafSpec,
    })),
    { name: 'subject without state', subject: 'CN=signer,O=Example,C=US' },
    { name: 'subject without state, anybody', subject: 'CN=signer,O=Example,C=US', policy: any },
    { name: 'subject with two units', subject: 'CN=signer,OU=A,OU=B,O=Example,ST=WA,C=US' },
    { name: 'subject with two units, anybody', subject: 'CN=signer,OU=A,OU=B,O=Example,ST=WA,C=US', policy: any },
    { name: 'subject in lower case', subject: 'CN=SIGNER,O=example,ST=WA,C=US' },
    { name: 'subject with two values in one part', subject: 'CN=signer+OU=1,O=Example,ST=WA,C=US' },
    { name: 'subject with a longer name', subject: 'CN=signer2,O=Example,ST=WA,C=US' },
    { name: 'subject with spaces', subject: 'CN=\\ signer,O=Example,ST=WA,C=US' },
    { name: 'subject empty, anybody', subject: '', policy: any },
    { name: 'the authority is trusted', policy: ({ authority }) => ({ roots: [authority.certificate] }) },
    { name: 'the signer is trusted', policy: ({ signer }) => ({ roots: [signer.certificate] }) },
    {
      name: 'the root and the signer are trusted',
      policy: ({ root, signer }) => ({ roots: [root.certificate, signer.certificate] }),
    },
    { name: 'the root was issued anew', policy: async ({ root }) => ({ roots: [await reissue(root)] }) },
    { name: 'identity by its state', policy: ({ root }) => identities(root, ['x509.subject: C=US, ST=WA, O=Example']) },
    {
      name: 'identity by S',
      policy: ({ root }) => identities(root, ['x509.subject: C=US, S=WA, O=Example, CN=signer']),
    },
    {
      name: 'identity of two',
      policy: ({ root }) => identities(root, ['x509.subject: C=DE, ST=BE, O=Other', SIGNER_IDENTITY]),
    },
    {
      name: 'identities that overlap',
      policy: ({ root }) => identities(root, ['x509.subject: C=US, ST=WA, O=Example', SIGNER_IDENTITY]),
    },
    {
      name: 'identity without state',
      policy: ({ root }) => identities(root, ['x509.subject: C=US, O=Example, CN=signer']),
    },
    { name: 'identity that is anybody and somebody', policy: ({ root }) => identities(root, ['*', SIGNER_IDENTITY]) },
    {
      name: 'identity in lower case',
      policy: ({ root }) => identities(root, ['x509.subject: c=US, st=WA, o=Example']),
    },
    { name: 'chain without the root', chain: (chain) => chain.slice(0, -1) },
    { name: 'chain of the signer alone', chain: (chain) => chain.slice(0, 1) },
    { name: 'chain in reverse', chain: (chain) => chain.toReversed() },
    { name: 'chain with the root twice', chain: (chain) => [...chain, ...chain.slice(-1)] },
    { name: 'audit', policy: ({ root }) => ({ roots: [root.certificate], level: 'audit' }) },
    {
      name: 'revocation only noted',
      policy: ({ root }) => ({ roots: [root.certificate], override: { revocation: 'log' } }),
    },
    {
      name: 'integrity only noted',
      policy: ({ root }) => ({ roots: [root.certificate], override: { integrity: 'log' } }),
    },
    {
      name: 'authenticity only noted, by a stranger',
      policy: async () => ({ roots: [(await rootOf()).certificate], override: { authenticity: 'log' } }),
    },
    {
      name: 'times only noted, over',
      leafTimes: { notAfter: past },
      policy: ({ root }) => ({ roots: [root.certificate], override: { authenticTimestamp: 'log' } }),
    },
    {
      name: 'times skipped',
      policy: ({ root }) => ({ roots: [root.certificate], override: { authenticTimestamp: 'skip' } }),
    },
  ];
}

/** Envelopes that are signed properly, by those whose certificates ought not to do. */
export async function certificateForgeries(world: NotationWorld): Promise<readonly Forgery[]> {
  const forgeries: Forgery[] = [];
  for (const order of orders(world.now)) {
    const root = await rootOf(order.root);
    const authority = await issue({
      subject: 'CN=authority,O=Example,ST=WA,C=US',
      issuer: root,
      ...(order.authorityAfter && { notAfter: order.authorityAfter }),
      extensions: order.authority ?? authorityExtensions(0),
    });
    const signer = await issue({
      subject: order.subject ?? NAME,
      issuer: authority,
      ...(order.leafSpec && { spec: order.leafSpec }),
      ...order.leafTimes,
      extensions: order.leaf ?? signerExtensions(),
    });
    const policy = (await order.policy?.({ root, authority, signer })) ?? { roots: [root.certificate] };
    const chain = order.chain?.(signer.chain).map(({ rawData }) => new Uint8Array(rawData));
    // What certificates say is the same in both kinds of envelope.
    forgeries.push({
      name: `certificate ${order.name}`,
      format: 'jws',
      parts: {
        headers: ordinaryHeaders('jws', signer, world.now),
        payload: ordinaryPayload(world.target),
        signer,
        ...(chain && { chain }),
      },
      policy,
    });
  }
  return forgeries;
}

function rootOf(extensions: readonly x509.Extension[] = authorityExtensions()): Promise<Issued> {
  return issue({ subject: 'CN=root,O=Example,ST=WA,C=US', extensions });
}

function identities({ certificate }: Issued, list: readonly string[]): PolicyOptions {
  return { roots: [certificate], identities: list };
}

/** Another certificate for the same name and key. */
function reissue({ keys, certificate }: Issued): Promise<x509.X509Certificate> {
  const { subject } = certificate;
  return certify(keys.pair.publicKey, { subject, keys, issuer: undefined, extensions: authorityExtensions() });
}
