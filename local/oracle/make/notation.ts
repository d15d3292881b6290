import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeySpec, Issued } from '../../sigstore/authority.js';
import { createTimestampAuthority } from '../../sigstore/timestamp.js';
import { moveSignatures } from '../move-signatures.js';
import { type PolicyOptions, chainOf, policyFiles, selfSigned, signingConfig } from './notation-keys.js';
import { type RevocationFiles, makeRevocation } from './notation-revocation.js';
import { type Draft, SCOPE, type Workshop } from './workshop.js';

/** How one image is signed with Notation. */
export interface NotationOrder {
  readonly name: string;
  readonly description: string;
  readonly expected: Draft['expected'];
  readonly why?: string;
  readonly form?: 'image' | 'index';
  /** One after the other. */
  readonly signers: readonly Issued[];
  /** Further arguments of `notation sign`. */
  readonly args?: readonly string[];
  readonly policy: PolicyOptions;
  readonly verify?: Draft['verify'];
}

const SIGN = ['sign', '--insecure-registry', '--force-referrers-tag=false', '--key', 'signer'] as const;
const jws = ['--signature-format', 'jws'];
const cose = ['--signature-format', 'cose'];
/** Valid until after 2045: the largest expiry that is safely below what Go's durations hold. */
const LONG_EXPIRY = ['--expiry', '175000h'];
const SHORT_LIFE_MILLISECONDS = 15_000;

/** Signs one image as ordered. */
export async function signWithNotation(shop: Workshop, order: NotationOrder): Promise<Draft> {
  const { name, description, expected, why, signers, args = [], policy, verify } = order;
  const reference = await shop.pushImage(name, order.form);
  const made: string[] = [];
  for (const [at, signer] of signers.entries()) {
    const config = await signingConfig(join(shop.work, name, `signer-${at}`), signer);
    made.push(await shop.sign('notation', [...SIGN, ...args, reference], { env: { NOTATION_CONFIG: config } }));
  }
  return {
    name,
    description,
    made,
    tool: 'notation',
    verify: { notationConfig: 'config', scope: SCOPE, ...verify },
    expected,
    ...(why !== undefined && { why }),
    layout: await shop.layoutOf(name),
    files: policyFiles(policy),
  };
}

