import type { ArtifactKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { type BlobRef, MESSAGE_VERSION, type VerifyRequest } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import { matchRule } from '../policy/match.js';
import type { Policy, SignatureRule } from '../policy/policy.js';
import type { SignatureEvidence } from '../signature/candidate.js';
import type { SignatureResult } from '../signature/result.js';
import { writeEvidence } from '../signature/stored-evidence.js';
import type { TrustMaterial } from '../signature/material.js';
import { type CollectDeps, collectSignatures } from './collect-signatures.js';
import type { LedgerEntry } from './entry.js';
import type { Clock, Send } from './effects.js';
import { type AskAuthorities, judgeSignatures } from './judge-signatures.js';
import { requirementOf, wantedBy } from './requirement.js';

/** What {@link verify} needs. */
export interface VerifyDeps extends VerifyNowDeps {
  readonly clock: Clock;
  readonly send: Send;
  readonly policy: Policy;
  readonly reports: { put: (bytes: Uint8Array, contentType: string) => Promise<BlobRef> };
  readonly ledger: {
    read: (key: ArtifactKey) => Promise<{ readonly entry: LedgerEntry; readonly version: string } | undefined>;
    update: (
      key: ArtifactKey,
      change: (entry: LedgerEntry) => LedgerEntry | undefined,
      known?: { readonly entry: LedgerEntry; readonly version: string },
    ) => Promise<LedgerEntry | undefined>;
  };
}

/**
 * Whether a signature was judged under another policy than the one in force, which may trust other keys. Where no
 * signature is asked for it does not matter.
 */
export function isOutdated({ key, signature }: LedgerEntry, policy: Policy): boolean {
  if (signature.state !== 'done' || matchRule(policy, key).rule.signature === undefined) return false;
  return signature.policy !== policy.digest;
}

type SignatureState = Extract<LedgerEntry['signature'], { state: 'done' }>;

/**
 * Verifies the signatures of one digest, keeps the envelopes, and asks for a decision. Nothing here pulls the digest
 * itself, so it works while the digest is locked.
 */
export async function verify({ key, again }: VerifyRequest, deps: VerifyDeps): Promise<void> {
  const found = await deps.ledger.read(key);
  if (found === undefined)
    throw new AppError('UNKNOWN_ARTIFACT', 'the ledger does not know this digest', { retryable: true });
  const { entry } = found;
  const { rule } = matchRule(deps.policy, key);
  if (entry.signature.state === 'done' && !again && !isOutdated(entry, deps.policy)) {
    // A duplicate; but the first one may have died before it asked for the decision.
    await askForDecisions(entry, deps);
    return;
  }
  const at = deps.clock().toISOString();
  const signature: SignatureState =
    rule.signature === undefined
      ? notRequired(deps.policy, at)
      : await verifyAndStore(entry, rule.signature, { at, deps });
  // A slow look that began before another one has seen less: what it missed may have arrived since.
  const updated = await deps.ledger.update(
    key,
    (current) =>
      current.signature.state === 'done' && new Date(current.signature.at) > new Date(at)
        ? undefined
        : { ...current, signature },
    found,
  );
  await askForDecisions(updated ?? entry, deps);
}

/** What a verification comes to where the policy asks for no signature. */
export function notRequired({ digest: policy }: Pick<Policy, 'digest'>, at: string): SignatureState {
  const said = { code: 'SIGNATURE_NOT_REQUIRED', message: 'The policy asks for none.' };
  return { state: 'done', at, outcome: 'not-required', ...said, policy };
}

/** What {@link verifyNow} needs. */
export interface VerifyNowDeps extends CollectDeps {
  /** What the policy trusts. */
  readonly material: TrustMaterial;
  readonly askAuthorities: AskAuthorities;
}

/** Collects the signatures of one digest and judges them by one rule. Changes nothing. */
export async function verifyNow(
  { key, mediaType, size }: Pick<LedgerEntry, 'key' | 'mediaType' | 'size'>,
  rule: SignatureRule,
  { now, deps }: { readonly now: Date; readonly deps: VerifyNowDeps },
): Promise<{ readonly evidence: SignatureEvidence; readonly result: SignatureResult }> {
  const requirement = requirementOf(rule, key, deps.material);
  const subject = { digest: key.digest, mediaType, size };
  const collected = await collectSignatures(key, { subject, ...wantedBy(rule) }, deps);
  return judgeSignatures(collected, requirement, { now, askAuthorities: deps.askAuthorities });
}

/** How many signatures an entry tells of, and how much of each. */
const MAX_TOLD = 10;
const MAX_TOLD_LENGTH = 300;

async function verifyAndStore(
  entry: LedgerEntry,
  rule: SignatureRule,
  { at, deps }: { readonly at: string; readonly deps: VerifyDeps },
): Promise<SignatureState> {
  const { evidence, result } = await verifyNow(entry, rule, { now: new Date(at), deps });
  const stored = await deps.reports.put(writeEvidence(evidence, result), 'application/json');
  const { outcome, code, message } = result;
  const signatures = result.signatures.slice(0, MAX_TOLD).map(({ manifestDigest: digest, signer, ...judged }) => ({
    ...{ kind: judged.kind, digest, outcome: judged.outcome, code: judged.code },
    message: judged.message.slice(0, MAX_TOLD_LENGTH),
    ...(signer !== undefined && { signer: signer.slice(0, MAX_TOLD_LENGTH) }),
  }));
  const policy = deps.policy.digest;
  return { state: 'done', at, outcome, code, message: message.slice(0, 1000), signatures, policy, evidence: stored };
}

/**
 * A signed index speaks for its platforms, so they are decided again with it. While the scan is out, its end asks for
 * the decision: the ledger's ETag sees to it that one of the two finds the other one done.
 */
async function askForDecisions(entry: LedgerEntry, deps: Pick<VerifyDeps, 'clock' | 'send'>): Promise<void> {
  const since = deps.clock().toISOString();
  const own = entry.scan.state === 'open' ? [] : [entry.key];
  const keys = [...own, ...entry.children.map(({ digest }) => ({ ...entry.key, digest }))];
  await Promise.all(keys.map((key) => deps.send(QUEUES.decide, { v: MESSAGE_VERSION, key, attempt: 0, since })));
}

/** Ends a verification that cannot be done: inconclusive, with the fault's code, and a decision. */
export async function giveUpVerify(
  { key }: VerifyRequest,
  error: AppError,
  deps: Pick<VerifyDeps, 'clock' | 'send' | 'ledger' | 'policy'>,
): Promise<void> {
  const at = deps.clock().toISOString();
  const message = error.message.slice(0, 1000);
  const { digest: policy } = deps.policy;
  const updated = await deps.ledger.update(key, (entry) =>
    // A signature that was verified before is not lost because a later look failed.
    entry.signature.state === 'done' && entry.signature.outcome === 'verified' && !isOutdated(entry, deps.policy)
      ? undefined
      : { ...entry, signature: { state: 'done', at, outcome: 'inconclusive', code: error.code, message, policy } },
  );
  if (updated !== undefined) await askForDecisions(updated, deps);
}
