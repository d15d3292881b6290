import type { z } from 'zod';
import { AppError, isAppError } from '../error/app-error.js';
import { parseMessage } from '../message/queue-message.js';
import type { QueueName } from '../message/queue-name.js';
import type { Log } from './effects.js';
import { type RefuseDeps, refuse } from './refuse.js';

/** How long a message is tried again before the step gives up, in milliseconds: a day. */
export const MAX_RETRY_MILLISECONDS = 24 * 3_600_000;
const MAX_DELAY_SECONDS = 3600;
/** How long a message of a newer version waits between looks, in seconds. */
const NEWER_DELAY_SECONDS = 300;

/** Seconds until try number `attempt + 1`: 2, 4, 8, … up to an hour, or what the other side asked for. */
export function retryDelaySeconds(attempt: number, retryAfterSeconds?: number): number {
  return Math.min(Math.max(2 ** Math.min(attempt + 1, 12), retryAfterSeconds ?? 0), MAX_DELAY_SECONDS);
}

/** A message that knows how often, and since when, it has been tried. */
interface Attempted {
  readonly attempt: number;
  readonly since: string;
}

/** One queue's step, and what happens when it cannot be done. */
export interface Delivery<T extends Attempted> {
  readonly queue: QueueName;
  readonly schema: z.ZodType<T>;
  readonly step: (message: T) => Promise<void>;
  /** The fault is permanent, or a day has gone: make the ledger say so. It must leave the item inconclusive. */
  readonly giveUp: (message: T, error: AppError) => Promise<void>;
}

/** What {@link deliver} needs. */
export interface DeliverDeps extends RefuseDeps {
  readonly log: Log;
}

/**
 * Runs a step for one queue message. Returning means that the message may be acknowledged: the step is done, or its
 * next try is durable, or what is wrong with it is recorded. It throws only on the unexpected, so that the host counts.
 */
export async function deliver<T extends Attempted>(
  raw: unknown,
  delivery: Delivery<T>,
  deps: DeliverDeps,
): Promise<void> {
  let message: T;
  try {
    message = parseMessage(delivery.schema, raw);
  } catch (error) {
    if (isAppError(error, 'MESSAGE_NEWER') && typeof raw === 'object' && raw !== null) {
      await deps.send(delivery.queue, raw, { delaySeconds: NEWER_DELAY_SECONDS });
      return;
    }
    await refuse({ where: delivery.queue, message: raw, error }, deps);
    return;
  }
  try {
    await delivery.step(message);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const age = deps.clock().getTime() - new Date(message.since).getTime();
    deps.log('warn', 'step-failed', { queue: delivery.queue, code: error.code, attempt: message.attempt });
    if (error.retryable && age < MAX_RETRY_MILLISECONDS) {
      const delaySeconds = retryDelaySeconds(message.attempt, error.retryAfterSeconds);
      await deps.send(delivery.queue, { ...message, attempt: message.attempt + 1 }, { delaySeconds });
      return;
    }
    await delivery.giveUp(message, error);
  }
}
