import type { SignatureCandidate } from '../candidate.js';
import type { VerifyContext } from '../requirement.js';
import { type Judged, judgedBy, refused, undecided } from '../result.js';
import type { RevocationRequest } from '../revocation.js';
import { checkSigningChain } from '../x509/chain.js';
import { formatName } from '../x509/name.js';
import { judgeAuthenticity } from './authenticity.js';
import { type Envelope, readEnvelope } from './envelope.js';
import { type Finding, findingOf, ok, toCheck, unknown } from './finding.js';
import { checkSignature } from './integrity.js';
import { openManifest } from './manifest.js';
import { checkPayload, isSubject } from './payload.js';
import { judgeExpiry, judgeRevocation, judgeTimestamp } from './times.js';
import { type NotationTrust, statementOf } from './trust.js';
import type { TrustStatement } from './trust-policy.js';

const MAX_SIGNER = 200;

/**
 * Verifies one Notation signature of the subject: Notary Project, trust policy specification, "Signature Verification". Pure.
 *
 * Integrity, with everything that the specification wants of envelope, attributes and chain, and the subject always have to
 * hold; the other checks as the statement for the repository has it. Without a statement it is refused (`NOTATION_NO_POLICY`).
 * With level `skip` nothing is looked at and nothing passes (`NOTATION_SKIPPED`): see `levelOf`.
 */
export function verifyNotation(candidate: SignatureCandidate, context: VerifyContext, trust: NotationTrust): Judged {
  const statement = statementOf(trust);
  if (statement === undefined) {
    return refused('NOTATION_NO_POLICY', 'The trust policy has nothing for this repository.', 'authenticity');
  }
  if (statement.level === 'skip') {
    return undecided('NOTATION_SKIPPED', 'The trust policy skips this repository.', 'authenticity');
  }
  try {
    const { subject, ...carried } = openManifest(candidate);
    if (subject === undefined || !isSubject(subject, context.subject)) {
      return refused('SIGNATURE_OTHER_DIGEST', 'It refers to another artifact.', 'subject');
    }
    const envelope = readEnvelope(carried.mediaType, carried.bytes);
    checkSignature(envelope);
    checkSigningChain(envelope.chain);
    return judge(envelope, statement, { ...context, stores: trust.stores });
  } catch (error) {
    return judgedBy([toCheck('integrity', 'enforced', findingOf(error))]);
  }
}

type JudgeContext = VerifyContext & Pick<NotationTrust, 'stores'>;

/** The checks of an envelope whose signature holds, in the order of the specification; the first that fails decides. */
function judge(envelope: Envelope, statement: TrustStatement, context: JudgeContext): Judged {
  const times = { ...context, statement };
  // Signature specification, "Guidelines": who cannot do what a plugin would do does not pass the signature.
  const integrity = envelope.attributes.plugin
    ? unknown('NOTATION_PLUGIN', 'It wants to be verified by a plugin; there are none here.')
    : ok('The signature holds.');
  const authenticity = judgeAuthenticity(envelope, statement, context);
  const timestamp = judgeTimestamp(envelope, times);
  const { actions } = statement;
  const revocation = actions.revocation === 'skipped' ? ok('Nobody was asked.') : judgeRevocation(envelope, times);
  const subject = judgeSubject(envelope, context);
  const checks = [
    toCheck('integrity', 'enforced', integrity),
    toCheck('authenticity', actions.authenticity, authenticity),
    toCheck('expiry', actions.expiry, judgeExpiry(envelope, context.now)),
    toCheck('authenticTimestamp', actions.authenticTimestamp, timestamp),
    toCheck('revocation', actions.revocation, revocation),
    toCheck('subject', 'enforced', subject),
  ];
  const isTrusted = [integrity, authenticity].every(({ outcome }) => outcome === 'ok');
  const hasFailed = checks.some(({ action, outcome }) => action === 'enforced' && outcome === 'failed');
  // Addresses in certificates are followed only for somebody who is trusted and has signed this, even where the policy only
  // tells that he is not: a stranger's signature never makes us call anybody. Another subject has failed, for it is enforced.
  const needs = isTrusted && !hasFailed ? unique([...timestamp.needs, ...revocation.needs]) : [];
  const leaf = envelope.chain[0];
  const isKnown = authenticity.outcome === 'ok' && leaf !== undefined;
  return judgedBy(checks, { needs, ...(isKnown && { signer: formatName(leaf.subject).slice(0, MAX_SIGNER) }) });
}

function judgeSubject({ payload }: Envelope, { subject }: JudgeContext): Finding {
  try {
    checkPayload(payload, subject);
    return ok('It was made for this artifact.');
  } catch (error) {
    return findingOf(error);
  }
}

function unique(requests: readonly RevocationRequest[]): readonly RevocationRequest[] {
  return [...new Map(requests.map((request) => [request.id, request])).values()];
}
