import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('verifyNow', { methods: ['GET'], authLevel: 'anonymous', handler: serve('verifyNow') });
