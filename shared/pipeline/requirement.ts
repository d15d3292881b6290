import { type Place, parsePlace } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import type { CosignRule, SignatureRule } from '../policy/policy.js';
import { parseIdentity } from '../signature/cosign/identity.js';
import { type CosignTrust, cosignTrust } from '../signature/cosign/trust.js';
import type { TrustMaterial } from '../signature/material.js';
import type { SignatureRequirement } from '../signature/requirement.js';
import type { Wanted } from './collect-signatures.js';

/** What a rule asks for of one artifact, with what it trusts. Throws `TRUST_MISSING` where that is not there. */
export function requirementOf(
  rule: SignatureRule,
  { registry, repository }: Place,
  material: TrustMaterial,
): SignatureRequirement {
  const { require, cosign, notation, attestations, signaturesFrom } = rule;
  const scope = `${registry}/${repository}`;
  // What was imported names the repository that it was signed in.
  const places = [scope, ...signaturesFrom];
  const configured = notation && found(material.notation, notation.config);
  return {
    require,
    ...(cosign && { cosign: toTrust(cosign, places, material) }),
    ...(configured && { notation: { ...configured, scope } }),
    attestations: attestations.map(({ cosign: own, ...wanted }) => ({
      ...wanted,
      cosign: toTrust(own, places, material),
    })),
  };
}

function toTrust(rule: CosignRule, places: readonly string[], { keys, roots }: TrustMaterial): CosignTrust {
  const { identities, trustedRoot, transparencyLog, signers, dockerReference } = rule;
  return cosignTrust({
    keys: rule.keys.map((name) => found(keys, name)),
    identities: identities.map(parseIdentity),
    ...(trustedRoot !== undefined && { trustedRoot: found(roots, trustedRoot) }),
    transparencyLog,
    threshold: signers,
    ...(dockerReference === 'match' && { dockerReferences: places }),
  });
}

function found<Value>(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new AppError('TRUST_MISSING', `the policy names what is not there: ${name}`);
  return value;
}

/** Where else a rule has signatures looked for. */
export function sourcesOf({ signaturesFrom }: SignatureRule): readonly Place[] {
  return signaturesFrom.map(parsePlace);
}

/** What has to be collected of one artifact for a rule to be judged. */
export function wantedBy(rule: SignatureRule): Wanted {
  return {
    cosign: rule.cosign !== undefined,
    alsoFrom: sourcesOf(rule),
    attestations: rule.attestations.map(({ predicateType }) => predicateType),
  };
}
