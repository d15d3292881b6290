import { app } from '@azure/functions';
import { startedApp } from '../shared/start.js';

app.http('brake', {
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (request) => {
    const { headers, query } = request;
    const { status, body } = await (await startedApp()).brake({ headers, query, text: () => request.text() });
    return { status, jsonBody: body, headers: { 'cache-control': 'no-store' } };
  },
});
