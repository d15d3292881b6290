import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { toCloudEvent } from '../../local/registry/event.js';
import { parseRegistryEvent } from '../../shared/message/registry-event.js';
import { createClock } from '../support/clock.js';
import { LOGIN_SERVER, RESOURCE_ID, type TestRegistryOptions, createTestRegistry } from '../support/registry.js';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/) as string;
const OPEN = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };
const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);

async function open(options: TestRegistryOptions = {}) {
  const clock = createClock();
  const registry = await createTestRegistry(clock.now, options);
  const scope = 'repository:team/app:* repository:mailhog:* registry:catalog:*';
  const answer = await registry.fetch(`https://${LOGIN_SERVER}/oauth2/token?scope=${encodeURIComponent(scope)}`);
  const { token } = (await answer.json()) as { token: string };
  const ask = async (method: string, path: string, body?: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await registry.fetch(new URL(path, `https://${LOGIN_SERVER}`), init);
    const text = await response.text();
    const link = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
    return { status: response.status, link, json: (text === '' ? undefined : JSON.parse(text)) as never };
  };
  /** Follows links as the SDK does, and returns the names of all items. */
  const walk = async (path: string, read: (page: Record<string, unknown>) => readonly string[]) => {
    const names: string[] = [];
    const links: string[] = [];
    for (let next: string | undefined = path; next !== undefined;) {
      const { json, link } = await ask('GET', next);
      names.push(...read(json));
      next = link;
      if (link !== undefined) links.push(link);
    }
    return { names, links };
  };
  return { clock, registry, ask, walk };
}

