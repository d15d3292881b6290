import { readFile } from 'node:fs/promises';

/** Linux counts in hundredths of a second, whatever its own clock: `USER_HZ`. */
const TICK_MILLISECONDS = 10;

/** Processor time, in milliseconds: of a process, and of the children that it has waited for. */
export interface ProcessorTime {
  readonly own: number;
  readonly children: number;
}

/** Reads a line of `/proc/PID/stat` (proc_pid_stat(5)). The name of the program may hold anything, brackets too. */
export function parseProcessorTime(stat: string): ProcessorTime {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map((field) => Number(field) * TICK_MILLISECONDS);
  if (user === undefined || system === undefined || childUser === undefined || childSystem === undefined) {
    throw new Error('no line of /proc/PID/stat');
  }
  return { own: user + system, children: childUser + childSystem };
}

/** What a process has used so far. Linux alone tells. */
export async function processorTime(pid: number | 'self'): Promise<ProcessorTime> {
  return parseProcessorTime(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

/**
 * The most memory that a process has had, in bytes, from `/proc/PID/status`. `getrusage` would not do: what it tells begins
 * with what the parent had when it forked.
 */
export function parsePeakMemory(status: string): number {
  const kibibytes = status
    .split('\n')
    .find((line) => line.startsWith('VmHWM:'))
    ?.split(' ')
    .at(-2);
  if (kibibytes === undefined) throw new Error('no /proc/PID/status');
  return Number(kibibytes) * 1024;
}
