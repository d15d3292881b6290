import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { signBundle, generateKeyPair } from '../../local/signer/signer.js';
import { LIMITS } from '../../local/registry/throttle.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { createClock } from '../support/clock.js';
import { LOGIN_SERVER, type TestRegistryOptions, createTestRegistry } from '../support/registry.js';

const DAY = 86_400_000;
const APP = parseRepository('app');
const image = (name: string) => sample.imageOf([{ path: 'name', content: name }]);

async function open(options: TestRegistryOptions) {
  const clock = createClock();
  const registry = await createTestRegistry(clock.now, options);
  const keyOf = (digest: string) => parseKey({ registry: LOGIN_SERVER, repository: APP, digest });
  return { clock, registry, client: registry.client, keyOf };
}

describe('retention of untagged manifests', () => {
  it('deletes what has been untagged for so long, spares what is locked, tagged or held, and tells of it', async () => {
    const { clock, registry, client, keyOf } = await open({ retentionDays: 7 });
    const [tagged, loose, locked, child] = [await image('a'), await image('b'), await image('c'), await image('d')];
    const index = sample.makeIndex([{ image: child, platform: { os: 'linux', architecture: 'amd64' } }]);
    await registry.push(tagged, APP, { tag: 'v1' });
    await registry.push(signBundle(tagged, generateKeyPair()), APP);
    for (const [artifact, tag] of [
      [loose, 'loose'],
      [locked, 'locked'],
      [index, 'index'],
    ] as const)
      await registry.push(artifact, APP, { tag });
    clock.advance(10 * DAY);
    await client.untag(LOGIN_SERVER, APP, parseTag('loose'));
    await client.untag(LOGIN_SERVER, APP, parseTag('locked'));
    await client.lock(keyOf(locked.digest));
    registry.events.splice(0);
    clock.advance(6 * DAY);
    await registry.registry.tick();
    expect(await client.observe(keyOf(loose.digest))).toBeDefined();
    clock.advance(2 * DAY);
    await registry.registry.tick();
    expect(await client.observe(keyOf(loose.digest))).toBeUndefined();
    for (const { digest } of [tagged, locked, child, index]) expect(await client.observe(keyOf(digest))).toBeDefined();
    expect(registry.events).toMatchObject([
      { eventType: 'Microsoft.ContainerRegistry.ImageDeleted', data: { target: { digest: loose.digest } } },
    ]);
    expect(
      (await client.listReferrers(keyOf(tagged.digest), { maxDescriptors: 9, maxPages: 1 })).descriptors,
    ).toHaveLength(1);
  });

  it('takes the last manifest of a repository with the repository', async () => {
    const { clock, registry } = await open({ retentionDays: 1 });
    await registry.push(await image('a'), APP);
    clock.advance(2 * DAY);
    await registry.registry.tick();
    expect(await registry.pull(APP, 'v1')).toBe(404);
    const catalog = await registry.fetch(`https://${LOGIN_SERVER}/oauth2/token?scope=registry:catalog:*`);
    const { token } = (await catalog.json()) as { token: string };
    const headers = { authorization: `Bearer ${token}` };
    const list = await registry.fetch(`https://${LOGIN_SERVER}/v2/_catalog`, { headers });
    expect(await list.json()).toEqual({ repositories: [] });
  });
});

describe('throttling', () => {
  it('answers 429 with the seconds to wait, counted down, to one caller and not to another', async () => {
    const identities = ['a', 'b'].map((name) => ({ name, password: name, roles: [{ role: 'AcrPull' as const }] }));
    const { clock, registry } = await open({
      anonymous: false,
      identities,
      // 4 referrer listings a minute for each caller, 8 for the registry.
      throttling: { sku: 'standard', scale: 4 / LIMITS.standard.referrers.identity },
    });
    const ask = (name: string, path = `/v2/app/referrers/sha256:${'0'.repeat(64)}`) =>
      registry.fetch(`https://${LOGIN_SERVER}${path}`, {
        headers: { authorization: `Basic ${Buffer.from(`${name}:${name}`).toString('base64')}` },
      });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await ask('a')).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429]);
    const first = await ask('a');
    expect(first.headers.get('retry-after')).toBe('15');
    expect(await first.json()).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] });
    clock.advance(5000);
    expect((await ask('a')).headers.get('retry-after')).toBe('10');
    expect((await ask('b')).status).toBe(200);
    expect((await ask('a', '/v2/app/tags/list')).status).toBe(404);
    clock.advance(10_000);
    expect((await ask('a')).status).toBe(200);
  });
});

