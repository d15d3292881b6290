import { app } from '@azure/functions';
import { startedApp } from '../shared/start.js';

// Event Grid's own trigger: one invocation per event, in either envelope.
app.eventGrid('receive', {
  handler: async (event) => (await startedApp()).receive(event),
});
