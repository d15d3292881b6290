import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { matchesPattern } from './pattern.js';
import type { Policy, PolicyRule } from './policy.js';

/** The first rule that matches, and its index. A parsed policy always has one: its catch-all. */
export function matchRule(
  policy: Policy,
  key: Pick<ArtifactKey, 'registry' | 'repository'>,
): { readonly rule: PolicyRule; readonly index: number } {
  const index = policy.rules.findIndex(
    (rule) =>
      (rule.registry === undefined || rule.registry === key.registry) &&
      matchesPattern(rule.repository, key.repository),
  );
  const rule = policy.rules[index];
  if (rule === undefined) throw new AppError('POLICY_WITHOUT_CATCH_ALL', 'no rule of the policy matches');
  return { rule, index };
}