describe("the service's own interface", () => {
  it('tells of repository, tag and manifest in its shapes', async () => {
    const { registry, ask } = await open();
    const app = await image('a');
    await registry.push(app, 'team/app', { tag: 'v1' });
    const head = { registry: LOGIN_SERVER, imageName: 'team/app' };
    expect((await ask('GET', '/acr/v1/team%2Fapp')).json).toEqual({
      ...head,
      createdTime: TIME,
      lastUpdateTime: TIME,
      manifestCount: 1,
      tagCount: 1,
      changeableAttributes: OPEN,
    });
    const times = { createdTime: TIME, lastUpdateTime: TIME };
    const tag = { name: 'v1', digest: app.digest, ...times, signed: false, changeableAttributes: OPEN };
    expect((await ask('GET', '/acr/v1/team/app/_tags')).json).toEqual({ ...head, tags: [tag] });
    expect((await ask('GET', '/acr/v1/team%2Fapp/_tags/v1')).json).toEqual({ ...head, tag });
    const manifest = {
      digest: app.digest,
      imageSize: app.bytes.byteLength + app.blobs.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
      ...times,
      architecture: 'amd64',
      os: 'linux',
      mediaType: app.mediaType,
      configMediaType: 'application/vnd.oci.image.config.v1+json',
      tags: ['v1'],
      changeableAttributes: OPEN,
    };
    const path = `/acr/v1/team%2Fapp/_manifests/${encodeURIComponent(app.digest)}`;
    expect((await ask('GET', path)).json).toEqual({ ...head, manifest });
    const patched = (await ask('PATCH', path, '{"readEnabled":false,"unknown":1}')).json;
    expect(patched).toEqual({
      ...head,
      manifest: { ...manifest, changeableAttributes: { ...OPEN, readEnabled: false } },
    });
    await ask('DELETE', '/acr/v1/team/app/_tags/v1');
    expect((await ask('GET', '/acr/v1/team/app/_manifests')).json).toMatchObject({
      manifests: [{ digest: app.digest, changeableAttributes: { readEnabled: false } }],
    });
    expect(((await ask('GET', path)).json as { manifest: object }).manifest).not.toHaveProperty('tags');
  });

  it("lists an index's platforms as references", async () => {
    const { registry, ask } = await open();
    const child = await image('child');
    const index = sample.makeIndex([{ image: child, platform: { os: 'linux', architecture: 'arm64' } }]);
    await registry.push(index, 'team/app', { tag: 'v1' });
    expect((await ask('GET', `/acr/v1/team/app/_manifests/${index.digest}`)).json).toMatchObject({
      manifest: { references: [{ digest: child.digest, architecture: 'arm64', os: 'linux' }] },
    });
  });

  it('pages by relative links with an orderby at their end, and keeps the order that was asked for', async () => {
    const { clock, registry, walk } = await open();
    const app = await image('a');
    for (const tag of ['c', 'a', 'b']) {
      clock.advance(1000);
      await registry.push(app, 'team/app', { tag });
    }
    const tags = (page: Record<string, unknown>) => (page['tags'] as { name: string }[]).map(({ name }) => name);
    const plain = await walk('/acr/v1/team%2Fapp/_tags?n=2', tags);
    expect(plain).toEqual({ names: ['a', 'b', 'c'], links: ['/acr/v1/team/app/_tags?last=b&n=2&orderby='] });
    expect((await walk('/acr/v1/team/app/_tags?n=1&orderby=timedesc', tags)).names).toEqual(['b', 'a', 'c']);
    expect((await walk('/acr/v1/team/app/_tags?n=2&orderby=timeasc', tags)).names).toEqual(['c', 'a', 'b']);
    expect((await walk(`/acr/v1/team/app/_tags?digest=${app.digest}`, tags)).names).toHaveLength(3);
    const oci = await walk('/v2/team/app/tags/list?n=2', (page) => page['tags'] as string[]);
    expect(oci).toEqual({ names: ['a', 'b', 'c'], links: ['/v2/team/app/tags/list?last=b&n=2'] });
    for (const name of ['x', 'y', 'z']) await registry.push(app, name, { tag: 'v1' });
    const catalog = await walk('/acr/v1/_catalog?n=3', (page) => page['repositories'] as string[]);
    expect(catalog.names).toEqual(['team/app', 'x', 'y', 'z']);
    expect(catalog.links).toEqual(['/acr/v1/_catalog?last=y&n=3&orderby=']);
  });

  it.each([
    [
      'GET',
      '/acr/v1/mailhog',
      404,
      { code: 'NAME_UNKNOWN', message: 'repository name not known to registry', detail: { name: 'mailhog' } },
    ],
    [
      'GET',
      '/v2/team/app/manifests/latest',
      404,
      {
        code: 'MANIFEST_UNKNOWN',
        message: 'manifest tagged by "latest" is not found',
        detail: { reference: 'latest' },
      },
    ],
    ['DELETE', '/acr/v1/team/app/_tags/latest', 404, { code: 'TAG_UNKNOWN' }],
    ['DELETE', `/v2/team/app/manifests/sha256:${'0'.repeat(64)}`, 404, { code: 'MANIFEST_UNKNOWN' }],
    ['DELETE', '/v2/team/app/manifests/v1', 405, { code: 'UNSUPPORTED' }],
    ['GET', `/v2/team/app/blobs/sha256:${'0'.repeat(64)}`, 404, { code: 'BLOB_UNKNOWN' }],
    ['PUT', '/v2/team/app/manifests/v2', 400, { code: 'MANIFEST_INVALID' }],
    ['POST', '/acr/v1/team/app/_tags', 405, { code: 'UNSUPPORTED' }],
    ['GET', '/v2/team/app/%zz', 400, { code: 'NAME_INVALID' }],
    ['GET', '/v2/Team/app/tags/list', 404, { code: 'NOT_FOUND' }],
  ])('refuses %s %s with %i', async (method, path, status, error) => {
    const { registry, ask } = await open();
    await registry.push(await image('a'), 'team/app', { tag: 'v1' });
    const answer = await ask(method, path, method === 'PUT' ? '{' : undefined);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ errors: [error] });
  });

  it('deletes a subject with its referrers and their referrers, and forgets an empty repository', async () => {
    const { registry, ask } = await open({ switches: { cascadeEvent: 'on' } });
    const [app, other] = [await image('a'), await image('b')];
    const refer = (subject: sample.Artifact, name: string) =>
      sample.makeArtifact({
        configType: 'application/x',
        config: app.blobs[0]!,
        layers: [],
        extra: { artifactType: name, subject: { mediaType: subject.mediaType, digest: subject.digest, size: 1 } },
      });
    const first = refer(app, 'first');
    const second = refer(first, 'second');
    await registry.push(app, 'team/app', { tag: 'v1' });
    await registry.push(first, 'team/app');
    await registry.push(second, 'team/app');
    await registry.push(other, 'team/app', { tag: 'v2' });
    registry.events.splice(0);
    expect((await ask('DELETE', `/v2/team/app/manifests/${app.digest}`)).status).toBe(202);
    expect((await ask('GET', '/acr/v1/team/app')).json).toMatchObject({ manifestCount: 1, tagCount: 1 });
    expect(registry.events.map(({ subject }) => subject)).toEqual(['team/app', 'team/app', 'team/app']);
    await ask('DELETE', `/v2/team/app/manifests/${other.digest}`);
    expect((await ask('GET', '/acr/v1/team/app')).status).toBe(404);
  });
});

