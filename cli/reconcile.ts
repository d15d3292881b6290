import { type Reconciled, added } from '../shared/pipeline/reconcile.js';
import { type Client, connectTo } from './client.js';

/** What `reconcile` is asked. */
export interface ReconcileOptions {
  /** `host[:port]` of a registry, whose environment is asked. */
  readonly registry: string | undefined;
  readonly endpoint: string | undefined;
  /** Whole repositories, whenever they were last looked at. */
  readonly all: boolean;
  readonly json: boolean;
}

/** One answer covers as many calls of the registry as twenty seconds have; so many answers are enough for anything. */
const MAX_ROUNDS = 1000;

/** Compares registries and ledger now; returns the exit code: 1 where some repository could not be looked at. */
export async function reconcileNow(options: ReconcileOptions, print: (text: string) => void): Promise<number> {
  const client = await connectTo(options.registry, options.endpoint);
  const all = String(options.all);
  let done = await ask(client, { all });
  for (let rounds = 1; !done.complete && done.failed === 0 && rounds < MAX_ROUNDS; rounds++) {
    if (!options.json) print(`${done.walked} of ${done.repositories} repositories so far, ${done.calls} calls`);
    const next = await ask(client, { all, since: done.startedAt });
    const { swept, walked, calls, repairs } = added(done, next);
    // Each answer counts all repositories.
    done = { ...next, swept, walked, calls, repairs };
  }
  print(options.json ? JSON.stringify(done) : describe(done));
  return done.failed === 0 ? 0 : 1;
}

async function ask(client: Client, query: Readonly<Record<string, string>>): Promise<Reconciled> {
  return (await client.post(`reconcileNow?${new URLSearchParams(query).toString()}`, {})) as Reconciled;
}

function describe({ repositories, swept, walked, repairs, failed, calls, complete }: Reconciled): string {
  const asked = Object.entries(repairs).filter(([, count]) => count > 0);
  return [
    `${repositories} repositories: ${walked} looked at as a whole, ${swept} for what is new; ${calls} calls`,
    `asked for: ${asked.length === 0 ? 'nothing' : asked.map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
    ...(failed === 0 ? [] : [`${failed} could not be looked at`]),
    ...(complete ? [] : ['not all of it yet; the timer goes on']),
  ].join('\n');
}
