import { setTimeout as wait } from 'node:timers/promises';
import type { QueueServiceClient } from '@azure/storage-queue';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import type { Ledger } from '../../shared/ledger/ledger.js';
import { ALL_QUEUES, QUEUES, poisonQueue } from '../../shared/message/queue-name.js';
import { isUnfinished } from '../../shared/pipeline/survey.js';
import type { KillableRegistry } from './registry.js';

/** Where work may be under way. */
export interface Rest {
  readonly queues: QueueServiceClient;
  readonly registry: KillableRegistry;
}

/** What {@link comeToRest} looks at besides the queues, and how long it waits. */
export interface RestOptions {
  readonly ledger: Ledger;
  readonly loginServer: LoginServer;
  readonly repositories: readonly string[];
  readonly patienceMilliseconds: number;
}

const LOOK_MILLISECONDS = 500;
/** Longer than any lease of a run, so that a message in the hands of the dead is seen again before this is over. */
const CALM_MILLISECONDS = 10_000;

/** Events and messages that are under way, in words; empty where there are none. */
export async function whatIsLeft({ queues, registry }: Rest): Promise<string> {
  try {
    const counts: string[] = [];
    const { waiting } = await registry.events();
    if (waiting > 0) counts.push(`events ${waiting}`);
    for (const name of ALL_QUEUES.flatMap((queue) => [queue, poisonQueue(queue)])) {
      const queue = queues.getQueueClient(name);
      // Every artifact has one that waits for its deadline, long after the end of the run: of these only the due ones count.
      const count =
        name === QUEUES.decide
          ? (await queue.peekMessages({ numberOfMessages: 32 })).peekedMessageItems.length
          : ((await queue.getProperties()).approximateMessagesCount ?? 0);
      if (count > 0) counts.push(`${name} ${count}`);
    }
    return counts.join(', ');
  } catch {
    return 'storage is away';
  }
}

/** Waits until nothing has been under way for a while, in the queues or by the ledger; returns what is left at last. */
export async function comeToRest(rest: Rest, options: RestOptions): Promise<string> {
  const until = Date.now() + options.patienceMilliseconds;
  for (let calmSince = Date.now(); ;) {
    const left = (await whatIsLeft(rest)) || (await unfinished(options));
    if (left !== '') calmSince = Date.now();
    if (Date.now() - calmSince >= CALM_MILLISECONDS) return '';
    if (Date.now() > until) return left;
    await wait(LOOK_MILLISECONDS);
  }
}

async function unfinished({ ledger, loginServer, repositories }: RestOptions): Promise<string> {
  try {
    let count = 0;
    for (const repository of new Set(repositories.map(parseRepository))) {
      for await (const row of ledger.listRepository({ registry: loginServer, repository }))
        if (row.kind === 'entry' && isUnfinished(row.entry)) count += 1;
    }
    return count === 0 ? '' : `unfinished in the ledger: ${count}`;
  } catch {
    return 'storage is away';
  }
}
