import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileStore } from '../../local/registry/store.js';
import * as sample from '../../local/sample/image.js';
import { toBlob } from '../../local/sample/layer.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { LOGIN_SERVER, type TestRegistryOptions, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const sha256 = (text: string | Buffer) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lazaret-oci-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function open(options: TestRegistryOptions = {}) {
  const registry = await createTestRegistry(NOW, options);
  const ask = async (
    method: string,
    path: string,
    { body, user, ...headers }: Record<string, string | undefined> = {},
  ): Promise<Response> => {
    const url = new URL(path, `https://${LOGIN_SERVER}`);
    const repository = /^\/v2\/(.+?)\/(?:blobs|manifests|tags|referrers)/.exec(url.pathname)?.[1] ?? '';
    const scopes = [repository, 'other'].map((name) => `scope=repository:${name}:*`).join('&');
    const basic =
      user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${user}`).toString('base64')}` };
    const answer = await registry.fetch(`https://${LOGIN_SERVER}/oauth2/token?${scopes}`, { headers: basic });
    const authorization = `Bearer ${((await answer.json()) as { token: string }).token}`;
    const init = { method, headers: { ...(headers as Record<string, string>), authorization } };
    return registry.fetch(url, { ...init, ...(body !== undefined && { body }) });
  };
  const begin = async (repository = 'app') =>
    (await ask('POST', `/v2/${repository}/blobs/uploads/`)).headers.get('location') ?? '';
  const blob = async (content: string, repository = 'app') =>
    ask('POST', `/v2/${repository}/blobs/uploads/?digest=${sha256(content)}`, { body: content });
  const code = async (response: Response) =>
    ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code;
  return { registry, ask, begin, blob, code };
}

