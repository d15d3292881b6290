import type { Place } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { matchesPattern } from './pattern.js';
import type { Policy, PolicyRule } from './policy.js';

/** The first rule that matches, and its index. A parsed policy always has one: its catch-all. */
export function matchRule(policy: Policy, key: Place): { readonly rule: PolicyRule; readonly index: number } {
  const index = policy.rules.findIndex((rule) => mismatch(rule, key) === undefined);
  const rule = policy.rules[index];
  if (rule === undefined) throw new AppError('POLICY_WITHOUT_CATCH_ALL', 'no rule of the policy matches');
  return { rule, index };
}

/** Which part of a rule's place is another one than the artifact's; undefined where the rule matches. */
export function mismatch(rule: PolicyRule, key: Place): 'registry' | 'repository' | undefined {
  if (rule.registry !== undefined && rule.registry !== key.registry) return 'registry';
  return matchesPattern(rule.repository, key.repository) ? undefined : 'repository';
}
