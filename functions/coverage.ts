import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('coverage', { methods: ['GET'], authLevel: 'anonymous', handler: serve('coverage') });
