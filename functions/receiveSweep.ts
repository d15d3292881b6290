import { app } from '@azure/functions';
import { QUEUES } from '../shared/message/queue-name.js';
import { startedApp } from '../shared/start.js';

// What a sweep found without an event, apart from the pushes that events tell of.
app.storageQueue('receiveSweep', {
  queueName: QUEUES.sweep,
  connection: 'LAZARET_STORAGE',
  handler: async (message) => (await startedApp()).receiveSweep(message),
});
