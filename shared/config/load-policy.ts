import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../error/app-error.js';
import { completePolicy, keyNames } from '../policy/complete.js';
import { parsePolicy } from '../policy/parse-policy.js';
import type { Policy } from '../policy/policy.js';
import { type TrustedKey, parsePublicKey } from '../signature/trust.js';

/** A policy with the keys that it names. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly keys: ReadonlyMap<string, TrustedKey>;
  /** What was read: the document's text, and the PEM text of each key by its file name. */
  readonly source: PolicySource;
}

/** A policy as it is written, for whoever has to judge it elsewhere. */
export interface PolicySource {
  readonly policy: string;
  readonly keys: Readonly<Record<string, string>>;
}

/**
 * Reads a policy and the key files beside it. Its digest covers both. Throws {@link ProblemsError} `POLICY_INVALID` with
 * everything that is wrong, or `POLICY_MISSING`.
 */
export async function loadPolicy(path: string): Promise<LoadedPolicy> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('POLICY_MISSING', `the policy file cannot be read: ${path}`, { cause });
  });
  const document = parsePolicy(text);
  const texts = new Map<string, string>();
  for (const name of keyNames(document)) {
    const pem = await readFile(join(dirname(path), name), 'utf8').catch(() => undefined);
    if (pem !== undefined) texts.set(name, pem);
  }
  const { policy, keys } = completePolicy(document, (name) => {
    const pem = texts.get(name);
    if (pem === undefined) throw new AppError('KEY_MISSING', `${name} is not beside the policy`);
    return parsePublicKey(name, pem);
  });
  return { policy, keys, source: { policy: text, keys: Object.fromEntries(texts) } };
}
