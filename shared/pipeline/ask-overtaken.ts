import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import type { Tag } from '../artifact/tag.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { TagEntry } from './entry.js';
import type { Clock, Send } from './effects.js';

/**
 * A newer push of a tag may have been decided while our change of the tag was still under way. Its digest looks again, now
 * that the change is over.
 */
export async function askOvertaken(
  key: ArtifactKey,
  tags: readonly Tag[],
  deps: {
    readonly clock: Clock;
    readonly send: Send;
    readonly ledger: { readTag: (key: TagKey) => Promise<TagEntry | undefined> };
  },
): Promise<void> {
  const { registry, repository } = key;
  const since = deps.clock().toISOString();
  for (const tag of tags) {
    const row = await deps.ledger.readTag({ registry, repository, tag });
    if (row === undefined || row.digest === key.digest) continue;
    if (row.removed?.digest !== key.digest && row.restored?.at(-1)?.digest !== key.digest) continue;
    await deps.send(QUEUES.decide, { v: MESSAGE_VERSION, key: { ...key, digest: row.digest }, attempt: 0, since });
  }
}
