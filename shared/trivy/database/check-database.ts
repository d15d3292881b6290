import type { DatabaseEvidence } from '../../vulnerability/report.js';

/** A database with fewer entries than this share of the newest one that was used is not trusted. */
export const MIN_ENTRIES_RATIO = 0.8;

/** What a database is held against. */
export interface DatabaseRules {
  readonly now: Date;
  readonly maxAgeMilliseconds: number;
  /** The newest database that any scan has used, where one is known. */
  readonly newest?: DatabaseEvidence;
}

/**
 * Why a database may not be used; undefined when it may. Old data says "clean" of what is known to be vulnerable, and so
 * does data that somebody has emptied. Pure.
 */
export function databaseProblem(
  database: DatabaseEvidence,
  { now, maxAgeMilliseconds, newest }: DatabaseRules,
): { readonly code: string; readonly message: string } | undefined {
  const updatedAt = new Date(database.updatedAt).getTime();
  if (database.entries === 0) return { code: 'DATABASE_EMPTY', message: 'The vulnerability database is empty.' };
  if (!(now.getTime() - updatedAt <= maxAgeMilliseconds)) {
    return { code: 'DATABASE_STALE', message: `The vulnerability database is of ${database.updatedAt}.` };
  }
  if (newest === undefined || newest.digest === database.digest) return undefined;
  if (updatedAt < new Date(newest.updatedAt).getTime()) {
    return { code: 'DATABASE_OLDER', message: 'A newer vulnerability database has been used before.' };
  }
  if (database.entries < newest.entries * MIN_ENTRIES_RATIO) {
    const message = `The vulnerability database has shrunk from ${newest.entries} to ${database.entries} entries.`;
    return { code: 'DATABASE_SHRUNK', message };
  }
  return undefined;
}
