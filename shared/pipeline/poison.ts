import { AppError } from '../error/app-error.js';
import {
  type VerifyRequest,
  decideRequestSchema,
  parseMessage,
  scannedSchema,
  verifyRequestSchema,
} from '../message/queue-message.js';
import { QUEUES, type QueueName } from '../message/queue-name.js';
import type { DecideRequest, Scanned } from '../message/queue-message.js';
import type { Log } from './effects.js';
import { type RefuseDeps, refuse } from './refuse.js';

/** What {@link receivePoison} needs. */
export interface PoisonDeps extends RefuseDeps {
  readonly log: Log;
  readonly giveUpVerify: (message: VerifyRequest, error: AppError) => Promise<void>;
  readonly giveUpScanned: (message: Scanned, error: AppError) => Promise<void>;
  readonly giveUpDecide: (message: DecideRequest, error: AppError) => Promise<void>;
}

/**
 * Takes a message that the host has given up on: recorded, alerted, and its item left inconclusive. Never throws: a
 * failing handler of a poison queue is run again for ever.
 */
export async function receivePoison(queue: QueueName, message: unknown, deps: PoisonDeps): Promise<void> {
  const error = new AppError('POISONED', `a message on ${queue} failed every time it was tried`);
  await attempt('refuse', deps.log, () => refuse({ where: `${queue}-poison`, message, error }, deps));
  await attempt('give-up', deps.log, async () => {
    switch (queue) {
      case QUEUES.verify:
      case QUEUES.verifySweep:
        return deps.giveUpVerify(parseMessage(verifyRequestSchema, message), error);
      case QUEUES.scanned:
        return deps.giveUpScanned(parseMessage(scannedSchema, message), error);
      case QUEUES.decide:
        return deps.giveUpDecide(parseMessage(decideRequestSchema, message), error);
      case QUEUES.registryEvents:
      case QUEUES.sweep:
      case QUEUES.scan:
      case QUEUES.scanSweep:
      case QUEUES.alert:
        return;
    }
  });
}

async function attempt(what: string, log: Log, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log('error', 'poison-handler-failed', { what, code: error instanceof AppError ? error.code : 'UNEXPECTED' });
  }
}
