import { createHash } from 'node:crypto';
import type { Alert } from '../message/alert.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { Clock, Send } from './effects.js';

/** Where alerts wait until they are delivered. */
export interface AlertStore {
  /** Creates a blob once; false when it was there already. */
  createOnce: (container: 'alerts', name: string, bytes: Uint8Array) => Promise<boolean>;
}

/** What {@link notify} needs. */
export interface NotifyDeps {
  readonly store: AlertStore;
  readonly send: Send;
  readonly clock: Clock;
}

/**
 * Stores an alert and queues its delivery. `identity` says what the news is: the same identity is the same alert, so a
 * step that runs twice tells its news once.
 */
export async function notify(alert: Alert, identity: readonly string[], deps: NotifyDeps): Promise<string> {
  const alertId = await storeAlert(alert, identity, deps);
  await queueAlert(alertId, deps);
  return alertId;
}

/** Stores an alert for {@link queueAlert}, and returns its identifier. */
export async function storeAlert(
  alert: Alert,
  identity: readonly string[],
  { store }: Pick<NotifyDeps, 'store'>,
): Promise<string> {
  const alertId = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
  await store.createOnce('alerts', `${alertId}.json`, Buffer.from(JSON.stringify(alert)));
  return alertId;
}

/** Queues the delivery of a stored alert. */
export async function queueAlert(alertId: string, { send, clock }: Pick<NotifyDeps, 'send' | 'clock'>): Promise<void> {
  await send(QUEUES.alert, { v: MESSAGE_VERSION, alertId, attempt: 0, since: clock().toISOString() });
}
