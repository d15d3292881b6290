import { formatKey } from '../../shared/artifact/reference.js';
import type { ImageAlert } from '../../shared/message/alert.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import type { Complaint } from './judge.js';
import type { MetFault, Outcome, SentCard } from './world.js';

/** How long before a repeated card its explanation may lie, in seconds: a lease, a stall, a claim, retries. */
const REACH_SECONDS = 4000;

/** Counts the cards: each news once, none missing, and every repetition explained by a fault. */
export function judgeCards(
  { cards, met }: Outcome,
  finals: ReadonlyMap<string, LedgerEntry>,
): {
  readonly complaints: readonly Complaint[];
  readonly duplicates: readonly { readonly subject: string; readonly because: string }[];
} {
  const complaints: Complaint[] = [];
  const duplicates: { readonly subject: string; readonly because: string }[] = [];
  const told = new Map<string, { readonly at: number; readonly alert: ImageAlert }[]>();
  for (const { at, alert } of cards) {
    if (alert.kind === 'system') {
      complaints.push({ kind: 'wrong', code: 'SYSTEM_CARD', subject: alert.code, detail: alert.message });
      continue;
    }
    const key = formatKey(alert.key);
    told.set(key, [...(told.get(key) ?? []), { at, alert }]);
  }
  for (const [subject, list] of told) {
    for (const [news, same] of Map.groupBy(list, ({ alert }) => newsOf(alert))) {
      for (const [i, repeated] of same.entries()) {
        const first = same[i - 1];
        if (first === undefined) continue;
        const because = explain(first, repeated, met);
        if (because === undefined) {
          complaints.push({ kind: 'wrong', code: 'CARD_REPEATED', subject, detail: `${news} at ${first.at} and ${repeated.at}` });
        } else duplicates.push({ subject, because });
      }
    }
  }
  for (const [subject, entry] of finals) complaints.push(...judgeTold(subject, { entry, list: told.get(subject) ?? [] }));
  return { complaints, duplicates };
}

/** Two cards that say the same tell the same news. */
function newsOf({ verdict, previous, cause, operations, reasons }: ImageAlert): string {
  const changes = operations.map(({ kind, tag, outcome }) => `${kind} ${tag ?? ''} ${outcome}`).join(', ');
  return `${previous ?? 'nothing'} -> ${verdict} (${cause}; ${reasons.map(({ code }) => code).join(' ')}; ${changes})`;
}

/** The fault between sending and recording that let a card be sent twice. */
function explain(
  first: Pick<SentCard, 'at'>,
  second: Pick<SentCard, 'at'>,
  met: readonly MetFault[],
): string | undefined {
  const found = met.find(({ at, fault }) => {
    const near = at >= first.at - 1 && at <= Math.min(second.at, first.at + REACH_SECONDS);
    const between = /^(die|machine|stall|fail-after|again)/.test(fault.kind) || /^(blob|queue|teams)\./.test(fault.on);
    return near && between;
  });
  return found && `${found.fault.kind} on ${found.fault.on} in ${found.process} at ${found.at}`;
}

/** Whoever was told the last news knows the verdict that stands. */
function judgeTold(
  subject: string,
  { entry, list }: { readonly entry: LedgerEntry; readonly list: readonly { readonly alert: ImageAlert }[] },
): Complaint[] {
  const verdict = entry.decision?.verdict;
  const heard = list.some(({ alert }) => alert.verdict === verdict);
  const silent = verdict === 'pass' && list.length === 0;
  if (verdict === undefined || verdict === 'pending' || heard || silent) return [];
  return [{ kind: 'wrong', code: 'CARD_MISSING', subject, detail: `nobody was told of ${verdict}` }];
}
