import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

const INTERVAL_MILLISECONDS = 1000;
/** Programs that only pass a command on: `npx lazaret` is npm, which runs a shell, which runs us. */
const PASSES_ON = /^(?:npm|npx|sh|bash|dash|node|MainThread|npm exec.*|npm run.*)$/;
const MAX_ANCESTORS = 6;

interface Ancestor {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

/**
 * Calls back once when the process that started this one is gone: a killed test, a closed terminal. With `npx` between,
 * the one that counts is further up, so the whole chain of go-betweens is watched.
 */
export function watchStarter(onGone: () => void): void {
  const watched: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1 && watched.length < MAX_ANCESTORS;) {
    const ancestor = readProcess(pid);
    if (ancestor === undefined) break;
    watched.push(ancestor);
    if (!PASSES_ON.test(ancestor.name)) break;
    pid = ancestor.parent;
  }
  if (process.ppid <= 1 && watched.length === 0) return;
  const timer = setInterval(() => {
    const first = watched[0];
    // Of the last one it only counts that it lives; what happens to its own parent is not our business.
    const gone =
      process.ppid !== first?.pid ||
      watched.some(({ pid, parent }, index) => {
        const now = readProcess(pid);
        return now === undefined || (index < watched.length - 1 && now.parent !== parent);
      });
    if (!gone) return;
    clearInterval(timer);
    onGone();
  }, INTERVAL_MILLISECONDS);
  timer.unref();
}

function readProcess(pid: number): Ancestor | undefined {
  try {
    // The name stands in brackets and may hold anything, so it is read up to the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    return { pid, name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(stat.slice(end + 2).split(' ')[1]) };
  } catch {
    return process.platform === 'linux' ? undefined : askPs(pid);
  }
}

function askPs(pid: number): Ancestor | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [, parent = '0', name = ''] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    return { pid, parent: Number(parent), name: name.split('/').at(-1) ?? '' };
  } catch {
    return undefined;
  }
}
