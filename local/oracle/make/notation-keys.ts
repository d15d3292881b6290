import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as x509 from '@peculiar/x509';
import {
  type Issued,
  type KeySpec,
  authorityExtensions,
  issue,
  keyPem,
  signerExtensions,
  toPem,
} from '../../sigstore/authority.js';

const NAME = 'O=Example,L=Seattle,ST=WA,C=US';
/** How `trustedIdentities` names the signer of every chain here. */
export const SIGNER_IDENTITY = 'x509.subject: C=US, ST=WA, O=Example, CN=signer';

/** A certificate that signs itself and images, as `notation cert generate-test` makes it. */
export function selfSigned(spec: KeySpec = 'RSA-2048'): Promise<Issued> {
  return issue({ subject: `CN=signer,${NAME}`, spec, extensions: signerExtensions() });
}

/** A root, an authority below it, and a signer. `leaf` is what the signer's certificate has besides. */
export async function chainOf(
  spec: KeySpec,
  leaf: { readonly notAfter?: Date; readonly extensions?: readonly x509.Extension[] } = {},
): Promise<{ readonly root: Issued; readonly authority: Issued; readonly signer: Issued }> {
  const root = await issue({ subject: `CN=root,${NAME}`, spec, extensions: authorityExtensions() });
  const authority = await issue({
    subject: `CN=authority,${NAME}`,
    spec,
    issuer: root,
    extensions: authorityExtensions(0),
  });
  const signer = await signerBelow(authority, { spec, ...leaf });
  return { root, authority, signer };
}

/** One more signer of an authority. */
export function signerBelow(
  authority: Issued,
  {
    spec,
    notAfter,
    extensions = [],
  }: { readonly spec: KeySpec; readonly notAfter?: Date; readonly extensions?: readonly x509.Extension[] },
): Promise<Issued> {
  return issue({
    subject: `CN=signer,${NAME}`,
    spec,
    issuer: authority,
    ...(notAfter !== undefined && { notAfter }),
    extensions: [...signerExtensions(), ...extensions],
  });
}

/** Notation's configuration with one signing key, `signer`. Returns its directory. */
export async function signingConfig(directory: string, { keys, chain }: Issued): Promise<string> {
  await mkdir(directory, { recursive: true });
  const keyPath = join(directory, 'signer.key');
  const certPath = join(directory, 'signer.crt');
  await writeFile(keyPath, keyPem(keys), { mode: 0o600 });
  await writeFile(certPath, toPem(chain));
  const config = { default: 'signer', keys: [{ name: 'signer', keyPath, certPath }] };
  await writeFile(join(directory, 'signingkeys.json'), JSON.stringify(config));
  return directory;
}

/** What a trust policy of one statement says. */
export interface PolicyOptions {
  readonly level?: 'strict' | 'permissive' | 'audit';
  readonly override?: Readonly<Record<string, string>>;
  readonly verifyTimestamp?: 'always' | 'afterCertExpiry';
  readonly scope?: string;
  readonly identities?: readonly string[];
  /** Roots of the store `ca:example`. */
  readonly roots: readonly x509.X509Certificate[];
  /** Roots of the store `tsa:example`. */
  readonly timestampRoots?: readonly x509.X509Certificate[];
}

/** The files of a trust policy with its stores, below `config/`. */
export function policyFiles(options: PolicyOptions): Readonly<Record<string, string>> {
  const { level = 'strict', override, verifyTimestamp, timestampRoots = [] } = options;
  const policy = {
    version: '1.0',
    trustPolicies: [
      {
        name: 'example',
        registryScopes: [options.scope ?? 'registry.example/app'],
        signatureVerification: {
          level,
          ...(override && { override }),
          ...(verifyTimestamp && { verifyTimestamp }),
        },
        trustStores: ['ca:example', ...(timestampRoots.length === 0 ? [] : ['tsa:example'])],
        trustedIdentities: options.identities ?? [SIGNER_IDENTITY],
      },
    ],
  };
  const store = (type: string, roots: readonly x509.X509Certificate[]) =>
    roots.map((root, at) => [`config/truststore/x509/${type}/example/root-${at}.crt`, toPem([root])] as const);
  return {
    'config/trustpolicy.json': `${JSON.stringify(policy, null, 2)}\n`,
    ...Object.fromEntries([...store('ca', options.roots), ...store('tsa', timestampRoots)]),
  };
}
