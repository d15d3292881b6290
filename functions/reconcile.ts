import { app } from '@azure/functions';
import { startedApp } from '../shared/start.js';

// Every five minutes: a push whose event never came is found within fifteen.
app.timer('reconcile', {
  schedule: '0 */5 * * * *',
  handler: async () => {
    await (await startedApp()).reconcile();
  },
});
