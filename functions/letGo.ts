import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('letGo', { methods: ['POST'], authLevel: 'anonymous', handler: serve('letGo') });
