import { app } from '@azure/functions';
import { QUEUES } from '../shared/message/queue-name.js';
import { startedApp } from '../shared/start.js';

// Events on their queue: accepted by `receive`, put there by Event Grid itself (as private networks need), or tried again.
app.storageQueue('receiveQueued', {
  queueName: QUEUES.registryEvents,
  connection: 'LAZARET_STORAGE',
  handler: async (event) => (await startedApp()).receive(event),
});
