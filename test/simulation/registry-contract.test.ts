import { beforeEach, describe, expect, it } from 'vitest';
import type { RegistryEvent } from '../../local/registry/event.js';
import type { Artifact } from '../../local/sample/image.js';
import { imageOf, indexOf, signatureOf } from '../../local/simulation/images.js';
import { createMemoryClient } from '../../local/simulation/memory-client.js';
import { createMemoryRegistry } from '../../local/simulation/memory-registry.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import type { RegistryClient } from '../../shared/registry/registry-client.js';
import { LOGIN_SERVER, RESOURCE_ID, createTestRegistry } from '../support/registry.js';

/** One registry, as users and Lazaret reach it. */
interface Subject {
  readonly client: RegistryClient;
  readonly push: (artifact: Artifact, tag?: string) => Promise<void>;
  /** The status that a user's deletion gets. */
  readonly remove: (digest: string) => Promise<number>;
  readonly events: readonly RegistryEvent[];
}

const REPOSITORY = parseRepository('team/app');
const NOW = () => new Date('2026-06-01T12:00:00.000Z');
const [V1, V2] = ['v1', 'v2'].map(parseTag) as [ReturnType<typeof parseTag>, ReturnType<typeof parseTag>];

async function emulator(): Promise<Subject> {
  const registry = await createTestRegistry(NOW);
  return {
    client: registry.client,
    events: registry.events,
    push: (artifact, tag) => registry.push(artifact, REPOSITORY, tag === undefined ? {} : { tag }),
    remove: async (digest) => {
      const url = `https://${LOGIN_SERVER}/v2/${REPOSITORY}/manifests/${digest}`;
      const challenge = (await registry.fetch(url, { method: 'DELETE' })).headers.get('www-authenticate') ?? '';
      const realm = new URL(/realm="([^"]*)"/.exec(challenge)?.[1] ?? '');
      realm.searchParams.set('service', LOGIN_SERVER);
      realm.searchParams.set('scope', `repository:${REPOSITORY}:delete`);
      const { access_token: token } = (await (await registry.fetch(realm)).json()) as { access_token: string };
      const headers = { authorization: `Bearer ${token}` };
      return (await registry.fetch(url, { method: 'DELETE', headers })).status;
    },
  };
}

function memory(): Promise<Subject> {
  const events: RegistryEvent[] = [];
  const registry = createMemoryRegistry({
    loginServer: LOGIN_SERVER,
    resourceId: RESOURCE_ID,
    clock: NOW,
    publish: (event) => events.push(event),
  });
  return Promise.resolve({
    client: createMemoryClient(new Map([[LOGIN_SERVER, registry]]), (_name, apply) => apply()),
    events,
    push: (artifact, tag) => {
      for (const child of artifact.children) registry.put(REPOSITORY, child);
      for (const { digest, bytes } of artifact.blobs) registry.blobs.set(digest, bytes);
      registry.put(REPOSITORY, artifact, tag);
      return Promise.resolve();
    },
    remove: (digest) => {
      const taken = registry.remove(REPOSITORY, digest);
      return Promise.resolve(taken === 'done' ? 202 : taken === 'refused' ? 405 : 404);
    },
  });
}

