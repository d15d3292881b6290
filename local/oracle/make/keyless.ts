import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeToken } from '../../sigstore/fulcio.js';
import { type Sigstore, type SigstoreFaults, createSigstore } from '../../sigstore/sigstore.js';
import { moveSignatures } from '../move-signatures.js';
import type { ToolName } from '../tools.js';
import { type CosignKey, makeKey } from './cosign-key.js';
import { type Draft, SCOPE, type Workshop } from './workshop.js';

const ISSUER = 'https://token.example';
const WORKFLOW = 'https://code.example/team/app/.github/workflows/release.yml@refs/heads/main';
const EMAIL = 'builder@example.com';
const COMMON = ['--yes', '--allow-http-registry'] as const;
const IDENTITY = { certificateIdentity: WORKFLOW, certificateOidcIssuer: ISSUER } as const;

/** A Sigstore that is served, with the files that the tools want. */
interface Served {
  readonly sigstore: Sigstore;
  readonly origin: string;
  readonly directory: string;
}

interface KeylessOrder {
  readonly name: string;
  readonly description: string;
  readonly expected: Draft['expected'];
  readonly why?: string;
  readonly by: Served;
  readonly form?: 'image' | 'index';
  readonly signWith?: 'bundle' | 'legacy' | 'legacy-2';
  readonly config?: 'both' | 'log' | 'timestamps';
  readonly key?: CosignKey;
  readonly email?: boolean;
  /** The tool signs without looking at what it gets. */
  readonly unchecked?: boolean;
  readonly attest?: string;
  readonly verify?: Draft['verify'];
  /** Whose trusted root is given, if not the signer's. */
  readonly trusted?: Served;
}

/** All cases of Cosign that are signed against a Sigstore. */
export async function makeKeyless(shop: Workshop, progress: (line: string) => void): Promise<readonly Draft[]> {
  const by = await host(shop, 'sigstore');
  const other = await host(shop, 'other');
  const late = await host(shop, 'late', { logAheadMilliseconds: 3_600_000 });
  const bare = await host(shop, 'bare', { withoutSct: true });
  const key = await makeKey(shop, 'logged', 'p-256');
  const drafts: Draft[] = [];
  const make = async (order: KeylessOrder) => {
    progress(order.name);
    const draft = await signKeyless(shop, order);
    drafts.push(draft);
    return draft;
  };
  for (const [form, what] of [
    ['bundle', 'A keyless Sigstore bundle v0.3'],
    ['legacy', 'A keyless signature in the older form, made by version 3'],
    ['legacy-2', 'A keyless signature in the older form, made by version 2'],
  ] as const) {
    const usual = { by, signWith: form, expected: 'pass', verify: IDENTITY } as const;
    const name = (suffix: string) => `cosign-keyless-${form}-${suffix}`;
    const ordinary = await make({
      ...usual,
      name: name('log'),
      description: `${what}, with an entry in the transparency log.`,
      config: 'log',
    });
    progress(name('wrong-subject'));
    const target = name('wrong-subject');
    await shop.pushImage(target);
    drafts.push({
      ...ordinary,
      name: target,
      description: 'The signature of another image, put where one of this image would be.',
      made: [...ordinary.made, '(then it was put beside another image)'],
      expected: 'fail',
      layout: moveSignatures(ordinary.layout, await shop.layoutOf(target)),
    });
    await make({ ...usual, name: name('both'), description: `${what}, with an entry in the log and a time stamp.` });
    await make({
      ...usual,
      name: name('email'),
      description: `${what}, by somebody with an address.`,
      email: true,
      verify: { certificateIdentity: EMAIL, certificateOidcIssuer: ISSUER },
    });
    await make({
      ...usual,
      name: name('other-identity'),
      description: `${what}, by another than the one who is trusted.`,
      expected: 'fail',
      verify: { ...IDENTITY, certificateIdentity: `${WORKFLOW}-other` },
    });
    await make({
      ...usual,
      name: name('other-issuer'),
      description: `${what}, by one whose name another issuer vouches for.`,
      expected: 'fail',
      verify: { ...IDENTITY, certificateOidcIssuer: 'https://other.example' },
    });
    await make({
      ...usual,
      name: name('pattern'),
      description: `${what}, by one whose name matches.`,
      verify: {
        certificateIdentityRegexp: '^https://code\\.example/team/app/\\.github/workflows/release\\.yml@refs/.*$',
        certificateOidcIssuer: ISSUER,
      },
    });
    await make({
      ...usual,
      name: name('other-root'),
      description: `${what}, where another Sigstore is trusted.`,
      expected: 'fail',
      trusted: other,
    });
    await make({
      ...usual,
      name: name('late'),
      description: `${what}, logged when its certificate was no longer valid.`,
      expected: 'fail',
      by: late,
      unchecked: true,
      config: 'log',
    });
    if (form !== 'legacy-2') {
      await make({
        ...usual,
        name: name('no-sct'),
        description: `${what}, whose certificate is in no log.`,
        expected: 'fail',
        by: bare,
        unchecked: true,
      });
      await make({
        ...usual,
        name: name('no-log'),
        description: `${what}, with a time stamp alone.`,
        expected: 'fail',
        config: 'timestamps',
      });
      await make({
        ...usual,
        name: name('timestamp'),
        description: `${what}, with a time stamp alone, where no log is asked for.`,
        config: 'timestamps',
        verify: { ...IDENTITY, insecureIgnoreTlog: true },
      });
    }
    await make({ ...usual, name: name('index'), description: `${what}, of a multi-platform image.`, form: 'index' });
    await make({
      by,
      signWith: form,
      name: `cosign-logged-${form}`,
      description: 'Signed with a key, and in the transparency log.',
      expected: 'pass',
      key,
      config: 'log',
    });
  }
  await make({
    by,
    name: 'cosign-keyless-bundle-attest',
    description: 'A keyless attestation of type vuln as a Sigstore bundle.',
    expected: 'pass',
    attest: 'vuln',
    verify: { ...IDENTITY, attestationType: 'vuln' },
  });
  return drafts;
}

