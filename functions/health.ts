import { app } from '@azure/functions';

// Alive, and nothing more: it is the one door without sign-in.
app.http('health', { methods: ['GET'], authLevel: 'anonymous', handler: () => ({ jsonBody: { status: 'ok' } }) });
