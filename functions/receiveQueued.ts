import { app } from '@azure/functions';
import { QUEUES } from '../shared/message/queue-name.js';
import { startedApp } from '../shared/start.js';

// The same step for events that come by way of a queue, as private networks need, and for those that are tried again.
app.storageQueue('receiveQueued', {
  queueName: QUEUES.registryEvents,
  connection: 'LAZARET_STORAGE',
  handler: async (event) => (await startedApp()).receive(event),
});
