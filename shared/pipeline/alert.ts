import type { Alert } from '../message/alert.js';
import { AppError } from '../error/app-error.js';
import type { Log } from './effects.js';

/** The most bytes of a stored alert. */
const MAX_ALERT_BYTES = 1024 * 1024;

/** What {@link deliverAlert} needs. */
export interface DeliverAlertDeps {
  readonly log: Log;
  readonly store: {
    readNamed: (container: 'alerts', name: string, maxBytes: number) => Promise<Uint8Array | undefined>;
    createOnce: (container: 'alerts', name: string, bytes: Uint8Array) => Promise<boolean>;
  };
  /** Sends the card. Undefined where no channel is configured. */
  readonly sendCard: ((alert: Alert) => Promise<void>) | undefined;
}

/**
 * Delivers one stored alert to Teams: once, save for a crash between sending and recording. Throws `ALERT_MISSING`
 * (retryable) or what the channel throws.
 */
export async function deliverAlert(alertId: string, deps: DeliverAlertDeps): Promise<void> {
  const sent = `${alertId}.sent`;
  if ((await deps.store.readNamed('alerts', sent, 1024)) !== undefined) return;
  const bytes = await deps.store.readNamed('alerts', `${alertId}.json`, MAX_ALERT_BYTES);
  if (bytes === undefined) throw new AppError('ALERT_MISSING', 'the alert is not stored', { retryable: true });
  // Written by notify alone.
  const alert = JSON.parse(Buffer.from(bytes).toString('utf8')) as Alert;
  if (deps.sendCard === undefined) {
    deps.log('warn', 'no-channel', { alertId, code: alert.kind === 'system' ? alert.code : alert.verdict });
    return;
  }
  await deps.sendCard(alert);
  await deps.store.createOnce('alerts', sent, Buffer.from('{}'));
}
