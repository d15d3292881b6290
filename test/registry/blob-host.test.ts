import { describe, expect, it } from 'vitest';
import { createBlobHost } from '../../local/registry/blob-host.js';
import { createMemoryBlobs } from '../../local/registry/blob-store.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { createClock } from '../support/clock.js';

describe('the host that blobs are redirected to', () => {
  async function open() {
    const clock = createClock();
    const blobs = createMemoryBlobs();
    const digest = digestOf('hello world');
    await blobs.put(digest, Buffer.from('hello world'));
    const host = createBlobHost({ origin: 'https://storage.test', blobs, secret: Buffer.alloc(32), clock: clock.now });
    return { clock, host, link: host.link(digest) };
  }
  const outcome = (response: Response) => [response.status, response.headers.get('x-ms-error-code')];

  it('serves whole blobs and parts of them to who has the link', async () => {
    const { host, link } = await open();
    expect(await (await host.handle(new Request(link))).text()).toBe('hello world');
    const part = await host.handle(new Request(link, { headers: { range: 'bytes=6-' } }));
    expect([part.status, await part.text()]).toEqual([206, 'world']);
  });

  it('refuses a token, a link of another blob, a changed one, and one that has ended', async () => {
    const { clock, host, link } = await open();
    const ask = (url: string, headers: Record<string, string> = {}) => host.handle(new Request(url, { headers }));
    expect(outcome(await ask(link, { authorization: 'Bearer x' }))).toEqual([400, 'InvalidAuthenticationInfo']);
    expect(outcome(await ask(link.replace(/sha256:../, 'sha256:00')))).toEqual([403, 'AuthenticationFailed']);
    expect(outcome(await ask(link.replace(/se=\d/, 'se=9')))).toEqual([403, 'AuthenticationFailed']);
    expect(outcome(await ask(host.link(digestOf('other'))))).toEqual([404, 'BlobNotFound']);
    expect(outcome(await ask(link, { range: 'bytes=99-' }))).toEqual([416, 'InvalidRange']);
    clock.advance(20 * 60_000 + 1);
    expect(outcome(await ask(link))).toEqual([403, 'AuthenticationFailed']);
  });
});