describe.each([
  ['the emulator', emulator],
  ['the registry of the simulation', memory],
])('%s', (_name, open) => {
  const good = imageOf('good', 1);
  const bad = imageOf('critical', 1);
  const keyOf = ({ digest }: Pick<Artifact, 'digest'>) => ({ registry: LOGIN_SERVER, repository: REPOSITORY, digest });
  let subject: Subject;
  beforeEach(async () => {
    subject = await open();
  });

  it('serves what was pushed, by tag and by digest, and nothing else', async () => {
    await subject.push(good, V1);
    const { client } = subject;
    const byTag = await client.fetchManifest(LOGIN_SERVER, REPOSITORY, V1);
    expect({ digest: byTag.digest, mediaType: byTag.mediaType }).toEqual({
      digest: good.digest,
      mediaType: MediaType.ociManifest,
    });
    expect(Buffer.from(byTag.bytes)).toEqual(Buffer.from(good.bytes));
    expect((await client.fetchManifest(LOGIN_SERVER, REPOSITORY, good.digest)).digest).toBe(good.digest);
    expect(await client.resolveTag(LOGIN_SERVER, REPOSITORY, V1)).toBe(good.digest);
    expect(await client.resolveTag(LOGIN_SERVER, REPOSITORY, V2)).toBeUndefined();
    await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, bad.digest)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      retryable: true,
    });
    expect(await client.observe(keyOf(bad))).toBeUndefined();
  });

  it('moves a tag, and forgets the older digest under it', async () => {
    await subject.push(bad, V1);
    await subject.push(bad, V2);
    await subject.push(good, V1);
    expect(await subject.client.observe(keyOf(bad))).toEqual({
      attributes: { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true },
      tags: [V2],
    });
    expect(await subject.client.resolveTag(LOGIN_SERVER, REPOSITORY, V1)).toBe(good.digest);
  });

  it('refuses what is locked, by digest and by tag, and keeps it from being deleted', async () => {
    await subject.push(bad, V1);
    const { client } = subject;
    expect(await client.lock(keyOf(bad))).toBe('done');
    expect(await client.lock(keyOf(bad))).toBe('done');
    for (const reference of [bad.digest, V1]) {
      expect(await client.pullState(LOGIN_SERVER, REPOSITORY, reference)).toEqual({ state: 'refused' });
      await expect(client.fetchManifest(LOGIN_SERVER, REPOSITORY, reference)).rejects.toMatchObject({
        code: 'QUARANTINED',
        retryable: false,
      });
    }
    expect(await subject.remove(bad.digest)).toBe(405);
    expect(await client.retag(keyOf(bad), V2)).toBe('refused');
    expect(await client.untag(LOGIN_SERVER, REPOSITORY, V1)).toBe('done');
    expect(await client.untag(LOGIN_SERVER, REPOSITORY, V1)).toBe('done');
    // A push of the same digest is let through, since it may be written.
    await subject.push(bad, V2);
    expect((await client.observe(keyOf(bad)))?.tags).toEqual([V2]);
    const open = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
    expect(await client.unlock(keyOf(bad), open)).toBe('done');
    expect((await client.observe(keyOf(bad)))?.attributes).toEqual(open);
    expect(await client.lock(keyOf(good))).toBe('gone');
  });

  it('tags again, with an event like any push', async () => {
    await subject.push(good, V1);
    expect(await subject.client.retag(keyOf(good), V2)).toBe('done');
    expect(await subject.client.resolveTag(LOGIN_SERVER, REPOSITORY, V2)).toBe(good.digest);
    expect(await subject.client.retag(keyOf(bad), V2)).toBe('gone');
    expect(subject.events.map(({ subject: name }) => name)).toEqual([`${REPOSITORY}:v1`, `${REPOSITORY}:v2`]);
  });

  it('lists what refers to a digest, and deletes it with the digest', async () => {
    const { artifact: signature } = signatureOf(good, { signer: 'trusted', form: 'bundle' });
    const bounds = { maxDescriptors: 100, maxPages: 2 };
    await subject.push(signature);
    await subject.push(good, V1);
    const bytes = Buffer.from('{}');
    const mark = await subject.client.pushReferrer(
      { key: keyOf(good), mediaType: good.mediaType, size: good.bytes.byteLength },
      { artifactType: MediaType.sarif, bytes, annotations: {}, createdAt: NOW().toISOString() },
    );
    const { descriptors, truncated } = await subject.client.listReferrers(keyOf(good), bounds);
    expect(truncated).toBe(false);
    expect(new Map(descriptors.map(({ digest, artifactType }) => [digest, artifactType]))).toEqual(
      new Map([
        [signature.digest, MediaType.sigstoreBundle],
        [mark, MediaType.sarif],
      ]),
    );
    const payload = { mediaType: MediaType.sarif, digest: digestOf(bytes), size: 2 };
    expect(Buffer.from(await subject.client.fetchBlob(keyOf(good), payload, 10))).toEqual(bytes);
    expect(await subject.remove(good.digest)).toBe(202);
    expect(await subject.remove(good.digest)).toBe(404);
    expect((await subject.client.listReferrers(keyOf(good), bounds)).descriptors).toEqual([]);
    expect(await subject.client.resolveTag(LOGIN_SERVER, REPOSITORY, V1)).toBeUndefined();
  });

  it('tells of each push and deletion in the same words', async () => {
    const index = indexOf([good, bad]);
    await subject.push(index, V1);
    await subject.remove(bad.digest);
    const told = subject.events.map(({ eventType, topic, subject: name, data }) => {
      const { action, target } = data as { action: string; target: Record<string, unknown> };
      const { digest, tag, repository, mediaType } = target;
      return { eventType, topic, name, action, digest, tag, repository, mediaType };
    });
    const common = { topic: RESOURCE_ID, repository: REPOSITORY };
    const pushed = { ...common, eventType: 'Microsoft.ContainerRegistry.ImagePushed', action: 'push' };
    const image = { mediaType: MediaType.ociManifest, name: REPOSITORY, tag: undefined };
    expect(told).toEqual([
      { ...pushed, ...image, digest: good.digest },
      { ...pushed, ...image, digest: bad.digest },
      { ...pushed, name: `${REPOSITORY}:v1`, tag: V1, digest: index.digest, mediaType: MediaType.ociIndex },
      {
        ...common,
        ...image,
        eventType: 'Microsoft.ContainerRegistry.ImageDeleted',
        action: 'delete',
        digest: bad.digest,
      },
    ]);
  });
});
