import { formatKey } from '../../shared/artifact/reference.js';
import type { ImageAlert } from '../../shared/message/alert.js';
import type { LedgerEntry } from '../../shared/pipeline/entry.js';
import type { Complaint } from './judge.js';
import { isBraked, limitOf } from './setting.js';
import type { Outage } from './trouble.js';
import type { MetFault, Outcome, SentCard } from './outcome.js';

interface ImageCard extends SentCard {
  readonly alert: ImageAlert;
}

/** How long a request of a process that has died may still be under way. */
const IN_FLIGHT_SECONDS = 1;

/** Counts the cards: each news once, none missing, and every repetition explained by a fault. */
export function judgeCards(
  { cards, met, history }: Outcome,
  finals: ReadonlyMap<string, LedgerEntry>,
): {
  readonly complaints: readonly Complaint[];
  readonly duplicates: readonly { readonly subject: string; readonly because: string }[];
} {
  const complaints: Complaint[] = [];
  const duplicates: { readonly subject: string; readonly because: string }[] = [];
  const told = new Map<string, ImageCard[]>();
  for (const card of cards) {
    const { alert } = card;
    if (alert.kind === 'system') {
      // What was given up is told, too.
      if (alert.code === 'POISONED' && history.poisonings.length > 0) continue;
      if (alert.code === 'BRAKE_TRIPPED' && isBraked(limitOf(history.seed, { swept: true }))) continue;
      complaints.push({ kind: 'wrong', code: 'SYSTEM_CARD', subject: alert.code, detail: alert.message });
      continue;
    }
    const key = formatKey(alert.key);
    told.set(key, [...(told.get(key) ?? []), { ...card, alert }]);
  }
  for (const [subject, list] of told) {
    for (const [news, same] of Map.groupBy(list, ({ alert }) => newsOf(alert))) {
      for (const [i, repeated] of same.entries()) {
        const first = same[i - 1];
        if (first === undefined) continue;
        const because = explain([first, repeated], { met, outages: history.outages });
        if (because === undefined) {
          complaints.push({
            kind: 'wrong',
            code: 'CARD_REPEATED',
            subject,
            detail: `${news} at ${first.at} and ${repeated.at}`,
          });
        } else duplicates.push({ subject, because });
      }
    }
  }
  for (const [subject, entry] of finals)
    complaints.push(...judgeTold(subject, { entry, list: told.get(subject) ?? [] }));
  return { complaints, duplicates };
}

/** Two cards that say the same tell the same news. */
function newsOf({ verdict, previous, cause, operations, reasons }: ImageAlert): string {
  const changes = operations.map(({ kind, tag, outcome }) => `${kind} ${tag ?? ''} ${outcome}`).join(', ');
  return `${previous ?? 'nothing'} -> ${verdict} (${cause}; ${reasons.map(({ code }) => code).join(' ')}; ${changes})`;
}

/** The fault between sending and recording that let a card be sent twice. Two alerts are never one that was repeated. */
function explain(
  [first, second]: readonly [ImageCard, ImageCard],
  { met, outages }: { readonly met: readonly MetFault[]; readonly outages: readonly Outage[] },
): string | undefined {
  if (first.alertId !== second.alertId) return undefined;
  const machines = new Set([first, second].map(({ process }) => machineOf(process)));
  const found = met.find(({ at, fault, process, label }) => {
    if (at > second.at) return false;
    if (label === first.alertId) return true;
    if (!machines.has(machineOf(process))) return false;
    const lasts = fault.kind.startsWith('stall') ? fault.seconds : 0;
    return /^(die|machine|stall)/.test(fault.kind) && at + lasts >= first.at - IN_FLIGHT_SECONDS;
  });
  if (found !== undefined) return `${found.fault.kind} on ${found.fault.on} in ${found.process} at ${found.at}`;
  const away = outages.find(
    ({ service, at, seconds }) => service !== 'registry' && at <= second.at && at + seconds >= first.at,
  );
  return away && `outage of ${away.service} from ${away.at} for ${away.seconds} s`;
}

function machineOf(process: string): string {
  return process.replace(/ (host|worker)$/, '');
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