describe('an upload in chunks', () => {
  it('goes on where it stands, also after the registry was started again', async () => {
    const place = join(directory, 'resume');
    const first = await open({ store: await createFileStore(place) });
    const location = await first.begin();
    const one = await first.ask('PATCH', location, { body: 'hello ', 'content-range': '0-5' });
    expect([one.status, one.headers.get('range')]).toEqual([202, '0-5']);
    const second = await open({ store: await createFileStore(place) });
    const status = await second.ask('GET', location);
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-5']);
    const done = await second.ask('PUT', `${location}?digest=${sha256('hello world')}`, {
      body: 'world',
      'content-range': '6-10',
    });
    expect([done.status, done.headers.get('docker-content-digest')]).toEqual([201, sha256('hello world')]);
    expect(await (await second.ask('GET', `/v2/app/blobs/${sha256('hello world')}`)).text()).toBe('hello world');
    expect((await second.ask('GET', location)).status).toBe(404);
  });

  it.each([
    ['that does not come next', '7-12'],
    ['that comes again', '0-5'],
    ['that is longer than it says', '6-7'],
    ['that is shorter than it says', '6-99'],
  ])('refuses a chunk %s, and stays where it was', async (_, range) => {
    const { ask, begin } = await open({ store: await createFileStore(join(directory, `chunk-${range}`)) });
    const location = await begin();
    await ask('PATCH', location, { body: 'hello ', 'content-range': '0-5' });
    const refused = await ask('PATCH', location, { body: 'wor', 'content-range': range });
    expect([refused.status, refused.headers.get('range')]).toEqual([416, '0-5']);
    const done = await ask('PUT', `${location}?digest=${sha256('hello world')}`, { body: 'world' });
    expect(done.status).toBe(201);
  });

  it('is refused under another digest, in another repository, and once it was given up', async () => {
    const { ask, begin, code } = await open();
    const wrong = await ask('PUT', `${await begin()}?digest=${sha256('other')}`, { body: 'bytes' });
    expect([wrong.status, await code(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    const location = await begin();
    expect((await ask('PATCH', location.replace('/app/', '/other/'), { body: 'x' })).status).toBe(404);
    expect((await ask('DELETE', location)).status).toBe(204);
    expect((await ask('PUT', `${location}?digest=${sha256('')}`)).status).toBe(404);
    for (const digest of ['', 'sha256:1', `sha512:${'0'.repeat(128)}`, `md5:${'0'.repeat(32)}`])
      expect((await ask('PUT', `${await begin()}?digest=${digest}`)).status, digest).toBe(400);
  });

  it('mounts what the caller may pull, and begins an upload for what it may not', async () => {
    const grant = (name: string, scopeMap: Record<string, ('content/read' | 'content/write')[]>) => ({
      name,
      password: name,
      scopeMap,
    });
    const { ask, registry } = await open({
      anonymous: false,
      identities: [
        grant('both', { '*': ['content/read', 'content/write'] }),
        grant('one', { app: ['content/read', 'content/write'] }),
      ],
    });
    const body = 'shared';
    await ask('POST', `/v2/other/blobs/uploads/?digest=${sha256(body)}`, { body, user: 'both' });
    const mount = `/v2/app/blobs/uploads/?mount=${sha256(body)}&from=other`;
    expect((await ask('POST', mount, { user: 'one' })).status).toBe(202);
    expect((await ask('HEAD', `/v2/app/blobs/${sha256(body)}`, { user: 'one' })).status).toBe(404);
    expect((await ask('POST', mount, { user: 'both' })).status).toBe(201);
    expect((await ask('HEAD', `/v2/app/blobs/${sha256(body)}`, { user: 'one' })).status).toBe(200);
    expect(registry.events).toEqual([]);
  });
});

describe('a part of a blob', () => {
  it.each([
    ['bytes=0-4', 206, 'hello', 'bytes 0-4/11'],
    ['bytes=6-', 206, 'world', 'bytes 6-10/11'],
    ['bytes=-3', 206, 'rld', 'bytes 8-10/11'],
    ['bytes=6-99', 206, 'world', 'bytes 6-10/11'],
    ['bytes=-99', 206, 'hello world', 'bytes 0-10/11'],
    ['bytes=11-', 416, undefined, 'bytes */11'],
    ['bytes=-0', 416, undefined, 'bytes */11'],
    ['bytes=5-2', 200, 'hello world', null],
    ['bytes=0-1,3-4', 200, 'hello world', null],
    ['lines=0-1', 200, 'hello world', null],
  ])('%s is answered with %i', async (range, status, text, contentRange) => {
    const { ask, blob } = await open({ store: await createFileStore(join(directory, `range-${range}`)) });
    await blob('hello world');
    const response = await ask('GET', `/v2/app/blobs/${sha256('hello world')}`, { range });
    expect([response.status, response.headers.get('content-range')]).toEqual([status, contentRange]);
    if (text !== undefined) expect(await response.text()).toBe(text);
  });
});

describe('a manifest', () => {
  const descriptor = (content: string, mediaType = 'application/x') => ({
    mediaType,
    digest: sha256(content),
    size: content.length,
  });
  const image = (over: object = {}) => ({ schemaVersion: 2, config: descriptor('{}'), layers: [], ...over });
  const index = (over: object = {}) => ({ schemaVersion: 2, manifests: [], ...over });

  it.each([
    ['an OCI image', MediaType.ociManifest, image(), 201],
    ['a Docker image', MediaType.dockerManifest, image(), 201],
    ['an OCI index', MediaType.ociIndex, index(), 201],
    ['a Docker list', MediaType.dockerList, index(), 201],
    [
      'an artifact of the withdrawn kind',
      'application/vnd.oci.artifact.manifest.v1+json',
      { blobs: [descriptor('{}')] },
      201,
    ],
    ['a subject that is not here', MediaType.ociManifest, image({ subject: descriptor('nowhere') }), 201],
    [
      'a layer that may not be redistributed',
      MediaType.dockerManifest,
      image({ layers: [descriptor('x', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')] }),
      201,
    ],
    ['a layer that is not here', MediaType.ociManifest, image({ layers: [descriptor('x')] }), 404],
    ['a platform that is not here', MediaType.ociIndex, index({ manifests: [descriptor('x')] }), 404],
    ['another media type than its request', MediaType.ociManifest, image({ mediaType: MediaType.dockerManifest }), 400],
    ['a media type that is no manifest', 'application/json', image(), 400],
    ['no configuration', MediaType.ociManifest, { schemaVersion: 2, layers: [] }, 400],
    ['the first schema', MediaType.dockerManifest, image({ schemaVersion: 1 }), 400],
    [
      'a digest of another algorithm',
      MediaType.ociManifest,
      image({ layers: [{ ...descriptor('x'), digest: `sha512:${'0'.repeat(128)}` }] }),
      400,
    ],
    ['a negative size', MediaType.ociManifest, image({ subject: { ...descriptor('x'), size: -1 } }), 400],
    ['more than 4 MiB', MediaType.ociManifest, image({ annotations: { a: 'a'.repeat(4 * 1024 * 1024) } }), 413],
  ])('of %s', async (_, mediaType, json, status) => {
    const { ask, blob, registry } = await open();
    await blob('{}');
    const put = await ask('PUT', '/v2/app/manifests/v1', { body: JSON.stringify(json), 'content-type': mediaType });
    expect(put.status).toBe(status);
    expect(registry.events).toHaveLength(status === 201 ? 1 : 0);
    expect((await ask('HEAD', '/v2/app/manifests/v1')).status).toBe(status === 201 ? 200 : 404);
  });

  it('is refused under a digest that is not its own, and under a tag that is none', async () => {
    const { ask, code } = await open();
    const body = JSON.stringify(index());
    const put = (reference: string) =>
      ask('PUT', `/v2/app/manifests/${reference}`, { body, 'content-type': MediaType.ociIndex });
    expect(await code(await put(sha256('other')))).toBe('DIGEST_INVALID');
    expect(await code(await put('-v1'))).toBe('TAG_INVALID');
    expect((await put(sha256(body))).status).toBe(201);
  });
});

describe('lists', () => {
  it('referrers come in pages, by type where it is asked for, and as an empty index for what nobody refers to', async () => {
    const { ask, registry } = await open();
    const subject = await sample.imageOf([{ path: 'a', content: 'a' }]);
    await registry.push(subject, 'app', { tag: 'v1' });
    for (let i = 0; i < 5; i++) {
      const extra = {
        artifactType: i < 3 ? 'application/one+json' : 'application/two',
        annotations: { i: String(i) },
        subject: { mediaType: subject.mediaType, digest: subject.digest, size: 1 },
      };
      await registry.push(
        sample.makeArtifact({ configType: MediaType.ociEmpty, config: toBlob('{}'), layers: [], extra }),
        'app',
      );
    }
    const walk = async (path: string) => {
      const found: { artifactType: string; annotations: object; digest: string }[] = [];
      const filters = new Set<string | null>();
      for (let next: string | undefined = path; next !== undefined;) {
        const response = await ask('GET', next);
        filters.add(response.headers.get('oci-filters-applied'));
        found.push(...((await response.json()) as { manifests: typeof found }).manifests);
        next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
      }
      return { found, filters: [...filters] };
    };
    const path = `/v2/app/referrers/${subject.digest}`;
    const every = await walk(`${path}?n=2`);
    expect(new Set(every.found.map(({ digest }) => digest)).size).toBe(5);
    const filtered = await walk(`${path}?n=2&artifactType=${encodeURIComponent('application/one+json')}`);
    expect(filtered.filters).toEqual(['artifactType']);
    expect(filtered.found.map(({ artifactType }) => artifactType)).toEqual(Array(3).fill('application/one+json'));
    const none = await ask('GET', `/v2/app/referrers/${sha256('nobody')}`);
    expect([none.status, none.headers.get('content-type')]).toEqual([200, MediaType.ociIndex]);
    expect(await none.json()).toEqual({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] });
  });

  it('tags come in pages of the size asked for, after any name', async () => {
    const { ask, registry } = await open();
    const app = await sample.imageOf([{ path: 'a', content: 'a' }]);
    for (const tag of ['b', 'd', 'a']) await registry.push(app, 'app', { tag });
    const tags = async (query: string) =>
      ((await (await ask('GET', `/v2/app/tags/list${query}`)).json()) as { tags: string[] }).tags;
    expect(await tags('')).toEqual(['a', 'b', 'd']);
    expect(await tags('?n=0')).toEqual([]);
    expect(await tags('?n=1&last=b')).toEqual(['d']);
    expect(await tags('?last=c')).toEqual(['d']);
    expect(await tags('?last=z')).toEqual([]);
  });
});
