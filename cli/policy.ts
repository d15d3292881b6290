import { loadPolicy } from '../shared/config/load-policy.js';
import { ProblemsError } from '../shared/error/app-error.js';
import { clean } from './clean.js';
import { UsageError } from './usage.js';

/** What `policy check` is asked. */
export interface CheckOptions {
  readonly file: string;
  readonly json: boolean;
}

/** Checks a policy file and the keys beside it; returns the exit code: 0 where it can be used, 1 where it cannot. */
export async function checkPolicy({ file, json }: CheckOptions, print: (text: string) => void): Promise<number> {
  try {
    const { policy } = await loadPolicy(file);
    const { digest, rules } = policy;
    print(json ? JSON.stringify({ ok: true, digest, rules: rules.length }) : `fine: ${rules.length} rules, ${digest}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    const { code, problems } = error;
    const lines = problems.map(({ path, message }) => clean(`${path === '' ? '(document)' : path}: ${message}`));
    print(json ? JSON.stringify({ ok: false, code, problems }) : lines.join('\n'));
    return 1;
  }
}

/** `lazaret policy check FILE`. Throws {@link UsageError} for anything else. */
export function policyCommand(words: readonly string[], json: boolean, print: (text: string) => void): Promise<number> {
  const [what, file] = words;
  if (what !== 'check' || file === undefined) throw new UsageError('say: lazaret policy check FILE');
  return checkPolicy({ file, json }, print);
}
