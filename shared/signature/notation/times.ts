import type { VerifyContext } from '../requirement.js';
import { revocationOf } from '../revocation.js';
import { verifyTimestamp } from '../timestamp/verify.js';
import type { Certificate } from '../x509/certificate.js';
import { everyValidAt } from '../x509/chain.js';
import { storedCertificates } from './authenticity.js';
import type { Envelope } from './envelope.js';
import { type Finding, failed, findingOf, ok, unknown } from './finding.js';
import type { NotationTrust } from './trust.js';
import type { TrustStatement } from './trust-policy.js';

/** What the times of a signature are held against. */
export interface TimeContext extends Pick<VerifyContext, 'now' | 'revocation'>, Pick<NotationTrust, 'stores'> {
  readonly statement: TrustStatement;
}

/** Whether the signer meant it for longer than until now: it ends at that moment. Signature specification, "Expiry". */
export function judgeExpiry({ attributes: { expiry } }: Envelope, now: Date): Finding {
  if (expiry === undefined) return ok('It does not expire.');
  return now < expiry ? ok('It has not expired.') : failed('SIGNATURE_EXPIRED', 'The signature has expired.');
}

/**
 * Whether every certificate was valid when the signature was made: trust policy specification, "Validate Trusted Timestamp".
 * The signer's own word for the time counts for nothing, so where no authority says another they have to be valid now.
 */
export function judgeTimestamp(envelope: Envelope, context: TimeContext): Finding {
  const { attributes, chain } = envelope;
  const { statement, now, stores } = context;
  if (attributes.scheme === 'notary.x509.signingAuthority') return validAt(chain, attributes.signingTime);
  const hasExpired = chain.some(({ notAfter }) => notAfter < now);
  const isWanted =
    statement.stores.some((name) => name.startsWith('tsa:')) && (statement.verifyTimestamp === 'always' || hasExpired);
  if (!isWanted) return validAt(chain, now);
  const roots = storedCertificates({ stores }, statement, 'tsa');
  if (roots === undefined) return unknown('NOTATION_NO_STORE', 'A trust store of the policy is not there.');
  if (envelope.timestamp === undefined) return failed('TIMESTAMP_MISSING', 'It carries no timestamp.');
  try {
    const { from, to, chain: authority } = verifyTimestamp(envelope.timestamp, { message: envelope.signature, roots });
    if (!everyValidAt(chain, from, to)) {
      return failed('TIMESTAMP_OUTSIDE_VALIDITY', 'It was signed when a certificate was not valid, or may have been.');
    }
    // Whatever the policy makes of the signer's revocation: a time of a revoked authority is no time.
    const { outcome, ...revocation } = revocationOf(authority, { answers: context.revocation, now });
    return outcome === 'ok'
      ? ok('An authority says that it was signed while its certificates were valid.')
      : { ...revocation, outcome: outcome === 'revoked' ? 'failed' : 'unknown' };
  } catch (error) {
    return findingOf(error);
  }
}

function validAt(chain: readonly Certificate[], at: Date): Finding {
  if (chain.some(({ notBefore }) => at < notBefore)) {
    return failed('CERTIFICATE_NOT_YET_VALID', 'A certificate was not valid yet.');
  }
  return everyValidAt(chain, at)
    ? ok('Its certificates were valid.')
    : failed('CERTIFICATE_EXPIRED', 'A certificate has expired.');
}

/** Whether none of the signer's certificates was revoked. A signing authority's time is one to compare with. */
export function judgeRevocation({ attributes, chain }: Envelope, { now, revocation }: TimeContext): Finding {
  const at = attributes.scheme === 'notary.x509.signingAuthority' ? { at: attributes.signingTime } : {};
  const { outcome, ...found } = revocationOf(chain, { answers: revocation, now, ...at });
  const outcomes = { ok: 'ok', revoked: 'failed', unknown: 'unknown' } as const;
  return { ...found, outcome: outcomes[outcome] };
}
