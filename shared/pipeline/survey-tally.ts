import type { Enforcement, Excluded, LedgerEntry, Survey } from './entry.js';
import { isOlder } from './age.js';
import type { ListedManifest, SurveyContext } from './survey.js';
import { dueAt } from './wake.js';

type Summary = NonNullable<Survey['summary']>;

/** Which count names what is withheld for that reason. */
const COUNT_OF: Readonly<
  Record<NonNullable<Enforcement['withheld']>['because'], 'observed' | 'existing' | 'waiting' | 'reserved' | 'braked'>
> = { observe: 'observed', existing: 'existing', change: 'waiting', reserved: 'reserved', brake: 'braked' };

/** Counts every manifest of a repository once: judged, pending, excluded with its kind, or unaccounted. */
export function createTally({ now, maxAgeMilliseconds }: Pick<SurveyContext, 'now' | 'maxAgeMilliseconds'>) {
  const counts = {
    manifests: 0,
    pass: 0,
    fail: 0,
    inconclusive: 0,
    aged: 0,
    pending: 0,
    quarantined: 0,
    incomplete: 0,
    observed: 0,
    existing: 0,
    waiting: 0,
    reserved: 0,
    braked: 0,
    signatures: 0,
    others: 0,
    shut: 0,
    unaccounted: 0,
  };
  let oldestPending: string | undefined;
  let oldestVerdict: string | undefined;
  let nextDueAt: string | undefined;
  const older = (a: string | undefined, b: string) => (a === undefined || new Date(b) < new Date(a) ? b : a);
  return {
    /** It is on its way: its event may not have come yet. */
    expected: ({ updatedAt }: ListedManifest) => {
      counts.manifests += 1;
      counts.pending += 1;
      oldestPending = older(oldestPending, updatedAt.toISOString());
    },
    entry: (entry: LedgerEntry) => {
      counts.manifests += 1;
      const verdict = entry.decision?.verdict ?? 'pending';
      counts[verdict] += 1;
      const { state, withheld } = entry.enforcement;
      if (state === 'quarantined') counts.quarantined += 1;
      if (state === 'refused') counts.incomplete += 1;
      if (state === 'withheld') counts[COUNT_OF[withheld?.because ?? 'observe']] += 1;
      const due = dueAt(entry);
      if (due !== undefined && (nextDueAt === undefined || due < nextDueAt)) nextDueAt = due;
      if (verdict === 'pending') {
        oldestPending = older(oldestPending, entry.firstSeenAt);
        return;
      }
      // An index is as old as its platforms, which are counted themselves.
      if (entry.kind === 'index') return;
      const since = 'finishedAt' in entry.scan ? entry.scan.finishedAt : (entry.decidedAt ?? entry.firstSeenAt);
      oldestVerdict = older(oldestVerdict, since);
      if (isOlder(since, now, maxAgeMilliseconds)) counts.aged += 1;
    },
    excluded: ({ kind }: Excluded) => {
      counts.manifests += 1;
      counts[kind === 'signature' ? 'signatures' : 'others'] += 1;
    },
    /** Unknown to us, and locked by somebody else: nobody can pull it, and neither can we. */
    shut: () => {
      counts.manifests += 1;
      counts.shut += 1;
    },
    unaccounted: () => {
      counts.manifests += 1;
      counts.unaccounted += 1;
    },
    summary: (): Summary => ({
      ...counts,
      ...(oldestPending !== undefined && { oldestPending }),
      ...(oldestVerdict !== undefined && { oldestVerdict }),
      ...(nextDueAt !== undefined && { nextDueAt }),
    }),
  };
}
