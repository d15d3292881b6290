import { ProblemsError } from '../../shared/error/app-error.js';
import type { Side } from '../../shared/pipeline/recall.js';
import { completePolicy, trustNames } from '../../shared/policy/complete.js';
import { parsePolicy } from '../../shared/policy/parse-policy.js';
import { readTrustMaterial } from '../../shared/signature/material.js';

/** A policy as a start reads it, where every key file that it names has the same content. */
export function sideOf(text: string, pem: string): Side {
  const document = parsePolicy(text);
  const wanted = trustNames(document);
  const files = new Map(wanted.keys.map((name) => [name, Buffer.from(pem)]));
  const { material, digest, problems } = readTrustMaterial(wanted, files);
  if (problems.length > 0) throw new ProblemsError('POLICY_INVALID', 'the policy cannot be used:', problems);
  return { policy: completePolicy(document, digest), material };
}
