import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('rebuildLedger', { methods: ['POST'], authLevel: 'anonymous', handler: serve('rebuildLedger') });
