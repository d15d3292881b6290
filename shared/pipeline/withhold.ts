import type { Decision } from '../policy/decision.js';
import type { AppliedOperation, Operation } from '../policy/operation.js';
import { operationName } from '../policy/plan.js';
import type { Enforcement } from './entry.js';
import { isSameJson } from './same.js';

/** Writes down what would be done, and why it is not; the same enforcement as before where nothing has changed. Pure. */
export function withhold(
  before: Enforcement,
  {
    decision: { action },
    withheld,
    operations,
    at,
  }: {
    readonly decision: Decision;
    readonly withheld: Enforcement['withheld'];
    readonly operations: readonly Operation[];
    readonly at: string;
  },
): Enforcement {
  const { state } = before;
  if (withheld === undefined || action === 'mark') {
    return state === 'withheld' ? { state: 'none', operations: [] } : before;
  }
  const asBefore = state === 'withheld' && before.action === action ? before.operations : [];
  const known = new Map(asBefore.map((operation) => [operationName(operation), operation]));
  const wanted = operations.map((operation): AppliedOperation => {
    const tag = 'tag' in operation ? { tag: operation.tag } : {};
    return known.get(operationName(operation)) ?? { kind: operation.kind, ...tag, outcome: 'withheld', at };
  });
  const after: Enforcement = {
    state: 'withheld',
    action,
    at: state === 'withheld' ? (before.at ?? at) : at,
    withheld,
    operations: wanted,
  };
  return isSameJson(after, before) ? before : after;
}
