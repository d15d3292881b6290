import type { LoadedPolicy } from '../shared/config/load-policy.js';
import { ProblemsError } from '../shared/error/app-error.js';
import { clean } from './clean.js';
import { loadPolicyHere } from './load-policy.js';
import { diffPolicies } from './policy-diff.js';
import { explainPolicy } from './policy-explain.js';
import { EXIT_USAGE, UsageError } from './usage.js';

/** What `policy check` is asked. */
export interface CheckOptions {
  readonly file: string;
  readonly json: boolean;
}

/** Checks a policy file and the keys beside it; returns the exit code: 0 where it can be used, 1 where it cannot. */
export async function checkPolicy({ file, json }: CheckOptions, print: (text: string) => void): Promise<number> {
  try {
    const { policy } = await loadPolicyHere(file);
    const { digest, rules } = policy;
    print(json ? JSON.stringify({ ok: true, digest, rules: rules.length }) : `fine: ${rules.length} rules, ${digest}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    print(listProblems(error, { json }));
    return 1;
  }
}

/** All problems of a policy, one a line; `file` says of which one, where there are several. */
function listProblems(
  { code, problems }: ProblemsError,
  { json, file }: { readonly json: boolean; readonly file?: string | undefined },
): string {
  const named = file === undefined ? {} : { file };
  if (json) return JSON.stringify({ ok: false, code, ...named, problems });
  const where = file === undefined ? '' : `${file}: `;
  return problems
    .map(({ path, message }) => clean(`${where}${path === '' ? '(document)' : path}: ${message}`))
    .join('\n');
}

/** How `policy` says something, and where it asks. */
export interface PolicyOptions {
  readonly endpoint: string | undefined;
  readonly json: boolean;
  /** Tells how far it has come; nothing of it is part of the result. */
  readonly note: (text: string) => void;
}

/** `lazaret policy check FILE`, `explain REF`, `diff [OLD] NEW`. Throws {@link UsageError} for anything else. */
export async function policyCommand(
  [what, first, second, ...more]: readonly string[],
  options: PolicyOptions,
  print: (text: string) => void,
): Promise<number> {
  const { json, endpoint } = options;
  if (first === undefined || more.length > 0) throw new UsageError(SAY);
  if (what === 'check' && second === undefined && endpoint === undefined) {
    return checkPolicy({ file: first, json }, print);
  }
  if (what === 'explain' && second === undefined) return explainPolicy(first, options, print);
  if (what !== 'diff') throw new UsageError(SAY);
  const files = second === undefined ? [first] : [first, second];
  const loaded = await loadAll(files, json, print);
  const after = loaded?.at(-1);
  if (loaded === undefined || after === undefined) return EXIT_USAGE;
  const before = loaded.length === 2 ? loaded[0] : undefined;
  try {
    return await diffPolicies({ before: before?.source, after: after.source }, options, print);
  } catch (error) {
    // A Lazaret of another version may be stricter.
    if (!(error instanceof ProblemsError)) throw error;
    print(listProblems(error, { json }));
    return EXIT_USAGE;
  }
}

const SAY = 'say: lazaret policy check FILE, policy explain REF, or policy diff [OLD] NEW';

/** Loads every file, and tells the mistakes of all of them; undefined where there are any. */
async function loadAll(
  files: readonly string[],
  json: boolean,
  print: (text: string) => void,
): Promise<readonly LoadedPolicy[] | undefined> {
  const loaded: LoadedPolicy[] = [];
  for (const file of files) {
    try {
      loaded.push(await loadPolicyHere(file));
    } catch (error) {
      if (!(error instanceof ProblemsError)) throw error;
      print(listProblems(error, { json, file }));
    }
  }
  return loaded.length === files.length ? loaded : undefined;
}
