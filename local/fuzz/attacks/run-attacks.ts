import { crashOf } from '../crash.js';
import type { Findings } from '../finding.js';
import { type Cost, confirm, isTooMuch } from '../measure.js';
import type { Seed } from '../seed.js';
import { ATTACKS } from './attacks.js';

/** What an attack came to. */
export interface Attacked extends Cost {
  readonly name: string;
  readonly outcome: string;
}

/** Runs every attack on the costs of a verification; tells of each as it ends. */
export async function runAttacks(
  seeds: readonly Seed[],
  { findings, tell }: { readonly findings: Findings; readonly tell: (attacked: Attacked) => void },
): Promise<readonly Attacked[]> {
  const results: Attacked[] = [];
  for (const { name, prepare } of ATTACKS) {
    const run = prepare(seeds);
    const add = (kind: 'crash' | 'cost', cause: string, detail: string) => {
      findings.add({ kind, cause, detail, told: name, iteration: -1 });
    };
    const attempt = async () => {
      try {
        return await run();
      } catch (error) {
        const crash = crashOf(error);
        if (crash !== undefined) add('crash', crash, error instanceof Error ? (error.stack ?? '') : '');
        return error instanceof Error ? `${error.name} ${error.message.slice(0, 80)}` : 'thrown';
      }
    };
    const outcome = await attempt();
    const cost = await confirm(attempt);
    if (isTooMuch(cost))
      add('cost', name, `${cost.milliseconds.toFixed(0)} ms, ${(cost.growth / 2 ** 20).toFixed(0)} MiB`);
    const attacked = { name, outcome, ...cost };
    results.push(attacked);
    tell(attacked);
  }
  return results;
}
