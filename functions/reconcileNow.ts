import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('reconcileNow', { methods: ['POST'], authLevel: 'anonymous', handler: serve('reconcileNow') });
