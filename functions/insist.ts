import { app } from '@azure/functions';
import { startedApp } from '../shared/start.js';

app.http('insist', {
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async (request) => {
    const { headers, query } = request;
    const { status, body } = await (await startedApp()).insist({ headers, query, text: () => request.text() });
    return { status, jsonBody: body, headers: { 'cache-control': 'no-store' } };
  },
});
