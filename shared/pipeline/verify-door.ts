import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { ROLES, requireRole } from '../message/principal.js';
import { matchRule } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import { type DoorDeps, type DoorRequest, type DoorResponse, answer, resolveKnown } from './http-doors.js';
import { type VerifyReport, toVerifyReport } from './verify-report.js';
import { type VerifyNowDeps, verifyNow } from './verify.js';

/** What {@link verifyNowDoor} needs. */
export interface VerifyDoorDeps extends DoorDeps, Omit<VerifyNowDeps, 'registry'> {
  readonly policy: Policy;
  readonly registry: DoorDeps['registry'] & VerifyNowDeps['registry'];
}

/**
 * `GET verifyNow?reference=…`: verifies the signatures of one artifact now, by the deployed policy, and tells every check.
 * Nothing is changed: the verification that counts is the line's own.
 */
export function verifyNowDoor(request: DoorRequest, deps: VerifyDoorDeps): Promise<DoorResponse> {
  return answer(deps, async () => {
    requireRole(request.headers, ROLES.read, deps.signIn);
    const { key } = await resolveKnown((request.query.get('reference') ?? '').slice(0, 1000), deps);
    const found = await deps.ledger.read(key);
    if (found === undefined) throw new AppError('UNKNOWN_ARTIFACT', 'the ledger does not know this digest');
    const { signature } = matchRule(deps.policy, key).rule;
    if (signature === undefined) return { status: 200, body: notAsked(key) };
    const { result } = await verifyNow(found.entry, signature, { now: deps.clock(), deps });
    return { status: 200, body: toVerifyReport(key.digest, result, key) };
  });
}

function notAsked(key: ArtifactKey): VerifyReport {
  const message = 'The policy asks for no signature.';
  return toVerifyReport(
    key.digest,
    { outcome: 'verified', code: 'SIGNATURE_SKIPPED', message, parts: [], signatures: [] },
    key,
  );
}
