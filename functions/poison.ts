import { app } from '@azure/functions';
import { ALL_QUEUES, poisonQueue } from '../shared/message/queue-name.js';
import { startedApp } from '../shared/start.js';

// One function per poison queue: `scan-poison`, `decide-poison`, … None of them throws.
for (const queue of ALL_QUEUES) {
  app.storageQueue(poisonQueue(queue), {
    queueName: poisonQueue(queue),
    connection: 'LAZARET_STORAGE',
    handler: async (message) => (await startedApp()).poison(queue, message),
  });
}