describe('the events', () => {
  it('have the members of the published examples, and no other', async () => {
    const { registry, ask } = await open({ location: 'westus' });
    const app = await image('a');
    await registry.push(app, 'team/app', { tag: 'v1' });
    await registry.push(app, 'team/app');
    await ask('DELETE', '/acr/v1/team/app/_tags/v1');
    await ask('DELETE', `/v2/team/app/manifests/${app.digest}`);
    const guid = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;
    const size = app.bytes.byteLength;
    const target = { mediaType: app.mediaType, digest: app.digest, repository: 'team/app' };
    const request = { id: guid, host: LOGIN_SERVER, method: 'PUT', useragent: expect.any(String) as string };
    const data = { id: guid, timestamp: TIME, action: 'push', location: 'westus', request };
    const envelope = { id: guid, topic: RESOURCE_ID, dataVersion: '2.0', metadataVersion: '1', eventTime: TIME };
    const pushed = { ...envelope, eventType: 'Microsoft.ContainerRegistry.ImagePushed' };
    expect(registry.events).toEqual([
      { ...pushed, subject: 'team/app:v1', data: { ...data, target: { ...target, size, length: size, tag: 'v1' } } },
      { ...pushed, subject: 'team/app', data: { ...data, target: { ...target, size, length: size } } },
      {
        ...envelope,
        eventType: 'Microsoft.ContainerRegistry.ImageDeleted',
        subject: 'team/app',
        data: { ...data, action: 'delete', target, request: { ...request, method: 'DELETE' } },
      },
    ]);
    expect((registry.events[0]!.data as { id: string }).id).toBe(registry.events[0]!.id);
  });

  it('name a connected registry, and fit into the other envelope; the app reads both', async () => {
    const { clock, registry } = await open({
      connectedRegistry: 'edge1',
      switches: { taglessSubject: 'repository@digest' },
    });
    const app = await image('a');
    await registry.push(app, 'team/app');
    const [event] = registry.events;
    expect(event).toMatchObject({
      topic: `${RESOURCE_ID}/connectedRegistries/edge1`,
      subject: `team/app@${app.digest}`,
      data: { connectedRegistry: { name: 'edge1' } },
    });
    const cloud = toCloudEvent(event!);
    expect(Object.keys(cloud).toSorted()).toEqual(['data', 'id', 'source', 'specversion', 'subject', 'time', 'type']);
    const read = { action: 'push', resourceId: RESOURCE_ID, repository: 'team/app', digest: app.digest };
    for (const form of [event, cloud]) expect(parseRegistryEvent(form, clock.now())).toMatchObject(read);
  });
});
