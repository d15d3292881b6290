import { app } from '@azure/functions';
import { startedApp } from '../shared/start.js';

// Event Grid's own trigger: one invocation per event, in either envelope. It goes into the queue of `receiveQueued`.
app.eventGrid('receive', {
  handler: async (event) => (await startedApp()).accept(event),
});
