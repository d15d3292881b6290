import type { Certificate } from '../x509/certificate.js';
import type { Envelope } from './envelope.js';
import { type Finding, failed, ok, unknown } from './finding.js';
import { identityOf, isPartOf } from './identity.js';
import type { NotationTrust } from './trust.js';
import type { TrustStatement } from './trust-policy.js';
import type { StoreType } from './trust-store.js';

/** The certificates of the statement's stores of one type; undefined where one of the stores is not there. */
export function storedCertificates(
  { stores }: Pick<NotationTrust, 'stores'>,
  statement: TrustStatement,
  type: StoreType,
): readonly Certificate[] | undefined {
  const names = statement.stores.filter((name) => name.startsWith(`${type}:`));
  const found = names.map((name) => stores.get(name));
  const known = found.filter((certificates) => certificates !== undefined);
  return known.length === found.length ? known.flat() : undefined;
}

/**
 * Whether the signer is one who is trusted: Notary Project, trust policy specification, "Validate Authenticity". The chain is
 * known to be one. One of its certificates, compared byte for byte, has to be in a store of the type that goes with the
 * signing scheme; a certificate of the same name is another one.
 */
export function judgeAuthenticity(
  { attributes, chain }: Envelope,
  statement: TrustStatement,
  trust: Pick<NotationTrust, 'stores'>,
): Finding {
  const type = attributes.scheme === 'notary.x509' ? 'ca' : 'signingAuthority';
  const stored = storedCertificates(trust, statement, type);
  if (stored === undefined) return unknown('NOTATION_NO_STORE', 'A trust store of the policy is not there.');
  const fingerprints = new Set(stored.map(({ fingerprint }) => fingerprint));
  if (!chain.some(({ fingerprint }) => fingerprints.has(fingerprint))) {
    return failed('NOTATION_UNTRUSTED_CERTIFICATE', 'Its certificates lead to none that is trusted.');
  }
  if (statement.identities === '*') return ok('Its certificates lead to one that is trusted.');
  const subject = chain[0] && identityOf(chain[0]);
  if (subject === undefined || !statement.identities.some((identity) => isPartOf(identity, subject))) {
    return failed('NOTATION_UNTRUSTED_IDENTITY', 'The signer is none of the trusted identities.');
  }
  return ok('The signer is a trusted identity.');
}
