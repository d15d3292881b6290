import { app } from '@azure/functions';
import { QUEUES } from '../shared/message/queue-name.js';
import { startedApp } from '../shared/start.js';

app.storageQueue('decide', {
  queueName: QUEUES.decide,
  connection: 'LAZARET_STORAGE',
  handler: async (message) => (await startedApp()).decide(message),
});
