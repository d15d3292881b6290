import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';
import type { Mutation } from './world.js';

const USAGE = 'usage: npm run simulate -- [--pushes N] [--seed S] [--json]\n';

/** Where the command writes, and what a test breaks. */
export interface CommandOptions {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly mutation?: Mutation;
  /** The longest that a failing history is shrunk, in milliseconds. Default: a minute. */
  readonly shrinkMilliseconds?: number;
}

/**
 * Runs the simulation. Resolves with the exit code: 0 where nothing is lost and nothing wrong, 1 where something is, 2 for
 * a wrong call. Its last line is the result. Throws where the simulation itself breaks down.
 */
export async function runCommand(args: readonly string[], options: CommandOptions): Promise<number> {
  const { stdout, stderr, ...how } = options;
  const asked = readArguments(args);
  if (asked === undefined) {
    stderr(USAGE);
    return 2;
  }
  const { pushes, seed, json } = asked;
  const say = (line: string): void => {
    if (!json) stdout(`${line}\n`);
  };
  const begun = performance.now();
  const summary = await simulate({ pushes, seed, ...how });
  const { failure, duplicates, lost, wrong } = summary;
  const seconds = (performance.now() - begun) / 1000;
  say(
    `${summary.worlds} worlds, ${summary.pushes} pushes, ${summary.manifests} manifests, ${summary.effects} effects, ` +
      `${summary.faults} faults in ${seconds.toFixed(1)} s`,
  );
  for (const { subject, because } of duplicates) say(`sent twice: ${subject}, for ${because}`);
  if (failure !== undefined) stderr(`${JSON.stringify(failure, undefined, 2)}\n`);
  const result = { pushes: summary.pushes, lost, wrong, duplicateAlerts: duplicates.length, seed };
  stdout(`${JSON.stringify(result)}\n`);
  return lost + wrong === 0 ? 0 : 1;
}

function readArguments(args: readonly string[]) {
  let values: { readonly pushes?: string; readonly seed?: string; readonly json?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { pushes: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean' } },
    }));
  } catch {
    return undefined;
  }
  const pushes = Number(values.pushes ?? 1000);
  const seed = Number(values.seed ?? 1);
  const isValid = Number.isInteger(pushes) && pushes >= 1 && Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff;
  return isValid ? { pushes, seed, json: values.json === true } : undefined;
}
