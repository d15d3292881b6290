import { z } from 'zod';

/** How often each name came; bounded. */
export const tallySchema = z.array(z.object({ name: z.string(), count: z.number().int().nonnegative() }));
export type Tally = z.infer<typeof tallySchema>;

const MAX_NAMES = 20;
const OTHERS = 'others';

/** Counts one more name, the most frequent first. What comes once the list is full is counted together. Pure. */
export function counted(names: Tally, name: string, more = 1): Tally {
  const known = names.some((each) => each.name === name) || names.length < MAX_NAMES ? name : OTHERS;
  const others = names.filter((each) => each.name !== known);
  const before = names.find((each) => each.name === known)?.count ?? 0;
  return [...others, { name: known, count: before + more }].toSorted((a, b) => b.count - a.count);
}

/** Several of them as one. Pure. */
export function merged(tallies: readonly Tally[]): Tally {
  return tallies.flat().reduce<Tally>((all, { name, count }) => counted(all, name, count), []);
}

const WORDS: Readonly<Record<string, string>> = {
  push: 'newly pushed',
  enforcement: 'enforcement was switched on',
  policy: 'the policy has changed',
  key: 'a key is not trusted any more',
  database: 'the vulnerability database has changed',
  scanner: 'the scanner has changed',
  evidence: 'something else has changed',
};

/** What a tally says, for people. */
export function describeTally(names: Tally, limit = 3): string {
  const shown = names.slice(0, limit).map(({ name, count }) => `${count} × ${WORDS[name] ?? name}`);
  return names.length > limit ? `${shown.join(', ')}, …` : shown.join(', ');
}
