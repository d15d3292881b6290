import { AppError } from '../error/app-error.js';
import type { Envelope } from './adaptive-card.js';

/** The effects of {@link createTeamsWebhook}. */
export interface WebhookDeps {
  /** A Workflows webhook; its query is a secret. */
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly timeoutMilliseconds?: number;
}

/**
 * Sends cards to a Teams channel. An accepted card may still fail inside the flow, of which nobody is told. Throws
 * `TEAMS_UNAVAILABLE` (retryable) or `TEAMS_REFUSED`; the address is in neither.
 */
export function createTeamsWebhook({ url, fetch, timeoutMilliseconds = 20_000 }: WebhookDeps) {
  return async (envelope: Envelope): Promise<void> => {
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(envelope),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      await response.body?.cancel();
    } catch {
      // The cause may quote the address, so it goes no further.
      throw new AppError('TEAMS_UNAVAILABLE', 'the Teams webhook gave no answer', { retryable: true });
    }
    if (response.status === 200 || response.status === 202) return;
    const after = Number(response.headers.get('retry-after') ?? Number.NaN);
    const retryable = response.status === 408 || response.status === 429 || response.status >= 500;
    throw new AppError(
      retryable ? 'TEAMS_UNAVAILABLE' : 'TEAMS_REFUSED',
      `the Teams webhook answered ${response.status}`,
      {
        retryable,
        ...(Number.isFinite(after) && after > 0 && { retryAfterSeconds: after }),
      },
    );
  };
}
