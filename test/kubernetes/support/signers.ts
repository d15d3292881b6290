import { readFileSync } from 'node:fs';
import { chainOf, signerBelow, signingConfig } from '../../../local/oracle/make/notation-keys.js';
import { type RunTool, getTools, mustRun } from '../../../local/oracle/tools.js';
import { toPem } from '../../../local/sigstore/authority.js';
import { ROOT } from '../../support/process.js';

/** Signs as the pipeline does, by a key of one of these. A sibling has a certificate of the same authority as ours. */
export interface SignOptions {
  readonly key?: 'ours' | 'other' | 'sibling';
  readonly args?: readonly string[];
}

/** The official tools, and who signs with them. */
export interface Signers {
  readonly run: RunTool;
  /** Cosign's public key and Notation's authority, by their names in `settings/`. */
  readonly trust: Readonly<Record<'cosign.pub' | 'notation-ca.crt', string>>;
  /** The certificate of the one who signs with Notation. */
  readonly certificate: string;
  readonly notation: (reference: string, options?: SignOptions) => Promise<string>;
  readonly cosign: (reference: string, options?: SignOptions) => Promise<string>;
  /** With our key. */
  readonly attest: (reference: string, args: readonly string[]) => Promise<string>;
}

/** Cosign's form before bundles. */
export const OLD_FORM = '--new-bundle-format=false';
const OFFLINE = ['--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry', '--yes'];

/** Makes their keys in a directory of which `at` names the files. */
export async function makeSigners(at: (path: string) => string): Promise<Signers> {
  const run = await getTools(at('home'), () => undefined, ROOT);
  for (const name of ['ours', 'other']) {
    await mustRun(run('cosign', ['generate-key-pair', '--output-key-prefix', at(name)]), 'generate-key-pair');
  }
  const { root, authority, signer } = await chainOf('P-256');
  await signingConfig(at('ours'), signer);
  await signingConfig(at('sibling'), await signerBelow(authority, { spec: 'P-256' }));
  await signingConfig(at('other'), (await chainOf('P-256')).signer);
  return {
    run,
    trust: { 'cosign.pub': readFileSync(at('ours.pub'), 'utf8'), 'notation-ca.crt': toPem([root.certificate]) },
    certificate: toPem([signer.certificate]),
    notation: (reference, { key = 'ours', args = [] } = {}) =>
      mustRun(
        run('notation', ['sign', '--insecure-registry', ...args, '--key', 'signer', reference], {
          env: { NOTATION_CONFIG: at(key) },
        }),
        'notation sign',
      ),
    cosign: (reference, { key = 'ours', args = [] } = {}) =>
      mustRun(run('cosign', ['sign', '--key', at(`${key}.key`), ...OFFLINE, ...args, reference]), 'cosign sign'),
    attest: (reference, args) =>
      mustRun(run('cosign', ['attest', '--key', at('ours.key'), ...OFFLINE, ...args, reference]), 'cosign attest'),
  };
}
