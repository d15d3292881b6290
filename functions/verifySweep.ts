import { app } from '@azure/functions';
import { QUEUES } from '../shared/message/queue-name.js';
import { startedApp } from '../shared/start.js';

app.storageQueue('verifySweep', {
  queueName: QUEUES.verifySweep,
  connection: 'LAZARET_STORAGE',
  handler: async (message) => (await startedApp()).verifySweep(message),
});