describe('scripted faults', () => {
  it('answer as written, so often as written, and nothing else', async () => {
    const { registry } = await open({
      faults: [{ method: 'GET', path: '/manifests/', after: 1, times: 2, status: 503, code: 'UNAVAILABLE' }],
    });
    await registry.push(await image('a'), APP, { tag: 'v1' });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push(await registry.pull(APP, 'v1'));
    // The first GET of a pull has no token yet.
    expect(statuses).toEqual([503, 503, 200, 200, 200]);
  });
});

describe('a registry of two regions', () => {
  const options = { location: 'westeurope', replicas: [{ name: 'northeurope', lagMilliseconds: 60_000 }] };
  const from = (region: string, tag: string) => `https://team.${region}.geo.azurecr.test/v2/app/manifests/${tag}`;
  const basic = async (registry: Awaited<ReturnType<typeof open>>['registry']) => {
    const url = `https://${LOGIN_SERVER}/oauth2/token?scope=repository:app:pull,push`;
    const { token } = (await (await registry.fetch(url)).json()) as { token: string };
    return { authorization: `Bearer ${token}` };
  };

  it('does not know a manifest until it has arrived, and raises one event for each region', async () => {
    const { clock, registry } = await open(options);
    await registry.push(await image('a'), APP, { tag: 'v1' });
    const headers = await basic(registry);
    const away = () => registry.fetch(from('northeurope', 'v1'), { headers });
    expect([(await away()).status, (await registry.fetch(from('westeurope', 'v1'), { headers })).status]).toEqual([
      404, 200,
    ]);
    expect(registry.events).toHaveLength(1);
    clock.advance(60_000);
    expect((await away()).status).toBe(200);
    expect(registry.events).toMatchObject([
      { subject: 'app:v1', data: { location: 'westeurope' } },
      { subject: 'app:v1', data: { location: 'northeurope' } },
    ]);
  });

  it('raises one event in all where the switch says so', async () => {
    const { clock, registry } = await open({ ...options, switches: { replicaEvent: 'off' } });
    await registry.push(await image('a'), APP, { tag: 'v1' });
    clock.advance(60_000);
    await registry.registry.tick();
    expect(registry.events).toHaveLength(1);
  });

  it('undoes a lock by an older record of the same manifest that arrives from the other region', async () => {
    const { clock, registry, client, keyOf } = await open(options);
    const bad = await image('bad');
    await registry.push(bad, APP, { tag: 'v1' });
    clock.advance(60_000);
    const headers = { ...(await basic(registry)), 'content-type': bad.mediaType };
    const put = { method: 'PUT', headers, body: Buffer.from(bad.bytes) };
    expect((await registry.fetch(from('northeurope', 'v2'), put)).status).toBe(201);
    clock.advance(1000);
    await client.lock(keyOf(bad.digest));
    expect(await client.observe(keyOf(bad.digest))).toMatchObject({ attributes: { readEnabled: false } });
    clock.advance(60_000);
    expect(await client.observe(keyOf(bad.digest))).toMatchObject({
      attributes: { readEnabled: true },
      tags: ['v1', 'v2'],
    });
    // The lock holds where the record came from, since it arrived there last.
    expect((await registry.fetch(from('northeurope', 'v1'), { headers })).status).toBe(405);
  });
});

describe('an import', () => {
  it('copies an image with its platforms and without its referrers, and may move a locked tag', async () => {
    const { registry, client, keyOf } = await open({ switches: { importEvent: 'on' } });
    const [child, old] = [await image('child'), await image('old')];
    const index = sample.makeIndex([{ image: child, platform: { os: 'linux', architecture: 'amd64' } }]);
    await registry.push(index, 'base', { tag: 'v1' });
    await registry.push(signBundle(index, generateKeyPair()), 'base');
    await registry.push(old, APP, { tag: 'v1' });
    registry.events.splice(0);
    const request = { from: { repository: 'base', reference: 'v1' }, to: { repository: 'app', tag: 'v1' } };
    await expect(registry.registry.importImage(request)).rejects.toMatchObject({ status: 409 });
    await registry.registry.importImage({ ...request, force: true });
    expect(await client.resolveTag(LOGIN_SERVER, APP, parseTag('v1'))).toBe(index.digest);
    expect(await registry.pull(APP, child.digest)).toBe(200);
    expect((await client.listReferrers(keyOf(index.digest), { maxDescriptors: 9, maxPages: 1 })).descriptors).toEqual(
      [],
    );
    expect(registry.events).toMatchObject([{ subject: 'app:v1' }]);
    expect(registry.events[0]!.data).not.toHaveProperty('request');
  });
});