async function signKeyless(shop: Workshop, order: KeylessOrder): Promise<Draft> {
  const { name, by, signWith = 'bundle', config = 'both', key, attest } = order;
  const reference = await shop.pushImage(name, order.form);
  const token = makeToken({
    issuer: ISSUER,
    subject: WORKFLOW,
    now: new Date(),
    ...(order.email === true && { email: EMAIL }),
  });
  const credential = key === undefined ? ['--identity-token', token] : ['--key', key.file];
  const at = (file: string) => join(by.directory, file);
  const predicate = at('predicate.json');
  if (attest !== undefined) await writeFile(predicate, '{"scanner":{"uri":"","version":"","db":{}},"metadata":{}}');
  const verb =
    attest === undefined
      ? ['sign', ...(signWith === 'bundle' ? [] : ['--sign-container-identity', SCOPE])]
      : ['attest', '--type', attest, '--predicate', predicate];
  const form = signWith === 'bundle' ? [] : ['--new-bundle-format=false'];
  const configured = [
    ...['--signing-config', at(`signing-config-${config}.json`)],
    ...['--trusted-root', at('trusted_root.json')],
  ];
  const addressed = [
    ...(signWith === 'legacy-2' ? [] : ['--use-signing-config=false']),
    ...['--fulcio-url', by.origin, '--rekor-url', by.origin, '--oidc-issuer', ISSUER],
    ...(config === 'log' ? [] : ['--timestamp-server-url', `${by.origin}/api/v1/timestamp`]),
    ...(config === 'timestamps' ? ['--tlog-upload=false'] : []),
  ];
  // With a trusted root the tool would see what is wrong, and not sign. The older form knows no configuration.
  const services = signWith === 'bundle' && order.unchecked !== true ? configured : addressed;
  const tool: ToolName = signWith === 'legacy-2' ? 'cosign-2' : 'cosign';
  const args = [...verb, ...form, ...services, ...credential, ...COMMON, reference];
  const line = await shop.sign(tool, args, {
    env: {
      SIGSTORE_REKOR_PUBLIC_KEY: at('rekor.pub'),
      SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: at('ctlog.pub'),
      SIGSTORE_ROOT_FILE: at('fulcio.pem'),
      SIGSTORE_TSA_CERTIFICATE_FILE: at('timestamps.pem'),
    },
  });
  return {
    name,
    description: order.description,
    made: [line.replace(token, 'TOKEN')],
    tool: 'cosign',
    verify: { ...(key && { key: 'cosign.pub' }), trustedRoot: 'trusted_root.json', ...order.verify },
    expected: order.expected,
    ...(order.why !== undefined && { why: order.why }),
    layout: await shop.layoutOf(name),
    files: {
      'trusted_root.json': `${JSON.stringify((order.trusted ?? by).sigstore.trustedRoot, null, 2)}\n`,
      ...(key && { 'cosign.pub': key.publicKey }),
    },
  };
}

async function host(shop: Workshop, name: string, faults: SigstoreFaults = {}): Promise<Served> {
  const sigstore = await createSigstore(() => new Date(), faults);
  const origin = await shop.host(sigstore.handle);
  const directory = join(shop.work, name);
  await mkdir(directory, { recursive: true });
  const files: Readonly<Record<string, string>> = {
    ...sigstore.files,
    'trusted_root.json': JSON.stringify(sigstore.trustedRoot),
    'signing-config-both.json': JSON.stringify(sigstore.signingConfig(origin)),
    'signing-config-log.json': JSON.stringify(sigstore.signingConfig(origin, { timestamps: false })),
    'signing-config-timestamps.json': JSON.stringify(sigstore.signingConfig(origin, { log: false })),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(join(directory, file), content);
  return { sigstore, origin, directory };
}
