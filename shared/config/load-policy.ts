import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, ProblemsError } from '../error/app-error.js';
import { completePolicy, trustNames } from '../policy/complete.js';
import { parsePolicy } from '../policy/parse-policy.js';
import type { Policy } from '../policy/policy.js';
import { type TrustMaterial, readTrustMaterial } from '../signature/material.js';
import { readTrustDirectory } from './trust-directory.js';

/** A policy with everything that it trusts. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly material: TrustMaterial;
  /** What was read. */
  readonly source: PolicySource;
}

/** A policy as it is written, for whoever has to judge it elsewhere. */
export interface PolicySource {
  readonly policy: string;
  /** Base64, by the path beside the policy; of a key in a Key Vault its PEM text, by its address. */
  readonly files: Readonly<Record<string, string>>;
}

/** What {@link loadPolicy} may ask. */
export interface LoadDeps {
  /** Reads a key by its address in a Key Vault, as PEM text. Absent: such a key cannot be used here. */
  readonly readVaultKey?: (url: string) => Promise<string>;
}

/**
 * Reads a policy and what is beside it: keys, trusted roots, Notation's configuration. Its digest covers all of it. Throws
 * {@link ProblemsError} `POLICY_INVALID` with everything that is wrong, `POLICY_MISSING`, or what `readVaultKey` throws.
 */
export async function loadPolicy(path: string, { readVaultKey }: LoadDeps = {}): Promise<LoadedPolicy> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('POLICY_MISSING', `the policy file cannot be read: ${path}`, { cause });
  });
  const document = parsePolicy(text);
  const wanted = trustNames(document);
  const files = new Map<string, Uint8Array>();
  for (const name of [...wanted.keys, ...wanted.roots]) {
    const bytes = name.startsWith('https:')
      ? readVaultKey && Buffer.from(await readVaultKey(name))
      : await readFile(join(dirname(path), name)).catch(() => undefined);
    if (bytes !== undefined) files.set(name, bytes);
  }
  for (const name of wanted.notation) {
    for (const [file, bytes] of await readTrustDirectory(join(dirname(path), name)))
      files.set(`${name}/${file}`, bytes);
  }
  const { material, digest, problems } = readTrustMaterial(wanted, files);
  if (problems.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
  const encoded = [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const);
  return {
    policy: completePolicy(document, digest),
    material,
    source: { policy: text, files: Object.fromEntries(encoded) },
  };
}
