import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('verdict', { methods: ['GET'], authLevel: 'anonymous', handler: serve('verdict') });
