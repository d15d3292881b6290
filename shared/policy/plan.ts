import type { Tag } from '../artifact/tag.js';
import type { Decision } from './decision.js';
import type { ObservedArtifact, Operation, QuarantineRecord } from './operation.js';
import type { Action } from './policy.js';

/** What the ledger remembers of earlier changes to the digest. */
export interface PlanHistory {
  /** What stood before our first change, while a quarantine of ours is in force or half applied. */
  readonly record?: QuarantineRecord;
  /** A person has released the digest: it stays released. */
  readonly released: boolean;
  /** Tags pushed for this digest that our removal of the same tag from an older digest overtook. */
  readonly overtaken: readonly Tag[];
  /** Operations that the registry has refused; they are not tried again. */
  readonly refused: readonly string[];
}

/** Names an operation in {@link PlanHistory.refused}. */
export function operationName(operation: { readonly kind: Operation['kind']; readonly tag?: Tag | undefined }): string {
  return operation.tag === undefined ? operation.kind : `${operation.kind} ${operation.tag}`;
}

/**
 * The changes that lead from what the registry shows to what the decision wants, in the order in which they are safe:
 * untag, then lock; unlock, then retag. Pure, and empty once everything is as it should be, so it may run at any time.
 */
export function plan(decision: Decision, observed: ObservedArtifact, history: PlanHistory): readonly Operation[] {
  return wanted(decision, observed, history).filter((operation) => !history.refused.includes(operationName(operation)));
}

function wanted(decision: Decision, observed: ObservedArtifact, history: PlanHistory): readonly Operation[] {
  if (decision.verdict === 'pending') return [];
  if (decision.verdict === 'pass' || history.released) return restore(observed, history);
  // A quarantine in force is not softened by a milder rule or by a later change: only a pass or a person lifts it.
  if (decision.action === 'mark') return [];
  return quarantine(decision.action, observed);
}

function quarantine(action: Action, { attributes, tags }: ObservedArtifact): readonly Operation[] {
  const untag = action === 'untag' || action === 'lock-and-untag';
  const lock = action === 'lock' || action === 'lock-and-untag';
  const shut = !attributes.readEnabled && !attributes.deleteEnabled;
  return [
    ...(untag ? tags.map((tag): Operation => ({ kind: 'untag', tag })) : []),
    ...(lock && !shut ? [{ kind: 'lock' } as const] : []),
  ];
}

function restore({ attributes, tags }: ObservedArtifact, history: PlanHistory): readonly Operation[] {
  const { record, overtaken } = history;
  const missing = [...new Set([...(record?.tags ?? []), ...overtaken])].filter((tag) => !tags.includes(tag));
  const open =
    record === undefined ||
    (attributes.readEnabled === record.attributes.readEnabled &&
      attributes.deleteEnabled === record.attributes.deleteEnabled);
  return [
    ...(open ? [] : [{ kind: 'unlock', attributes: record.attributes } as const]),
    ...missing.map((tag): Operation => ({ kind: 'retag', tag })),
  ];
}
