#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AppError } from '../shared/error/app-error.js';
import { brake } from './brake.js';
import { coverage } from './coverage.js';
import { policyCommand } from './policy.js';
import { insist } from './insist.js';
import { rebuildLedger } from './rebuild-ledger.js';
import { reconcileNow } from './reconcile.js';
import { release } from './release.js';
import { status } from './status.js';
import { COMMAND_HELP, EXIT_USAGE, HELP, UsageError } from './usage.js';
import { verify } from './verify.js';
import { readVerifyOptions } from './verify/options.js';

const print = (text: string) => process.stdout.write(`${text}\n`);

async function main(argv: readonly string[]): Promise<number> {
  const [command = '', ...args] = argv;
  const help = COMMAND_HELP[command];
  if (help === undefined) {
    const asked = ['', '--help', '-h', 'help'].includes(command);
    (asked ? process.stdout : process.stderr).write(asked ? HELP : `unknown command: ${command}\n\n${HELP}`);
    return asked ? 0 : EXIT_USAGE;
  }
  if (args.includes('--help') || args.includes('-h')) {
    print(help);
    return 0;
  }
  switch (command) {
    case 'status': {
      const { values, positionals } = read(args, ['wait', 'endpoint'], 1);
      const waitSeconds = Number(values['wait'] ?? '0');
      if (!Number.isFinite(waitSeconds) || waitSeconds < 0) throw new UsageError('--wait is a number of seconds');
      return status(
        { reference: positionals[0] ?? '', waitSeconds, endpoint: values['endpoint'], json: values.json },
        print,
      );
    }
    case 'release': {
      const { values, positionals } = read(args, ['reason', 'for', 'endpoint'], 1);
      const reference = positionals[0] ?? '';
      const { reason, for: span, endpoint, json } = values;
      return release({ reference, reason, for: span, endpoint, json }, print);
    }
    case 'insist': {
      const { values, positionals } = read(args, ['reason', 'endpoint'], 1);
      const { reason, endpoint, json } = values;
      return insist({ reference: positionals[0] ?? '', reason, endpoint, json }, print);
    }
    case 'coverage': {
      const { values, positionals } = read(args, ['endpoint'], [0, 1]);
      return coverage({ registry: positionals[0], endpoint: values['endpoint'], json: values.json }, print);
    }
    case 'reconcile': {
      const all = args.includes('--all');
      const { values, positionals } = read(
        args.filter((arg) => arg !== '--all'),
        ['endpoint'],
        [0, 1],
      );
      return reconcileNow({ registry: positionals[0], endpoint: values['endpoint'], all, json: values.json }, print);
    }
    case 'rebuild-ledger': {
      const discard = args.includes('--discard');
      const words = args.filter((arg) => arg !== '--discard');
      const { values, positionals } = read(words, ['reason', 'endpoint'], [0, 1]);
      const { reason, endpoint, json } = values;
      const progress = (line: string) => process.stderr.write(`${line}\n`);
      return rebuildLedger({ registry: positionals[0], endpoint, reason, discard, json }, { print, progress });
    }
    case 'brake': {
      const resume = args.includes('--resume');
      const words = args.filter((arg) => arg !== '--resume');
      const { values, positionals } = read(words, ['endpoint', 'reason', 'allow'], [0, 1]);
      const { endpoint, reason, allow, json } = values;
      return brake({ registry: positionals[0], endpoint, resume, reason, allow, json }, print);
    }
    case 'verify': {
      return verify(readVerifyOptions(args), print);
    }
    case 'policy': {
      const { values, positionals } = read(args, ['endpoint'], [2, 3]);
      const note = (text: string) => process.stderr.write(`${text}\n`);
      return policyCommand(positionals, { endpoint: values['endpoint'], json: values.json, note }, print);
    }
    case 'probe': {
      const fromStdin = args.includes('--password-stdin');
      const words = args.filter((arg) => arg !== '--password-stdin');
      const { values, positionals } = read(words, ['out', 'events', 'wait'], 1);
      const waitSeconds = Number(values['wait'] ?? '120');
      if (!Number.isFinite(waitSeconds) || waitSeconds < 0) throw new UsageError('--wait is a number of seconds');
      const { readCredential, runProbe } = await import('./probe.js');
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      return runProbe(
        {
          registry: positionals[0] ?? '',
          credential: await readCredential(process.env, fromStdin ? () => text(process.stdin) : undefined),
          ...(values['events'] !== undefined && { events: values['events'] }),
          waitSeconds,
          fetch,
          signal: stop.signal,
          out: values['out'],
          json: values.json,
        },
        print,
      );
    }
    case 'start': {
      const options = [
        'registry-options',
        'state-directory',
        'policy',
        'database',
        'java-database',
        'enforcement',
        'quarantines-per-hour',
        'events',
        'event-schema',
        'registry-port',
        'functions-port',
        'inbox-port',
      ];
      const { values } = read(args, options, 0);
      const { start } = await import('./start.js');
      return start(values);
    }
    default: {
      const keep = args.includes('--keep');
      const words = args.filter((arg) => arg !== '--keep');
      const { values } = read(words, ['story'], 0);
      if (values['story'] === undefined) {
        const { demo } = await import('./demo.js');
        return demo({ keep, json: values.json });
      }
      if (values['story'] !== 'rollout' || keep) throw new UsageError('the one story is: lazaret demo --story rollout');
      const { rollout } = await import('./demo/rollout.js');
      return rollout({ json: values.json });
    }
  }
}

/** Values of the options, all text, and `json`. */
type Values = Readonly<Record<string, string | undefined>> & { readonly json: boolean };

function read(
  args: readonly string[],
  names: readonly string[],
  positionals: number | readonly [least: number, most: number],
) {
  const [least, most] = typeof positionals === 'number' ? [positionals, positionals] : positionals;
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    const parsed = parseArgs({
      args: [...args],
      options: { ...options, json: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (parsed.positionals.length < least) throw new Error('one REF is needed');
    if (parsed.positionals.length > most) throw new Error('too many words');
    const values = { ...parsed.values, json: parsed.values['json'] === true } as unknown as Values;
    return { values, positionals: parsed.positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Runs the same command under the package's own Node where this one is too old for the local environment. */
function underOwnNode(): number | undefined {
  const own = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'node_modules', '.bin', 'node');
  const major = Number(process.versions.node.split('.')[0]);
  const needed = ['start', 'demo', 'probe', 'verify'].includes(process.argv[2] ?? '');
  if (!needed || major >= 22 || !existsSync(own)) return undefined;
  return spawnSync(own, process.argv.slice(1), { stdio: 'inherit' }).status ?? 1;
}

const delegated = underOwnNode();
if (delegated !== undefined) process.exit(delegated);
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const code = error instanceof AppError ? error.code : error instanceof UsageError ? 'USAGE' : 'UNEXPECTED';
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      process.argv.includes('--json')
        ? `${JSON.stringify({ error: { code, message } })}\n`
        : `lazaret: ${message}${code === 'USAGE' ? '' : ` (${code})`}\n`,
    );
    const usage = code === 'USAGE' || code === 'UNREACHABLE' || code.startsWith('INVALID_');
    process.exitCode = usage ? EXIT_USAGE : code === 'UNKNOWN_ARTIFACT' ? 3 : EXIT_USAGE;
  },
);
