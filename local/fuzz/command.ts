import { parseArgs } from 'node:util';
import { type Attacked, runAttacks } from './attacks/run-attacks.js';
import { createFindings } from './finding.js';
import { type Summary, fuzz } from './fuzz.js';
import { loadSeeds } from './load-seeds.js';
import { ourVerifier } from './verifier.js';

const USAGE = 'usage: npm run fuzz -- [--seconds N | --iterations N] [--seed S] [--from I] [--json]\n';
const PROGRESS_MILLISECONDS = 10_000;

/** Where the command writes. */
export interface CommandOptions {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** The repository's root, below which the fixtures are. */
  readonly root: string;
}

interface Asked {
  readonly seconds: number;
  readonly iterations: number;
  readonly seed: number;
  readonly from: number;
  readonly json: boolean;
}

/**
 * Fuzzes the verifier of signatures. Resolves with the exit code: 0 where nothing was found, 1 where something was, 4 for a
 * wrong call. Its last line is the result. Throws where the fuzzer itself breaks down.
 */
export async function runCommand(args: readonly string[], { stdout, stderr, root }: CommandOptions): Promise<number> {
  const asked = readArguments(args);
  if (asked === undefined) {
    stderr(USAGE);
    return 4;
  }
  const { seconds, iterations, seed, from, json } = asked;
  const say = (line: string): void => {
    if (!json) stdout(`${line}\n`);
  };
  const seeds = await loadSeeds(root);
  const findings = createFindings();
  const begun = performance.now();
  // A replay is of one mutation.
  const tell = ({ name, outcome, milliseconds, growth }: Attacked) =>
    say(
      `${milliseconds.toFixed(0).padStart(6)} ms ${(growth / 2 ** 20).toFixed(1).padStart(6)} MiB  ${name}: ${outcome}`,
    );
  const attacks = from === 0 ? await runAttacks(seeds, { findings, tell }) : [];
  let next = begun + PROGRESS_MILLISECONDS;
  const summary = await fuzz({
    ...{ seeds, verify: ourVerifier, seed, from, findings },
    goesOn: (done) => {
      const now = performance.now();
      if (now >= next) {
        stderr(`${((now - begun) / 1000).toFixed(0)} s: ${done} iterations, ${findings.all().length} findings\n`);
        next = now + PROGRESS_MILLISECONDS;
      }
      return done < iterations && now - begun < seconds * 1000;
    },
  });
  report(summary, { seed, seconds: (performance.now() - begun) / 1000, say });
  const { outcomes, slowest, free } = summary;
  const result = {
    ...{ seed, from, iterations: summary.iterations, outcomes, free: Object.fromEntries(free) },
    ...{ slowest, attacks, findings: summary.findings },
  };
  if (json) stdout(`${JSON.stringify(result)}\n`);
  return summary.findings.length === 0 ? 0 : 1;
}

function report(
  { iterations, outcomes, free, slowest, findings }: Summary,
  { seed, seconds, say }: { readonly seed: number; readonly seconds: number; readonly say: (line: string) => void },
): void {
  say(
    `${iterations} iterations in ${seconds.toFixed(1)} s with seed ${seed}: ${outcomes.refused} refused, ` +
      `${outcomes.unreadable} not readable, ${outcomes.parsed} pieces read or refused, ${outcomes.verified} verified`,
  );
  say('what verified differs from what was signed in nothing but:');
  for (const [name, count] of [...free].sort(([, a], [, b]) => b - a)) say(`  ${String(count).padStart(6)}  ${name}`);
  say('the slowest:');
  for (const { milliseconds, told, iteration } of slowest) {
    say(`  ${milliseconds.toFixed(0).padStart(6)} ms  ${told.slice(0, 200)} (iteration ${iteration})`);
  }
  for (const { kind, cause, told, detail, iteration, count } of findings) {
    say(`FINDING ${kind}, ${count} times: ${cause}\n  ${told.slice(0, 500)}\n  ${detail}`);
    if (iteration >= 0) say(`  again: npm run fuzz -- --seed ${seed} --from ${iteration} --iterations 1`);
  }
  say(`${findings.length} findings`);
}

function readArguments(args: readonly string[]): Asked | undefined {
  const text = { type: 'string' } as const;
  const options = { seconds: text, iterations: text, seed: text, from: text, json: { type: 'boolean' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const whole = (value: string | undefined, usual: number) =>
      value === undefined ? usual : /^[0-9]{1,10}$/.test(value) ? Number(value) : NaN;
    const iterations = whole(values.iterations, Infinity);
    const seconds = whole(values.seconds, values.iterations === undefined ? 60 : Infinity);
    const [seed, from] = [whole(values.seed, 1), whole(values.from, 0)];
    const isValid = [iterations, seconds].every((each) => each >= 1) && seed <= 0xffff_ffff && from >= 0;
    return isValid ? { iterations, seconds, seed, from, json: values.json === true } : undefined;
  } catch {
    return undefined;
  }
}
