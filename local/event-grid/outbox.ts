import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GridEvent } from './event.js';

/** An event that is under way. */
export interface Parcel {
  readonly name: string;
  readonly event: GridEvent;
  /** When Event Grid accepted it. */
  readonly publishTime: string;
  /** Tries so far, all of them failures. */
  readonly attempts: number;
  /** When the next try is due, in milliseconds since 1970. */
  readonly dueAt: number;
  readonly lastOutcome?: string;
  readonly lastAttemptTime?: string;
}

/** Events that are under way, on disk. What is written before a kill is there after it. */
export interface Outbox {
  readonly list: () => Promise<readonly Parcel[]>;
  readonly write: (parcel: Parcel) => Promise<void>;
  readonly remove: (parcel: Parcel) => Promise<void>;
}

/** A name for a new parcel. */
export const newParcelName = (): string => randomUUID();

/** Opens the outbox in a directory: one file for each event. */
export async function openOutbox(directory: string): Promise<Outbox> {
  await mkdir(directory, { recursive: true });
  const at = (name: string) => join(directory, `${name}.json`);
  return {
    list: async () => {
      const files = (await readdir(directory)).filter((file) => /^[\w-]+\.json$/.test(file));
      const parcels = await Promise.all(
        files.map(async (file) => JSON.parse(await readFile(join(directory, file), 'utf8')) as Parcel),
      );
      return parcels.sort((a, b) => a.publishTime.localeCompare(b.publishTime));
    },
    write: async (parcel) => {
      // Whole or not at all: a kill leaves the old file, or the new one.
      const unfinished = join(directory, `.${parcel.name}`);
      await writeFile(unfinished, JSON.stringify(parcel));
      await rename(unfinished, at(parcel.name));
    },
    remove: async ({ name }) => {
      await rm(at(name), { force: true });
    },
  };
}
