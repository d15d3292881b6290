import { describe, expect, it } from 'vitest';
import * as sample from '../../local/sample/image.js';
import { toBlob } from '../../local/sample/layer.js';
import type { Switches } from '../../local/registry/switches.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const REPOSITORY = parseRepository('app');
const V1 = parseTag('v1');

async function pushed(switches: Partial<Switches>) {
  const registry = await createTestRegistry(NOW, { switches });
  const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
  await registry.push(image, REPOSITORY, { tag: V1 });
  const key = parseKey({ registry: LOGIN_SERVER, repository: REPOSITORY, digest: image.digest });
  return { registry, client: registry.client, image, key };
}

describe('a registry whose HEAD does not see a lock', () => {
  it('is asked as a client asks, with GET', async () => {
    const { client, key } = await pushed({ readLockedHead: 'served' });
    await client.lock(key);
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, key.digest)).toEqual({ state: 'refused' });
    expect(await client.pullState(LOGIN_SERVER, REPOSITORY, V1)).toEqual({ state: 'refused' });
  });
});

describe('a registry without the referrers API', () => {
  it('has our referrers listed under the tag of their subject, beside what others listed there', async () => {
    const { registry, client, image, key } = await pushed({ referrersApi: 'off' });
    const subject = { key, mediaType: image.mediaType, size: image.bytes.byteLength };
    const theirs = sample.makeArtifact({
      configType: 'application/vnd.oci.empty.v1+json',
      config: toBlob('{}'),
      layers: [],
      extra: { artifactType: 'application/x', subject: { mediaType: image.mediaType, digest: image.digest, size: 1 } },
    });
    await registry.push(theirs, REPOSITORY);
    const ours = ['a', 'b'].map((name) => ({
      artifactType: 'application/sarif+json',
      bytes: Buffer.from(name),
      annotations: {},
      createdAt: NOW().toISOString(),
    }));
    // At once, so that one list replaces the other.
    const digests = await Promise.all(ours.map((referrer) => client.pushReferrer(subject, referrer)));
    await client.pushReferrer(subject, ours[0]!);
    const { descriptors } = await client.listReferrers(key, { maxDescriptors: 10, maxPages: 5 });
    expect(descriptors.map(({ digest }) => digest).toSorted()).toEqual([theirs.digest, ...digests].toSorted());
  });

  it('has its list left alone as long as the signatures in it are not kept', async () => {
    const { client, image, key } = await pushed({ referrersApi: 'off' });
    const subject = { key, mediaType: image.mediaType, size: image.bytes.byteLength };
    const mark = { artifactType: 'application/sarif+json', bytes: Buffer.from('a'), annotations: {} };
    const early = { ...mark, createdAt: NOW().toISOString(), mayRewriteList: false };
    await expect(client.pushReferrer(subject, early)).rejects.toMatchObject({ code: 'SIGNATURES_NOT_STORED' });
    const bounds = { maxDescriptors: 10, maxPages: 5 };
    expect((await client.listReferrers(key, bounds)).descriptors).toEqual([]);
    const digest = await client.pushReferrer(subject, { ...early, mayRewriteList: true });
    expect((await client.listReferrers(key, bounds)).descriptors).toMatchObject([{ digest }]);
  });
});

describe('a role that arrives late', () => {
  it('counts at once, though a token from before is still kept', async () => {
    const roles: { role: 'AcrDelete' | 'AcrPull' }[] = [{ role: 'AcrDelete' }];
    const registry = await createTestRegistry(NOW, {
      anonymous: false,
      identities: [
        { name: 'job', oid: 'job', roles },
        { name: 'developer', password: 'developer', roles: [{ role: 'AcrPush' }] },
      ],
      callers: { app: 'job', job: 'job', developer: 'developer' },
    });
    const image = await sample.imageOf([{ path: 'a', content: 'a' }]);
    await registry.push(image, REPOSITORY, { tag: V1 });
    const pull = () => registry.client.fetchManifest(LOGIN_SERVER, REPOSITORY, V1);
    await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_DENIED', retryable: true });
    roles.push({ role: 'AcrPull' });
    expect((await pull()).digest).toBe(image.digest);
  });
});
