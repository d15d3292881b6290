import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('insist', { methods: ['POST'], authLevel: 'anonymous', handler: serve('insist') });
