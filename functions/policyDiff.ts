import { app } from '@azure/functions';
import { serve } from '../shared/start.js';

app.http('policyDiff', { methods: ['POST'], authLevel: 'anonymous', handler: serve('policyDiff') });
