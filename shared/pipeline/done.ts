import type { AppliedOperation, ObservedArtifact } from '../policy/operation.js';
import { operationName } from '../policy/plan.js';
import type { Enforcement } from './entry.js';

/** What has been undone, from the record rather than from memory: an earlier run may have died after its changes. */
export function undone(
  { record, action }: Enforcement,
  applied: readonly AppliedOperation[],
  at: string,
): AppliedOperation[] {
  if (record === undefined) return [...applied];
  const known = new Map(applied.map((operation) => [operationName(operation), operation]));
  const wanted: AppliedOperation[] = [
    ...(action === 'untag' ? [] : [{ kind: 'unlock', outcome: 'done', at } as const]),
    ...(action === 'lock'
      ? []
      : record.tags.map((tag): AppliedOperation => ({ kind: 'retag', tag, outcome: 'done', at }))),
  ];
  return wanted.map((operation) => known.get(operationName(operation)) ?? operation);
}

/** What stands done, from the record rather than from memory: an earlier run may have died after its changes. */
export function summarise(
  enforcement: Enforcement,
  applied: readonly AppliedOperation[],
  at: string,
): AppliedOperation[] {
  const known = new Map(
    [...enforcement.operations, ...applied].map((operation) => [operationName(operation), operation]),
  );
  const untags = enforcement.action === 'untag' || enforcement.action === 'lock-and-untag';
  const wanted: AppliedOperation[] = [
    ...(untags
      ? (enforcement.record?.tags ?? []).map((tag): AppliedOperation => ({ kind: 'untag', tag, outcome: 'done', at }))
      : []),
    ...(enforcement.action === 'untag' ? [] : [{ kind: 'lock', outcome: 'done', at } as const]),
  ];
  for (const operation of wanted) {
    if (!known.has(operationName(operation))) known.set(operationName(operation), operation);
  }
  return [...known.values()];
}

/** Enforcement was switched off while changes were being made: what stands by then is what was done. */
export function halfWay(enforcement: Enforcement, { attributes, tags }: ObservedArtifact, at: string): Enforcement {
  if (enforcement.state !== 'applying') return enforcement;
  const done = summarise(enforcement, [], at).filter(({ kind, tag }) =>
    kind === 'untag' ? tag !== undefined && !tags.includes(tag) : !attributes.readEnabled,
  );
  return { ...enforcement, state: 'quarantined', operations: done };
}

/** What the registry has refused is tried again once a person asks for it. Pure. */
export function withoutRefusals(enforcement: Enforcement): Enforcement {
  const operations = enforcement.operations.filter(({ outcome }) => outcome !== 'refused');
  return operations.length === enforcement.operations.length ? enforcement : { ...enforcement, operations };
}
