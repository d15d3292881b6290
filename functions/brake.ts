import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('brake', { methods: ['GET'], authLevel: 'anonymous', handler: serve('brake') });
