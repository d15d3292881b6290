import { digestOf } from '../artifact/digest.js';
import { AppError, type Problem, ProblemsError } from '../error/app-error.js';
import type { PolicyDocument } from './parse-policy.js';
import type { Policy } from './policy.js';

/** The names of all key files that a policy asks for, sorted. */
export function keyNames({ rules }: PolicyDocument): readonly string[] {
  return [...new Set(rules.flatMap(({ signature }) => signature?.cosign?.keys ?? []))].sort();
}

/**
 * A policy with its keys, and the digests that cover both, and the keys alone: made here and nowhere else, so that equal files have an equal
 * digest wherever they are read. `readKey` throws an {@link AppError} for a key that cannot be used. Throws
 * {@link ProblemsError} `POLICY_INVALID` with all of these.
 */
export function completePolicy<Key extends { readonly hint: string }>(
  document: PolicyDocument,
  readKey: (name: string) => Key,
): { readonly policy: Policy; readonly keys: ReadonlyMap<string, Key> } {
  const names = keyNames(document);
  const keys = new Map<string, Key>();
  const problems: Problem[] = [];
  for (const name of names) {
    try {
      keys.set(name, readKey(name));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problems.push({ path: 'signature.cosign.keys', message: error.message });
    }
  }
  if (problems.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
  const trusted = names.map((name) => [name, keys.get(name)?.hint]);
  const digest = digestOf(JSON.stringify([document, trusted]));
  return { policy: Object.freeze({ ...document, digest, trust: digestOf(JSON.stringify(trusted)) }), keys };
}
