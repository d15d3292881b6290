import type { ArtifactKey } from '../artifact/reference.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { LedgerEntry } from './entry.js';
import type { Clock, Send } from './effects.js';

/**
 * Asks for a decision at a later time (RFC 3339). Of times that are further off than a message can be delayed, which is
 * seven days, and of messages that get lost, {@link dueAt} knows.
 */
export async function decideAt(
  at: string,
  key: ArtifactKey,
  { send, clock }: { readonly send: Send; readonly clock: Clock },
): Promise<void> {
  const now = clock();
  const delaySeconds = Math.max(Math.ceil((new Date(at).getTime() - now.getTime()) / 1000), 0);
  await send(QUEUES.decide, { v: MESSAGE_VERSION, key, attempt: 0, since: now.toISOString() }, { delaySeconds });
}

/** When time alone changes what is to be done about a digest: a release ends, or what is withheld until then is due. */
export function dueAt({ release, enforcement }: Pick<LedgerEntry, 'release' | 'enforcement'>): string | undefined {
  const { state, withheld } = enforcement;
  const until = state === 'withheld' && withheld?.because === 'change' ? withheld.until : undefined;
  return [release?.until, until].filter((at) => at !== undefined).sort()[0];
}
