import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change } from './state.js';

/** What was written to each repository, in order. Everything that resolves survives the death of the process. */
export interface ChangeLog {
  readonly load: () => Promise<ReadonlyMap<string, readonly Change[]>>;
  /** Writes all of these changes or, killed half-way, none. */
  readonly append: (repository: string, changes: readonly Change[]) => Promise<void>;
  /** Writes a repository anew as these changes, which are all that it holds. */
  readonly replace: (repository: string, changes: readonly Change[]) => Promise<void>;
  readonly remove: (repository: string) => Promise<void>;
}

/**
 * One file of JSON lines per repository: the name first, then one line per transaction. A push appends some hundred
 * bytes, however much the repository holds. A line that a kill has cut short was never answered, and is dropped.
 */
export async function createFileLog(directory: string): Promise<ChangeLog> {
  await mkdir(directory, { recursive: true });
  // A name may be longer, percent-encoded, than a file's name can be.
  const fileOf = (repository: string) =>
    join(directory, `${createHash('sha256').update(repository).digest('hex')}.jsonl`);
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const known = new Set<string>();
  const replace = async (repository: string, changes: readonly Change[]) => {
    const temporary = join(directory, `.${randomUUID()}`);
    await writeFile(temporary, lines([repository, changes]));
    await rename(temporary, fileOf(repository));
    known.add(repository);
  };
  return {
    load: async () => {
      const all = new Map<string, readonly Change[]>();
      for (const file of await readdir(directory)) {
        const path = join(directory, file);
        if (!file.endsWith('.jsonl')) {
          await rm(path, { force: true });
          continue;
        }
        const { name, changes } = await read(path);
        known.add(name);
        all.set(name, changes);
      }
      return all;
    },
    append: (repository, changes) =>
      known.has(repository) ? appendFile(fileOf(repository), lines([changes])) : replace(repository, changes),
    replace,
    remove: async (repository) => {
      await rm(fileOf(repository), { force: true });
      known.delete(repository);
    },
  };
}

async function read(path: string): Promise<{ readonly name: string; readonly changes: readonly Change[] }> {
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.byteLength) await truncate(path, end);
  const [name, ...transactions] = bytes
    .subarray(0, end)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
  return { name: name as string, changes: (transactions as readonly (readonly Change[])[]).flat() };
}

/** A log that is gone with the process. */
export function createMemoryLog(): ChangeLog {
  const done = () => Promise.resolve();
  return { load: () => Promise.resolve(new Map()), append: done, replace: done, remove: done };
}
