import type { Becomes, Change, PolicyDiffPage } from '../shared/pipeline/policy-diff.js';
import type { Standing } from '../shared/pipeline/standing.js';

/** Digests that change in the same way for the same reason. */
export interface Group {
  readonly count: number;
  /** The first of them, for what they have in common. */
  readonly change: Change;
  readonly examples: readonly string[];
  /** When the first of them would be quarantined (RFC 3339); absent where none is later. */
  readonly earliest?: string | undefined;
}

/** What all pages come to together. */
export interface Totals {
  readonly mode: PolicyDiffPage['mode'];
  readonly at: string;
  readonly compared: number;
  readonly unreadable: number;
  /** Without those that are to be verified first. */
  readonly changed: number;
  readonly becomes: Readonly<Record<Becomes, number>>;
  /** When the first that is quarantined later would be (RFC 3339). */
  readonly earliest: string | undefined;
  readonly limit: number;
  /** Largest first. */
  readonly groups: readonly Group[];
}

const MAX_EXAMPLES = 5;

/** Adds pages up. What it keeps grows with the number of causes, not of digests. */
export function createTotals() {
  const groups = new Map<string, Group>();
  const becomes: Record<Becomes, number> = { quarantined: 0, later: 0, released: 0, 'to-be-verified': 0, told: 0 };
  const sum = { compared: 0, unreadable: 0 };
  let latest: Pick<PolicyDiffPage, 'mode' | 'at' | 'limit'> = { mode: 'enforce', at: '', limit: 0 };
  return {
    add: (page: PolicyDiffPage): void => {
      latest = { mode: page.mode, at: page.at, limit: page.limit };
      sum.compared += page.compared;
      sum.unreadable += page.unreadable;
      for (const change of page.changes) {
        becomes[change.becomes] += 1;
        const cause = causeOf(change);
        groups.set(cause, added(groups.get(cause), change));
      }
    },
    compared: (): number => sum.compared,
    result: (): Totals => {
      const sorted = [...groups.values()].toSorted((a, b) => b.count - a.count);
      const { quarantined, later, released, told } = becomes;
      return {
        ...{ ...latest, ...sum, becomes: { ...becomes }, groups: sorted },
        changed: quarantined + later + released + told,
        earliest: first(sorted.map(({ earliest }) => earliest)),
      };
    },
  };
}

function added(group: Group | undefined, change: Change): Group {
  const { count = 0, examples = [], earliest } = group ?? {};
  return {
    count: count + 1,
    change: group?.change ?? change,
    examples: examples.length < MAX_EXAMPLES ? [...examples, change.reference] : examples,
    earliest: first([earliest, change.becomes === 'later' ? (change.after.until ?? undefined) : undefined]),
  };
}

function first(times: readonly (string | undefined)[]): string | undefined {
  return times.filter((at) => at !== undefined).sort()[0];
}

/** What changes of one group have in common: before, after, rules and codes; not when it happens. */
function causeOf({ becomes, before, after, unsigned }: Change): string {
  const standings = [before, after, ...(unsigned === undefined ? [] : [unsigned.before, unsigned.after])];
  return JSON.stringify([becomes, ...standings.map((standing) => ({ ...standing, until: null }))]);
}

/** A standing in a few words: `fail (VULNERABILITIES): lock, withheld: existing`. */
export function sumUp({ verdict, action, withheld, effect, codes }: Standing): string {
  const because = codes.length === 0 ? '' : ` (${codes.join(' ')})`;
  const wants = verdict === 'pass' || verdict === 'pending' ? '' : `, ${action}`;
  const held = withheld === null ? '' : `, withheld: ${withheld}`;
  const stands = effect in STANDS ? `, ${STANDS[effect as keyof typeof STANDS]}` : '';
  return `${verdict}${because}${wants}${held}${stands}`;
}

/** What is not said by verdict and action already. */
const STANDS = {
  stays: 'quarantined already, and stays so',
  released: 'released by a person',
  contested: 'contested',
} as const satisfies Partial<Record<Standing['effect'], string>>;
