import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('explain', { methods: ['GET'], authLevel: 'anonymous', handler: serve('explain') });
