import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { serve } from '../../local/web/node-adapter.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';

it('asks again and again over the same connections, also after refusals', async () => {
  const content = Buffer.from('{}');
  const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(content), size: content.byteLength };
  const claims = JSON.stringify({ exp: Date.parse('2026-06-01T13:00:00Z') / 1000 });
  const token = `a.${Buffer.from(claims).toString('base64url')}.a`;
  let [connections, requests] = [0, 0];
  const server = createServer(
    serve(async (request) => {
      requests += 1;
      await request.text();
      const { pathname } = new URL(request.url);
      if (pathname === '/oauth2/token') return Response.json({ access_token: token });
      if (pathname.includes('/blobs/')) return new Response(content);
      return Response.json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, { status: 404 });
    }),
  );
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const registry = parseLoginServer(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    const client = createRegistryClient({
      fetch: (input, init) =>
        fetch(String(input instanceof Request ? input.url : input).replace('https:', 'http:'), init),
      clock: () => new Date('2026-06-01T12:00:00Z'),
      sleep: () => Promise.resolve(),
      credential: { kind: 'anonymous' },
      registries: [registry],
    });
    const repository = parseRepository('app');
    for (let i = 0; i < 10; i++) {
      await expect(client.fetchManifest(registry, repository, parseTag('absent'))).rejects.toMatchObject({
        code: 'MANIFEST_UNKNOWN',
      });
      expect(Buffer.from(await client.fetchBlob({ registry, repository }, descriptor, 100))).toEqual(content);
    }
    expect(requests).toBe(21);
    // An answer is here a moment before its connection is free again.
    expect(connections).toBeLessThanOrEqual(2);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
