import type { ArtifactKey } from '../artifact/reference.js';
import type { AppError } from '../error/app-error.js';
import type { Policy } from '../policy/policy.js';
import type { LedgerEntry } from './entry.js';
import type { Clock } from './effects.js';

/** What {@link giveUpDecide} needs. */
export interface GiveUpDeps {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly ledger: {
    update: (key: ArtifactKey, change: (entry: LedgerEntry) => LedgerEntry | undefined) => Promise<unknown>;
  };
}

/** Ends a decision that cannot be made: inconclusive, with the fault's code. What stands in the registry stays. */
export async function giveUpDecide(key: ArtifactKey, error: AppError, deps: GiveUpDeps): Promise<void> {
  const at = deps.clock().toISOString();
  await deps.ledger.update(key, (entry) => {
    // An earlier verdict is not lost because a later decision failed.
    if (entry.decision !== undefined && entry.decision.verdict !== 'pending') return undefined;
    const reasons = [{ code: error.code, message: error.message.slice(0, 500) }];
    const { digest: policy } = deps.policy;
    return {
      ...entry,
      decision: {
        verdict: 'inconclusive',
        reasons,
        action: 'mark',
        because: 'push',
        policy,
        rule: 0,
        crossing: [],
        gaveUp: true,
      },
      decidedAt: at,
      settledAt: at,
    };
  });
}
