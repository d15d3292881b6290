import type { Rebuilt } from '../shared/pipeline/rebuild.js';
import { clean } from './clean.js';
import { type Client, connectTo, patiently } from './client.js';
import { UsageError } from './usage.js';

/** What `rebuild-ledger` is asked. */
export interface RebuildOptions {
  /** `host[:port]` of a registry, whose environment is asked. */
  readonly registry: string | undefined;
  readonly endpoint: string | undefined;
  readonly reason: string | undefined;
  /** Give the records up, rather than rebuild from them. */
  readonly discard: boolean;
  readonly json: boolean;
}

/** Where the command tells what it does: the result, and how far it has come. */
export interface RebuildOutput {
  readonly print: (text: string) => void;
  readonly progress: (text: string) => void;
}

/** Tries of one part while the deployment is not to be reached, and the pause between them, in milliseconds. */
const MAX_TRIES = 5;
const PAUSE_MILLISECONDS = 3000;

/** Rebuilds a ledger that was lost; returns the exit code: 1 where something could not be read. */
export async function rebuildLedger(options: RebuildOptions, { print, progress }: RebuildOutput): Promise<number> {
  const { reason, discard, json } = options;
  if (discard && (reason === undefined || reason.trim() === '')) throw new UsageError('--discard needs --reason TEXT');
  const client = await connectTo(options.registry, options.endpoint);
  if (discard) {
    const answer = (await client.post('rebuildLedger', { discard, reason })) as { readonly by: string };
    print(
      json ? JSON.stringify(answer) : clean(`the records are given up, by ${answer.by}; the next sweep begins anew`),
    );
    return 0;
  }
  const began = Date.now();
  let total = await ask(client, { ...(reason !== undefined && { reason }) });
  while (total.next !== undefined) {
    const digests = digestsOf(total);
    const rate = digests / Math.max((Date.now() - began) / 1000, 0.001);
    progress(`${digests} digests so far, ${rate.toFixed(1)} a second`);
    total = together(total, await ask(client, { after: total.next }));
  }
  print(json ? JSON.stringify(total) : describe(total));
  return total.unreadable === 0 ? 0 : 1;
}

/** Whatever was done before an answer got lost is found done. */
async function ask(client: Client, body: object): Promise<Rebuilt> {
  const pauseOf = () => PAUSE_MILLISECONDS;
  return (await patiently(() => client.post('rebuildLedger', body), { tries: MAX_TRIES, pauseOf })) as Rebuilt;
}

function digestsOf({ restored, kept, gone, elsewhere }: Rebuilt): number {
  return restored + kept + gone + elsewhere;
}

function together(a: Rebuilt, b: Rebuilt): Rebuilt {
  return {
    restored: a.restored + b.restored,
    kept: a.kept + b.kept,
    gone: a.gone + b.gone,
    elsewhere: a.elsewhere + b.elsewhere,
    unreadable: a.unreadable + b.unreadable,
    tags: a.tags + b.tags,
    problems: [...a.problems, ...b.problems],
    ...(b.next !== undefined && { next: b.next }),
  };
}

function describe({ restored, kept, gone, elsewhere, unreadable, tags, problems }: Rebuilt): string {
  return [
    `restored    ${restored} digests, and ${tags} tags that quarantine had removed`,
    `kept        ${kept} that the ledger knew`,
    `gone        ${gone} that no registry holds any more`,
    ...(elsewhere === 0 ? [] : [`elsewhere   ${elsewhere} in registries that are not configured`]),
    `unreadable  ${unreadable}`,
    ...problems.map((name) => clean(`  ${name}`)),
  ].join('\n');
}
