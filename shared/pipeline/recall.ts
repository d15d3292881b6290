import { isAppError } from '../error/app-error.js';
import type { BlobRef } from '../message/queue-message.js';
import type { SignatureEvidence } from '../policy/evidence.js';
import { matchRule } from '../policy/match.js';
import type { Policy } from '../policy/policy.js';
import type { SignatureEvidence as Envelopes } from '../signature/candidate.js';
import { readEvidence } from '../signature/stored-evidence.js';
import type { TrustMaterial } from '../signature/material.js';
import { verifySignatures } from '../signature/verify-signatures.js';
import { soughtFor } from './collect-signatures.js';
import type { LedgerEntry } from './entry.js';
import { signatureEvidence } from './gather.js';
import { requirementOf, wantedBy } from './requirement.js';

/** A policy with everything that it trusts: all that a verdict needs besides evidence. */
export interface Side {
  readonly policy: Policy;
  readonly material: TrustMaterial;
}

/** What {@link recallSignature} needs. */
export interface RecallDeps {
  readonly reports: { get: (ref: BlobRef, maxBytes: number) => Promise<Uint8Array> };
}

/** What the stored signatures of a digest come to under a policy. */
export interface Recalled {
  readonly signature: SignatureEvidence;
  /** What would count has not been looked for yet, so nobody can tell before the registry is asked. */
  readonly unverified: boolean;
}

/** The most bytes of stored evidence that are judged anew: what a verification collects, and asks authorities, in base64. */
const MAX_EVIDENCE_BYTES = 36 * 1024 * 1024;

/** Whether the policy asks for a signature of this digest. */
export function asksForSignature({ key }: Pick<LedgerEntry, 'key'>, { policy }: Pick<Side, 'policy'>): boolean {
  return matchRule(policy, key).rule.signature !== undefined;
}

/**
 * What the signatures of one digest come to under each of `sides`, by the envelopes that the last verification has stored:
 * no registry is asked. Evidence that is lost or cannot be read is inconclusive. Throws what the store throws while it is
 * away.
 */
export async function recallSignature(
  entry: LedgerEntry,
  sides: readonly Side[],
  deps: RecallDeps,
): Promise<ReadonlyMap<Side, Recalled>> {
  let envelopes: Promise<Stored> | undefined;
  const recalled = new Map<Side, Recalled>();
  for (const side of sides) {
    recalled.set(side, await recallOne(entry, side, () => (envelopes ??= readEnvelopes(entry, deps))));
  }
  return recalled;
}

type Stored =
  | { readonly found: true; readonly envelopes: Envelopes }
  | { readonly found: false; readonly code: string; readonly message: string };

async function recallOne(entry: LedgerEntry, side: Side, read: () => Promise<Stored>): Promise<Recalled> {
  const { signature } = entry;
  const asItStands = { signature: signatureEvidence(entry), unverified: false };
  const rule = matchRule(side.policy, entry.key).rule.signature;
  if (signature.state !== 'done' || rule === undefined) return asItStands;
  if (signature.outcome === 'not-required') return { ...asItStands, unverified: true };
  // Judged under this policy already; or it could not be judged, and no other key makes that better.
  if (signature.policy === side.policy.digest) return asItStands;
  if (signature.evidence === undefined && signature.outcome === 'inconclusive') return asItStands;
  const stored = await read();
  if (!stored.found) {
    const { code, message } = stored;
    return { signature: { state: 'done', outcome: 'inconclusive', code, message }, unverified: false };
  }
  const { outcome, code, message } = verifySignatures(
    stored.envelopes,
    requirementOf(rule, entry.key, side.material),
    new Date(signature.at),
  );
  const sought = new Set(stored.envelopes.sought ?? soughtFor(entry.key, {}));
  const isComplete = soughtFor(entry.key, wantedBy(rule)).every((each) => sought.has(each));
  return { signature: { state: 'done', outcome, code, message }, unverified: outcome !== 'verified' && !isComplete };
}

async function readEnvelopes({ key, signature }: LedgerEntry, { reports }: RecallDeps): Promise<Stored> {
  if (signature.state !== 'done' || signature.evidence === undefined) {
    return { found: false, code: 'EVIDENCE_MISSING', message: 'No signatures are stored.' };
  }
  try {
    const bytes = await reports.get(signature.evidence, MAX_EVIDENCE_BYTES);
    return { found: true, envelopes: readEvidence(bytes, key.digest) };
  } catch (error) {
    if (isAppError(error, 'BLOB_MISSING')) {
      return { found: false, code: 'EVIDENCE_MISSING', message: 'The stored signatures are gone.' };
    }
    const unreadable = ['BLOB_MISMATCH', 'BLOB_TOO_LARGE', 'EVIDENCE_MALFORMED'];
    if (!unreadable.some((code) => isAppError(error, code))) throw error;
    return { found: false, code: 'EVIDENCE_MALFORMED', message: 'The stored signatures cannot be read.' };
  }
}