/** All cases of Notation. */
export async function makeNotation(
  shop: Workshop,
  answers: RevocationFiles,
  progress: (line: string) => void,
): Promise<readonly Draft[]> {
  const drafts: Draft[] = [];
  const make = async (order: NotationOrder) => {
    progress(order.name);
    const draft = await signWithNotation(shop, order);
    drafts.push(draft);
    return draft;
  };
  const stamps = await createTimestampAuthority('timestamps');
  const stampUrl = await shop.host(async (request) => {
    const answer = await stamps.answer(new Uint8Array(await request.arrayBuffer()), new Date());
    return new Response(Buffer.from(answer), { headers: { 'content-type': 'application/timestamp-reply' } });
  });
  const [, stampRoot] = stamps.issued.chain;
  if (stampRoot === undefined) throw new Error('the time stamp authority has no root');
  const stampRootFile = join(shop.work, 'timestamp-root.crt');
  await writeFile(stampRootFile, stampRoot.toString('pem'));
  const stamped = ['--timestamp-url', stampUrl, '--timestamp-root-cert', stampRootFile];

  for (const [format, args] of [['jws', jws] as const, ['cose', cose] as const]) {
    const own = await selfSigned();
    await make({
      name: `notation-${format}-self-signed`,
      description: 'One certificate that signs itself: RSA 2048, trusted as it is.',
      expected: 'pass',
      signers: [own],
      args,
      policy: { roots: own.chain },
    });
    for (const spec of ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096'] satisfies KeySpec[]) {
      const { root, signer } = await chainOf(spec);
      await make({
        name: `notation-${format}-${spec.toLowerCase()}`,
        description: `Root, authority and signer with ${spec} keys.`,
        expected: 'pass',
        signers: [signer],
        args,
        policy: { roots: [root.certificate] },
      });
    }
    const { root, signer } = await chainOf('P-256');
    const usual = { signers: [signer], policy: { roots: [root.certificate] } };
    const stranger = (await chainOf('P-256')).signer;
    const ordinary = await make({
      ...usual,
      name: `notation-${format}-expiry`,
      description: 'The signature says until when it is to be used; that is far away.',
      expected: 'pass',
      args: [...args, ...LONG_EXPIRY],
    });
    drafts.push(await wrongSubject(shop, ordinary, format));
    await make({
      ...usual,
      name: `notation-${format}-expired-signature`,
      description: 'The signature says until when it is to be used; that is over.',
      expected: 'fail',
      args: [...args, '--expiry', '1m'],
    });
    await make({
      ...usual,
      name: `notation-${format}-metadata`,
      description: 'The payload carries metadata of the user.',
      expected: 'pass',
      args: [...args, '--user-metadata', 'build=42', '--user-metadata', 'branch=main'],
    });
    await make({
      ...usual,
      name: `notation-${format}-index`,
      description: 'The index of a multi-platform image is signed.',
      expected: 'pass',
      form: 'index',
      args,
    });
    await make({
      ...usual,
      name: `notation-${format}-two`,
      description: 'Signed by a stranger and by the one who is trusted.',
      expected: 'pass',
      signers: [stranger, signer],
      args,
    });
    await make({
      ...usual,
      name: `notation-${format}-stranger`,
      description: 'Signed by a stranger alone, with the same names in the certificates.',
      expected: 'fail',
      signers: [stranger],
      args,
    });
    await make({
      ...usual,
      name: `notation-${format}-timestamp`,
      description: 'With a time stamp (RFC 3161), which the policy always wants.',
      expected: 'pass',
      args: [...args, ...stamped],
      policy: { ...usual.policy, timestampRoots: [stampRoot], verifyTimestamp: 'always' },
    });
    await make({
      ...usual,
      name: `notation-${format}-no-timestamp`,
      description: 'Without the time stamp that the policy always wants.',
      expected: 'fail',
      args,
      policy: { ...usual.policy, timestampRoots: [stampRoot], verifyTimestamp: 'always' },
    });
    const short = await chainOf('P-256', { notAfter: new Date(Date.now() + SHORT_LIFE_MILLISECONDS) });
    const expired = { signers: [short.signer], policy: { roots: [short.root.certificate] } };
    await make({
      ...expired,
      name: `notation-${format}-expired`,
      description: 'The certificate of the signer is no longer valid, and nothing says when it was used.',
      expected: 'fail',
      args,
    });
    await make({
      ...expired,
      name: `notation-${format}-expired-timestamp`,
      description: 'The certificate of the signer is no longer valid; a time stamp says that it was when it was used.',
      expected: 'pass',
      args: [...args, ...stamped],
      policy: { ...expired.policy, timestampRoots: [stampRoot], verifyTimestamp: 'afterCertExpiry' },
    });
    await make({
      ...expired,
      name: `notation-${format}-expired-permissive`,
      description: 'The certificate of the signer is no longer valid, which this policy only notes.',
      expected: 'pass',
      args,
      policy: { ...expired.policy, level: 'permissive' },
    });
  }
  const { root, signer } = await chainOf('P-256');
  await make({
    name: 'notation-other-identity',
    description: 'The authority is trusted, but for another signer.',
    expected: 'fail',
    signers: [signer],
    args: jws,
    policy: { roots: [root.certificate], identities: ['x509.subject: C=US, ST=WA, O=Example, CN=somebody'] },
  });
  await make({
    name: 'notation-any-identity',
    description: 'Whoever the authority has certified is trusted.',
    expected: 'pass',
    signers: [signer],
    args: jws,
    policy: { roots: [root.certificate], identities: ['*'] },
  });
  await make({
    name: 'notation-other-scope',
    description: 'The trust policy speaks of another repository.',
    expected: 'fail',
    signers: [signer],
    args: jws,
    policy: { roots: [root.certificate], scope: 'registry.example/other' },
  });
  await makeRevocation(answers, make);
  return drafts;
}

/** The same signature, hung onto an image that it was not made for. */
async function wrongSubject(shop: Workshop, { layout, made, files }: Draft, format: string): Promise<Draft> {
  const name = `notation-${format}-wrong-subject`;
  await shop.pushImage(name);
  const other = await shop.layoutOf(name);
  return {
    name,
    description: 'The signature of another image, whose manifest was given this one as its subject.',
    made: [...made, '(then the subject in the manifest of the signature was replaced)'],
    tool: 'notation',
    verify: { notationConfig: 'config', scope: SCOPE },
    expected: 'fail',
    layout: moveSignatures(layout, other),
    files,
  };
}
