import { z } from 'zod';
import { formatKey } from '../artifact/reference.js';
import type { ImageAlert, SystemAlert } from '../message/alert.js';
import { type NotifyDeps, notify } from './notify.js';
import { detailsLink } from './link.js';
import { counted, describeTally, tallySchema } from './tally.js';
import { ofLastHour, stepOf, totalOf } from './window.js';

const time = z.iso.datetime();
const count = z.number().int().nonnegative();

const held = z.object({
  since: time,
  count,
  verdicts: tallySchema,
  causes: tallySchema,
  findings: tallySchema,
  /** The one that has most against it, and how much that is. */
  worst: z.object({ reference: z.string(), weight: z.number(), what: z.string() }),
});

/** What is remembered of one channel. */
export const channelSchema = z.object({
  /** Cards of the last hour, in steps of five minutes. */
  recent: z.array(z.object({ at: time, count })),
  /** Cards beyond the cap, until they are told together. */
  held: held.optional(),
  /** What is being told, until it is known to be queued. */
  telling: held.optional(),
  toldAt: time.optional(),
});

export type ChannelState = z.infer<typeof channelSchema>;
type Held = z.infer<typeof held>;

/** The least time between two summaries of a channel, in milliseconds. */
const PAUSE = 3_600_000;
/** How long cards are gathered before they are told together, in milliseconds. */
const GATHERED = 600_000;

/** Lets one card through, or puts it to those that are told together. Pure. */
export function takeCard(
  before: ChannelState | undefined,
  alert: ImageAlert,
  { now, cap }: { readonly now: Date; readonly cap: number },
): { readonly state: ChannelState; readonly sent: boolean } {
  const state = before ?? { recent: [] };
  const recent = ofLastHour(state.recent, now);
  if (totalOf(recent) < cap) {
    const at = stepOf(now);
    const last = recent.find((each) => each.at === at);
    const others = recent.filter((each) => each !== last);
    return { sent: true, state: { ...state, recent: [...others, { at, count: (last?.count ?? 0) + 1 }] } };
  }
  return { sent: false, state: { ...state, recent, held: hold(state.held, alert, now) } };
}

function hold(before: Held | undefined, alert: ImageAlert, now: Date): Held {
  const { counts, reasons } = alert;
  const weight = counts.critical * 1e6 + counts.high * 1e3 + counts.medium;
  const what = `${counts.critical} critical, ${counts.high} high`;
  const candidate = { reference: formatKey(alert.key), weight, what };
  const finding = alert.findings[0]?.id ?? reasons[0]?.code;
  const findings = before?.findings ?? [];
  return {
    since: before?.since ?? now.toISOString(),
    count: (before?.count ?? 0) + 1,
    verdicts: counted(before?.verdicts ?? [], alert.verdict),
    causes: counted(before?.causes ?? [], alert.changed ?? 'push'),
    findings: finding === undefined ? findings : counted(findings, finding),
    worst: before !== undefined && before.worst.weight >= weight ? before.worst : candidate,
  };
}

/** Takes out what is due to be told together: once an hour, and not before it is gathered. Pure. */
export function takeHeld(state: ChannelState | undefined, now: Date): ChannelState | undefined {
  if (state?.held === undefined || state.telling !== undefined) return state;
  const { held: due, ...rest } = state;
  const gathered = now.getTime() - new Date(due.since).getTime() >= GATHERED;
  const paused = state.toldAt === undefined || now.getTime() - new Date(state.toldAt).getTime() >= PAUSE;
  return gathered && paused ? { ...rest, telling: due, toldAt: now.toISOString() } : state;
}

/** What {@link tellHeld} needs. */
export interface CardCapDeps extends NotifyDeps {
  readonly channels: readonly string[];
  readonly reportUrl: string | undefined;
  readonly ledger: {
    updateChannel: (
      channel: string,
      change: (current: ChannelState | undefined) => ChannelState | undefined,
    ) => Promise<ChannelState | undefined>;
  };
}

/** Tells the cards that were held back, one summary for each channel. Called by the timer; safe to repeat. */
export async function tellHeld(deps: CardCapDeps): Promise<void> {
  for (const channel of deps.channels) {
    const state = await deps.ledger.updateChannel(channel, (current) => takeHeld(current, deps.clock()));
    const telling = state?.telling;
    if (telling === undefined) continue;
    await notify(
      summary(telling, { channel, reportUrl: deps.reportUrl }),
      ['cards-held', channel, telling.since],
      deps,
    );
    await deps.ledger.updateChannel(channel, (current) =>
      current?.telling?.since === telling.since ? { ...current, telling: undefined } : current,
    );
  }
}

function summary(
  { since, count: number, verdicts, causes, findings, worst }: Held,
  { channel, reportUrl }: { readonly channel: string; readonly reportUrl: string | undefined },
): SystemAlert {
  return {
    kind: 'system',
    code: 'CARDS_HELD',
    channel,
    title: `${number} more image${number === 1 ? '' : 's'}, told together`,
    message: 'More cards than this channel takes in an hour. What each of them would have said is in `lazaret status`.',
    facts: [
      { name: 'Verdicts', value: describeTally(verdicts) },
      { name: 'What changed', value: describeTally(causes) },
      ...(findings.length > 0 ? [{ name: 'They fail by', value: describeTally(findings, 5) }] : []),
      { name: 'The worst', value: `${worst.reference}: ${worst.what}` },
    ],
    links: detailsLink(reportUrl, worst.reference),
    at: since,
  };
}

/** Whether the channel takes one more card now. */
export async function askChannel(
  channel: string,
  alert: ImageAlert,
  { ledger, clock, cap }: Pick<CardCapDeps, 'ledger' | 'clock'> & { readonly cap: number },
): Promise<boolean> {
  const now = clock();
  const answer = { sent: false };
  await ledger.updateChannel(channel, (current) => {
    const next = takeCard(current, alert, { now, cap });
    answer.sent = next.sent;
    return next.state;
  });
  return answer.sent;
}
