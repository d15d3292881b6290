import type { Alert, ImageAlert } from '../message/alert.js';
import { formatKey } from '../artifact/reference.js';
import { AppError } from '../error/app-error.js';
import { COMMON_CHANNEL } from '../policy/channel.js';
import { type Clock, type Journal, LAZARET, type Log } from './effects.js';
import { type NotifyDeps, notify } from './notify.js';

/** The most bytes of a stored alert. */
const MAX_ALERT_BYTES = 1024 * 1024;

/** What {@link deliverAlert} needs. */
export interface DeliverAlertDeps {
  readonly log: Log;
  readonly clock: Clock;
  readonly store: {
    readNamed: (container: 'alerts', name: string, maxBytes: number) => Promise<Uint8Array | undefined>;
    createOnce: (container: 'alerts', name: string, bytes: Uint8Array) => Promise<boolean>;
  };
  /** Sends the card to a channel. Undefined where no channel is configured. */
  readonly sendCard: ((alert: Alert, channel: string) => Promise<void>) | undefined;
  readonly channelOf: (alert: Alert) => string;
  /** Whether the channel takes one more card now; false: it is told with others later. */
  readonly takeCard: (channel: string, alert: ImageAlert) => Promise<boolean>;
}

/** How long a delivery that was begun is left alone, in milliseconds. */
const CLAIM_MILLISECONDS = 60_000;

/**
 * Delivers one stored alert to Teams: once, save for a crash between sending and recording. Throws `ALERT_MISSING`
 * (retryable) or what the channel throws.
 */
export async function deliverAlert(alertId: string, deps: DeliverAlertDeps): Promise<void> {
  const sent = `${alertId}.sent`;
  if ((await deps.store.readNamed('alerts', sent, 1024)) !== undefined) return;
  const alert = await readAlert(alertId, deps);
  if (alert === undefined) throw new AppError('ALERT_MISSING', 'the alert is not stored', { retryable: true });
  await claim(alertId, deps);
  // Whoever had the claim before may have sent it meanwhile.
  if ((await deps.store.readNamed('alerts', sent, 1024)) !== undefined) return;
  // The platform's alerts hear of it even where no card arrives.
  if (alert.kind === 'system') deps.log('warn', 'told-of-itself', { alertId, code: alert.code });
  if (deps.sendCard === undefined) {
    deps.log('warn', 'no-channel', { alertId, code: alert.kind === 'system' ? alert.code : alert.verdict });
    return;
  }
  const channel = deps.channelOf(alert);
  // What we say of ourselves is always said.
  if (alert.kind === 'system' || (await isTaken(alertId, alert, { ...deps, channel })))
    await deps.sendCard(alert, channel);
  await deps.store.createOnce('alerts', sent, Buffer.from('{}'));
}

/** Written by notify alone, so it is what it was. */
async function readAlert(alertId: string, { store }: Pick<DeliverAlertDeps, 'store'>): Promise<Alert | undefined> {
  const bytes = await store.readNamed('alerts', `${alertId}.json`, MAX_ALERT_BYTES);
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as Alert);
}

/** Asks the channel once for each card, however often the card has to be tried. */
async function isTaken(
  alertId: string,
  alert: ImageAlert,
  { store, takeCard, channel }: DeliverAlertDeps & { readonly channel: string },
): Promise<boolean> {
  const name = `${alertId}.taken`;
  if ((await store.readNamed('alerts', name, 1024)) !== undefined) return true;
  if (!(await takeCard(channel, alert))) return false;
  await store.createOnce('alerts', name, Buffer.from('{}'));
  return true;
}

/**
 * The same news may be queued twice, by two deciders at once. The first delivery goes ahead; the other one looks again
 * later (`ALERT_IN_FLIGHT`, retryable), and takes over where the first has died. Blobs are created once, so a claim is
 * named by the minute in which it was made, and of all who would take over in one minute one can.
 */
async function claim(alertId: string, { store, clock }: DeliverAlertDeps): Promise<void> {
  const now = clock();
  const minute = Math.floor(now.getTime() / CLAIM_MILLISECONDS);
  const nameOf = (slot: number) => `${alertId}.claim-${slot}`;
  const refuseIfClaimed = async () => {
    const earlier = await store.readNamed('alerts', nameOf(minute - 1), 100);
    const claimedAt = new Date(Buffer.from(earlier ?? []).toString('utf8')).getTime();
    if (earlier !== undefined && !(now.getTime() - claimedAt >= CLAIM_MILLISECONDS)) throw inFlight();
  };
  // Looked at before, so that no claim is left by those who then do not send; and after, for those who came between.
  await refuseIfClaimed();
  if (!(await store.createOnce('alerts', nameOf(minute), Buffer.from(now.toISOString())))) throw inFlight();
  await refuseIfClaimed();
}

function inFlight(): AppError {
  return new AppError('ALERT_IN_FLIGHT', 'the alert is being delivered', { retryable: true });
}

/** What {@link giveUpAlert} needs. */
export interface GiveUpAlertDeps extends NotifyDeps, Pick<DeliverAlertDeps, 'channelOf'> {
  readonly journal: Journal;
  readonly store: NotifyDeps['store'] & DeliverAlertDeps['store'];
}

/**
 * A card could not be delivered within a day. Journalled; and told on the common channel, unless that is the one which takes
 * nothing.
 */
export async function giveUpAlert(alertId: string, error: AppError, deps: GiveUpAlertDeps): Promise<void> {
  const detail = { alertId };
  await deps.journal({
    what: 'alert-undelivered',
    who: LAZARET,
    why: error.code,
    detail,
    id: `undelivered-${alertId}`,
  });
  const alert = await readAlert(alertId, deps);
  if (alert === undefined) return;
  const channel = deps.channelOf(alert);
  if (channel === COMMON_CHANNEL) return;
  const what = alert.kind === 'image' ? `${alert.verdict}: ${formatKey(alert.key)}` : alert.title;
  await notify(
    {
      kind: 'system',
      code: 'CARD_UNDELIVERED',
      title: `A card for the channel ${channel} could not be delivered within a day`,
      message: `The channel answers ${error.code}. The card would have said: ${what}`,
      facts: [{ name: 'Channel', value: channel }],
      at: deps.clock().toISOString(),
    },
    ['undelivered', alertId],
    deps,
  );
}
