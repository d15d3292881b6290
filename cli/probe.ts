import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SWITCHES, SWITCH_NAMES, type SwitchName } from '../local/registry/switches.js';
import { parseLoginServer } from '../shared/artifact/login-server.js';
import { AppError } from '../shared/error/app-error.js';
import { type Trail, isComplete, leaveTrail, readEvents, readTrail, unasked } from './probe/events.js';
import { type Lab, cleanUp, openLab } from './probe/lab.js';
import { type Finding, QUESTIONS } from './probe/questions.js';
import { type ProbeCredential, openProbeSession } from './probe/session.js';
import { UsageError } from './usage.js';

/** What a probe is told. */
export interface ProbeOptions {
  readonly registry: string;
  readonly credential: ProbeCredential;
  /** A file to which somebody else writes the registry's events as they come. */
  readonly events?: string;
  /** How long these are waited for. */
  readonly waitSeconds: number;
  readonly fetch: typeof fetch;
  /** Ends the questions; what was made is still cleaned up. */
  readonly signal?: AbortSignal;
}

/** What a probe found out: a file that the emulator can load. */
export interface ProbeResult {
  readonly switches: Readonly<Partial<Record<SwitchName, string>>>;
  readonly notes: {
    readonly registry: string;
    readonly repository: string;
    readonly at: string;
    readonly unanswered: Readonly<Partial<Record<SwitchName, string>>>;
  };
}

const LOOPBACK = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/;
const POLL_MILLISECONDS = 250;

/**
 * Asks a registry what no source says of it, in a repository of its own with a name that nobody else has, and deletes
 * that repository whatever happens. Throws `PROBE_LEFTOVER` where it could not.
 */
export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const registry = parseLoginServer(options.registry);
  const { credential, fetch } = options;
  const local = LOOPBACK.test(registry);
  if (credential.kind === 'anonymous' && !local)
    throw new UsageError('credentials are needed: see lazaret probe --help');
  const repository = `lazaret-probe/${crypto.randomUUID()}`;
  const origin = `${local ? 'http' : 'https'}://${registry}`;
  const send = openProbeSession({ origin, repository, credential, fetch });
  const lab = openLab(repository, repository, send);
  const findings: Partial<Record<SwitchName, Finding>> = unasked(options.events !== undefined);
  try {
    for (const { name, ask } of QUESTIONS) {
      options.signal?.throwIfAborted();
      findings[name] = await ask(lab).catch((error: unknown): Finding => {
        // One odd answer is no reason to ask nothing more; a registry that refuses us altogether is.
        if (error instanceof AppError && error.code === 'PROBE_UNEXPECTED') return { unanswered: error.message };
        throw error;
      });
    }
    if (options.events !== undefined) Object.assign(findings, await askEvents(lab, options));
  } finally {
    await cleanUp({ repository, send });
  }
  const pick = (read: (finding: Finding) => string | undefined) =>
    Object.fromEntries(
      SWITCH_NAMES.flatMap((name) => {
        const finding = findings[name];
        const value = finding === undefined ? undefined : read(finding);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  return {
    switches: pick((finding) => ('answer' in finding ? finding.answer : undefined)),
    notes: {
      registry,
      repository,
      at: new Date().toISOString(),
      unanswered: pick((finding) => ('unanswered' in finding ? finding.unanswered : undefined)),
    },
  };
}

async function askEvents(
  lab: Lab,
  { events: file = '', waitSeconds, signal }: ProbeOptions,
): Promise<Readonly<Partial<Record<SwitchName, Finding>>>> {
  const trail: Trail = await leaveTrail(lab);
  const read = async () => readEvents(await readFile(file, 'utf8').catch(() => ''), lab.repository);
  const until = Date.now() + waitSeconds * 1000;
  let events = await read();
  while (!isComplete(events, trail) && Date.now() < until) {
    signal?.throwIfAborted();
    await wait(POLL_MILLISECONDS);
    events = await read();
  }
  return readTrail(events, trail, lab.repository);
}

/** Runs the command: prints the answers as a table or as JSON, writes the file. Returns the exit code. */
export async function runProbe(
  options: ProbeOptions & { readonly out: string | undefined; readonly json: boolean },
  print: (text: string) => void,
): Promise<number> {
  const result = await probe(options);
  const text = JSON.stringify(result, null, 2);
  if (options.out !== undefined) await writeFile(options.out, `${text}\n`);
  print(options.json ? JSON.stringify(result) : toTable(result));
  return 0;
}

/** One line for each question. */
export function toTable({ switches, notes }: ProbeResult): string {
  const width = Math.max(...SWITCH_NAMES.map((name) => name.length));
  const lines = SWITCH_NAMES.map((name) => {
    const found = switches[name];
    const expected = SWITCHES[name].answers[0];
    const said = found ?? `not known: ${notes.unanswered[name] ?? 'not asked'}`;
    return `${name.padEnd(width)}  ${said}${found === undefined || found === expected ? '' : ` (thought to be: ${expected})`}`;
  });
  return [`${notes.registry}, asked in ${notes.repository}, which is deleted`, '', ...lines].join('\n');
}

/** Credentials from the environment or from standard input, never from the command line, which others can read. */
export async function readCredential(
  env: Readonly<Record<string, string | undefined>>,
  stdin: (() => Promise<string>) | undefined,
): Promise<ProbeCredential> {
  const given = stdin === undefined ? undefined : (await stdin()).trim();
  const user = env['LAZARET_REGISTRY_USER'];
  const password = given ?? env['LAZARET_REGISTRY_PASSWORD'];
  if (user !== undefined && password !== undefined && password !== '') return { kind: 'basic', user, password };
  const token = given ?? env['LAZARET_REGISTRY_TOKEN'];
  if (token !== undefined && token !== '') return { kind: 'token', token };
  return { kind: 'anonymous' };
}
