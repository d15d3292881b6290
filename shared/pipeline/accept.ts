import type { LoginServer } from '../artifact/login-server.js';
import { AppError } from '../error/app-error.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import { parseRegistryEvent } from '../message/registry-event.js';
import { type RefuseDeps, refuse } from './refuse.js';

/** What {@link accept} needs. */
export interface AcceptDeps extends RefuseDeps {
  /** Lower-cased resource id → login server. */
  readonly registries: ReadonlyMap<string, LoginServer>;
}

/**
 * Takes an event from whoever delivers it: into the queue, and no more, so that a burst of pushes is accepted as fast as
 * a queue takes messages, and a slow registry makes nobody deliver again. What cannot be an event of ours is refused.
 */
export async function accept(event: unknown, deps: AcceptDeps): Promise<void> {
  const now = deps.clock();
  try {
    const parsed = parseRegistryEvent(event, now);
    if (parsed.action === 'ignore') return;
    if (!deps.registries.has(parsed.resourceId)) {
      throw new AppError('REGISTRY_NOT_CONFIGURED', 'an event of a registry that is not configured');
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await refuse({ where: QUEUES.registryEvents, message: event, error }, deps);
    return;
  }
  await deps.send(QUEUES.registryEvents, { v: MESSAGE_VERSION, attempt: 0, since: now.toISOString(), event });
}
