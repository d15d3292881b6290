import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { createRegistryClient } from '../../shared/registry/registry-client.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const REPOSITORY = parseRepository('team-a/app');
const V1 = parseTag('v1');

async function pushed() {
  const registry = await createTestRegistry(NOW);
  const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
  await registry.push(image, REPOSITORY, { tag: V1 });
  const key = parseKey({ registry: LOGIN_SERVER, repository: REPOSITORY, digest: image.digest });
  return { registry, client: registry.client, image, key };
}

describe('against the emulated registry', () => {
  it('locks, refuses the pull by digest and tag, still tells the tags, and opens again', async () => {
    const { client, key } = await pushed();
    const before = await client.observe(key);
    expect(before).toEqual({
      attributes: { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true },
      tags: ['v1'],
    });
    expect(await client.lock(key)).toBe('done');
    expect(await client.observe(key)).toMatchObject({
      attributes: { readEnabled: false, writeEnabled: true, deleteEnabled: false },
    });
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, key.digest)).toEqual({ state: 'refused' });
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, V1)).toEqual({ state: 'refused' });
    expect(await client.resolveTag(LOGIN_SERVER, REPOSITORY, V1)).toBe(key.digest);
    await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, key.digest)).rejects.toMatchObject({
      code: 'QUARANTINED',
      retryable: false,
    });
    expect(await client.unlock(key, before!.attributes)).toBe('done');
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, V1)).toEqual({ state: 'served' });
  });

  it('takes a tag away and puts it back', async () => {
    const { client, key } = await pushed();
    expect(await client.untag(LOGIN_SERVER, REPOSITORY, V1)).toBe('done');
    expect(await client.resolveTag(LOGIN_SERVER, REPOSITORY, V1)).toBeUndefined();
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, key.digest)).toEqual({ state: 'served' });
    expect(await client.retag(key, V1)).toBe('done');
    expect(await client.resolveTag(LOGIN_SERVER, REPOSITORY, V1)).toBe(key.digest);
  });

  it('makes the same referrer of the same scan, and lists it', async () => {
    const { client, image, key } = await pushed();
    const subject = { key, mediaType: image.mediaType, size: image.bytes.byteLength };
    const referrer = {
      artifactType: 'application/sarif+json',
      bytes: Buffer.from('{}x'),
      annotations: {},
      createdAt: NOW().toISOString(),
    };
    const first = await client.pushReferrer(subject, referrer);
    expect(await client.pushReferrer(subject, referrer)).toBe(first);
    const { descriptors, truncated } = await client.listReferrers(key, { maxDescriptors: 10, maxPages: 5 });
    expect(descriptors.map(({ digest, artifactType }) => [digest, artifactType])).toEqual([
      [first, 'application/sarif+json'],
    ]);
    expect(truncated).toBe(false);
  });

  it('says that there are more referrers than it lists', async () => {
    const { client, image, key } = await pushed();
    for (const name of ['a', 'b', 'c']) {
      const referrer = {
        artifactType: 'application/x',
        bytes: Buffer.from(name),
        annotations: {},
        createdAt: NOW().toISOString(),
      };
      await client.pushReferrer({ key, mediaType: image.mediaType, size: image.bytes.byteLength }, referrer);
    }
    expect(await client.listReferrers(key, { maxDescriptors: 2, maxPages: 5 })).toMatchObject({ truncated: true });
  });

  it('knows nothing of what is not there', async () => {
    const { client, key } = await pushed();
    const missing = { ...key, digest: digestOf('missing') };
    expect(await client.observe(missing)).toBeUndefined();
    expect(await client.lock(missing)).toBe('gone');
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, missing.digest)).toEqual({ state: 'absent' });
    await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, missing.digest)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      retryable: true,
    });
  });
});

