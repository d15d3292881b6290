import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf } from '../artifact/digest.js';
import { AppError, type Problem, ProblemsError } from '../error/app-error.js';
import { parsePolicy } from '../policy/parse-policy.js';
import type { Policy } from '../policy/policy.js';
import { type TrustedKey, parsePublicKey } from '../signature/trust.js';

/** A policy with the keys that it names. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly keys: ReadonlyMap<string, TrustedKey>;
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
  const names = [...new Set(document.rules.flatMap(({ signature }) => signature?.cosign?.keys ?? []))].sort();
  const keys = new Map<string, TrustedKey>();
  const problems: Problem[] = [];
  for (const name of names) {
    try {
      keys.set(name, parsePublicKey(name, await readFile(join(dirname(path), name), 'utf8')));
    } catch (error) {
      const message = error instanceof AppError ? error.message : `${name} is not beside the policy`;
      problems.push({ path: 'signature.cosign.keys', message });
    }
  }
  if (problems.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
  const digest = digestOf(JSON.stringify([document, names.map((name) => [name, keys.get(name)?.hint])]));
  return { policy: Object.freeze({ ...document, digest }), keys };
}
