import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('release', { methods: ['POST'], authLevel: 'anonymous', handler: serve('release') });
