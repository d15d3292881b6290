import type { FixtureCase } from './case.js';
import type { OfficialAnswer } from './official.js';
import type { OurAnswer } from './ours.js';
import { reasonFor } from './stricter.js';

/** What two answers to one question come to. */
export interface Finding {
  readonly fixture: string;
  /** The mutation, or nothing. */
  readonly mutation: string;
  readonly outcome: 'agree' | 'stricter' | 'documented' | 'DISAGREE' | 'BREACH' | 'unasked';
  readonly ours: OurAnswer;
  readonly official: OfficialAnswer;
  /** Why they may differ. */
  readonly reason?: string;
}

/**
 * Compares two answers. Anything that we let pass and the tool does not is a breach, unless the case says why it has to be;
 * anything that we refuse and the tool does not has to be in the list of what we are stricter about.
 */
export function compare(
  { name, tool, expected, official: recorded, why }: FixtureCase,
  mutation: string,
  { ours, official }: { readonly ours: OurAnswer; readonly official: OfficialAnswer },
): Finding {
  const finding = (outcome: Finding['outcome'], reason?: string): Finding => ({
    fixture: name,
    mutation,
    outcome,
    ours,
    official,
    ...(reason !== undefined && { reason }),
  });
  if (mutation === '' && official.verdict !== recorded) {
    return finding('DISAGREE', `the tool said ${recorded} when it was made`);
  }
  if (ours.verdict === 'unasked') return finding('unasked');
  if (mutation === '') {
    if (ours.verdict !== expected) {
      return ours.verdict === 'pass'
        ? finding('BREACH', `${expected} is expected`)
        : finding('DISAGREE', `${expected} is expected`);
    }
    return official.verdict === ours.verdict ? finding('agree') : finding('documented', why ?? 'as expected');
  }
  if (ours.verdict === 'pass') {
    if (official.verdict === 'pass') return finding('agree');
    return finding('BREACH');
  }
  if (official.verdict === 'fail') return finding('agree');
  const reason = reasonFor(tool, mutation);
  return reason === undefined ? finding('DISAGREE') : finding('stricter', reason);
}