describe('what comes from outside', () => {
  it('does not believe a manifest that is not what its digest says', async () => {
    const { registry, client, key } = await pushed();
    registry.faults.push((request) =>
      request.url.includes('/manifests/') ? new Response('{}', { status: 200 }) : undefined,
    );
    await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, key.digest)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });
  it('reads no manifest beyond 4 MiB', async () => {
    const { registry, client, key } = await pushed();
    const large = Buffer.alloc(5 * 1024 * 1024);
    registry.faults.push((request) => (request.url.includes('/manifests/') ? new Response(large) : undefined));
    await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, key.digest)).rejects.toMatchObject({
      code: 'MANIFEST_TOO_LARGE',
    });
  });
  it.each([
    [403, 'REGISTRY_DENIED', true],
    [429, 'REGISTRY_THROTTLED', true],
    [500, 'REGISTRY_UNAVAILABLE', true],
    [418, 'REGISTRY_REFUSED', false],
  ])('takes %i for %s', async (status, code, retryable) => {
    const { registry, client, key } = await pushed();
    registry.faults.push((request) =>
      request.url.includes('/manifests/') ? new Response(null, { status, headers: { 'retry-after': '3' } }) : undefined,
    );
    await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, key.digest)).rejects.toMatchObject({ code, retryable });
  });
  it('follows a blob to storage without its token, and no upload to another host', async () => {
    const seen: { host: string; authorization: string | null }[] = [];
    const bytes = Buffer.from('layer');
    const answer = (request: Request): Response => {
      const url = new URL(request.url);
      seen.push({ host: url.host, authorization: request.headers.get('authorization') });
      if (url.pathname === '/oauth2/token')
        return Response.json({ access_token: `x.${Buffer.from('{"exp":9999999999}').toString('base64url')}.y` });
      if (url.host === 'storage.example') return new Response(bytes);
      if (request.method === 'POST')
        return new Response(null, { status: 202, headers: { location: 'https://evil.example/upload' } });
      if (request.method === 'HEAD') return new Response(null, { status: 404 });
      return new Response(null, { status: 307, headers: { location: 'https://storage.example/blob?sig=s' } });
    };
    const client = createRegistryClient({
      fetch: (input, init) => Promise.resolve(answer(new Request(input, init))),
      clock: NOW,
      sleep: () => Promise.resolve(),
      credential: { kind: 'anonymous' },
      registries: [LOGIN_SERVER],
    });
    const key = parseKey({ registry: LOGIN_SERVER, repository: REPOSITORY, digest: digestOf('subject') });
    const descriptor = { mediaType: 'x', digest: digestOf(bytes), size: bytes.byteLength };
    expect(Buffer.from(await client.fetchBlob(key, descriptor, 100)).toString()).toBe('layer');
    expect(seen.filter(({ host }) => host === 'storage.example')).toEqual([
      { host: 'storage.example', authorization: null },
    ]);
    const referrer = { artifactType: 'x', bytes, annotations: {}, createdAt: '' };
    await expect(client.pushReferrer({ key, mediaType: 'x', size: 1 }, referrer)).rejects.toMatchObject({
      code: 'FOREIGN_LOCATION',
    });
    expect(seen.some(({ host }) => host === 'evil.example')).toBe(false);
  });
});

describe('a registry that is not configured', () => {
  const other = parseLoginServer('evil.azurecr.test');
  const key = parseKey({ registry: other, repository: REPOSITORY, digest: digestOf('x') });
  it('is asked nothing, and gets no token', async () => {
    let requests = 0;
    let tokens = 0;
    const client = createRegistryClient({
      fetch: () => {
        requests += 1;
        return Promise.reject(new Error('a request left'));
      },
      clock: NOW,
      sleep: () => Promise.resolve(),
      credential: {
        kind: 'entra',
        credential: {
          getToken: () => {
            tokens += 1;
            return Promise.resolve({ token: 'secret', expiresOnTimestamp: 0 });
          },
        },
      },
      registries: [LOGIN_SERVER],
    });
    const calls: (() => Promise<unknown>)[] = [
      () => client.fetchManifest(other, REPOSITORY, key.digest),
      () => client.pullState(other, REPOSITORY, V1),
      () => client.pullToken(other, REPOSITORY),
      () => client.listReferrers(key, { maxDescriptors: 1, maxPages: 1 }),
      () => client.retag(key, V1),
      async () => client.observe(key),
      async () => client.lock(key),
      async () => client.untag(other, REPOSITORY, V1),
    ];
    for (const call of calls) {
      const code = await Promise.resolve()
        .then(call)
        .catch((error: unknown) => (error as { code?: string }).code);
      expect(code).toBe('REGISTRY_NOT_CONFIGURED');
    }
    expect([requests, tokens]).toEqual([0, 0]);
  });
});
