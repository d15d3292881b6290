import type { Reconciled } from '../shared/pipeline/reconcile.js';
import { connectTo } from './client.js';

/** What `reconcile` is asked. */
export interface ReconcileOptions {
  /** `host[:port]` of a registry, whose environment is asked. */
  readonly registry: string | undefined;
  readonly endpoint: string | undefined;
  readonly all: boolean;
  readonly json: boolean;
}

/** Compares registries and ledger now; returns the exit code: 1 where some repository could not be looked at. */
export async function reconcileNow(options: ReconcileOptions, print: (text: string) => void): Promise<number> {
  const client = await connectTo(options.registry, options.endpoint);
  const done = (await client.post(`reconcileNow?all=${String(options.all)}`, {})) as Reconciled;
  print(options.json ? JSON.stringify(done) : describe(done));
  return done.failed === 0 ? 0 : 1;
}

function describe({ repositories, swept, walked, repairs, failed, calls, complete }: Reconciled): string {
  const asked = Object.entries(repairs).filter(([, count]) => count > 0);
  return [
    `${repositories} repositories: ${walked} looked at as a whole, ${swept} for what is new; ${calls} calls`,
    `asked for: ${asked.length === 0 ? 'nothing' : asked.map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
    ...(failed === 0 ? [] : [`${failed} could not be looked at`]),
    ...(complete ? [] : ['the budget of calls is spent; the next run goes on']),
  ].join('\n');
}
