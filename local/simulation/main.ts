import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const USAGE = 'usage: npm run simulate -- [--pushes N] [--seed S] [--json]\n';

/** Runs the simulation. Resolves with the exit code: 0 where nothing is lost and nothing wrong. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { pushes: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean' } },
  });
  const pushes = Number(values.pushes ?? 1000);
  const seed = Number(values.seed ?? 1);
  if (!Number.isInteger(pushes) || pushes < 1 || !Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) {
    process.stderr.write(USAGE);
    return 2;
  }
  const say = (line: string): void => {
    if (values.json !== true) process.stdout.write(`${line}\n`);
  };
  const begun = performance.now();
  const summary = await simulate({ pushes, seed });
  const { failure, duplicates, lost, wrong } = summary;
  const seconds = (performance.now() - begun) / 1000;
  say(
    `${summary.worlds} worlds, ${summary.pushes} pushes, ${summary.manifests} manifests, ${summary.effects} effects, ` +
      `${summary.faults} faults in ${seconds.toFixed(1)} s`,
  );
  for (const { subject, because } of duplicates) say(`sent twice: ${subject}, for ${because}`);
  if (failure !== undefined) {
    process.stderr.write(`${JSON.stringify(failure, undefined, 2)}\n`);
  }
  const result = { pushes: summary.pushes, lost, wrong, duplicateAlerts: duplicates.length, seed };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  return lost + wrong === 0 ? 0 : 1;
}

process.exitCode = await main();
