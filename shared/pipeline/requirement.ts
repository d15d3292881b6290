import { AppError } from '../error/app-error.js';
import type { SignatureRule } from '../policy/policy.js';
import type { SignatureRequirement } from '../signature/requirement.js';
import type { TrustedKey } from '../signature/trust.js';

/** What a rule asks for, with the trust material that it names. Throws `KEY_MISSING`. */
export function requirementOf(rule: SignatureRule, keys: ReadonlyMap<string, TrustedKey>): SignatureRequirement {
  const trusted = (rule.cosign?.keys ?? []).map((name) => {
    const key = keys.get(name);
    if (key === undefined) throw new AppError('KEY_MISSING', `the policy names a key that is not there: ${name}`);
    return key;
  });
  return { require: rule.require, cosign: { keys: trusted }, attestations: [] };
}
