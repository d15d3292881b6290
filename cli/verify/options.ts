import { parseArgs } from 'node:util';
import { UsageError } from '../usage.js';
import type { VerifyOptions } from '../verify.js';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  layout: text,
  scope: text,
  key: text,
  'certificate-identity': text,
  'certificate-identity-regexp': text,
  'certificate-oidc-issuer': text,
  'certificate-oidc-issuer-regexp': text,
  'trusted-root': text,
  'insecure-ignore-tlog': flag,
  'notation-config': text,
  'attestation-type': text,
  policy: text,
  at: text,
  'allow-host': { type: 'string', multiple: true },
  endpoint: text,
  json: flag,
} as const;

/** The words behind `lazaret verify`. Throws {@link UsageError} for one that is not known, or said twice. */
export function readVerifyOptions(args: readonly string[]): VerifyOptions {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError('too many words');
  const said = args.map((arg) => arg.split('=', 1)[0]).filter((arg) => arg?.startsWith('--') && arg !== '--allow-host');
  // Which of two keys counts is nothing to guess.
  if (new Set(said).size < said.length) throw new UsageError('an option is said twice');
  return {
    reference: positionals[0],
    layout: values.layout,
    scope: values.scope,
    key: values.key,
    certificateIdentity: values['certificate-identity'],
    certificateIdentityRegexp: values['certificate-identity-regexp'],
    certificateOidcIssuer: values['certificate-oidc-issuer'],
    certificateOidcIssuerRegexp: values['certificate-oidc-issuer-regexp'],
    trustedRoot: values['trusted-root'],
    ignoreTransparencyLog: values['insecure-ignore-tlog'] ?? false,
    notationConfig: values['notation-config'],
    attestationType: values['attestation-type'],
    policy: values.policy,
    at: values.at,
    allowHosts: values['allow-host'] ?? [],
    endpoint: values.endpoint,
    json: values.json ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    // As Cosign's own documentation writes a switch.
    const words = args.map((arg) => (arg === '--insecure-ignore-tlog=true' ? '--insecure-ignore-tlog' : arg));
    return parseArgs({ args: words, options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
