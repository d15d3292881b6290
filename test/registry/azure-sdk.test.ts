import { createHash } from 'node:crypto';
import {
  ContainerRegistryClient,
  ContainerRegistryContentClient,
  type OciImageManifest,
} from '@azure/container-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listening, listenBoth } from '../../local/registry/listen.js';
import { createRegistry } from '../../local/registry/registry.js';
import { createMemoryStore } from '../../local/registry/store.js';
import { createLocalCertificates } from '../../local/tls/certificate.js';
import { type Handler, serve } from '../../local/web/node-adapter.js';
import { entraToken } from '../support/registry.js';

const REPOSITORY = 'team/app';
const credential = {
  getToken: () => Promise.resolve({ token: entraToken('sdk'), expiresOnTimestamp: Date.UTC(2100, 0) }),
};
const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe('the real @azure/container-registry, over TLS', () => {
  let listening: Listening;
  let content: ContainerRegistryContentClient;
  let client: ContainerRegistryClient;
  let blobs: Listening;
  beforeAll(async () => {
    const tls = await createLocalCertificates(new Date());
    const served: { handle?: Handler; blobHost?: Handler } = {};
    const mount = (pick: () => Handler | undefined) =>
      listenBoth(
        serve((request) => pick()?.(request) ?? Promise.resolve(new Response(null, { status: 503 }))),
        { port: 0, key: tls.key, cert: tls.certificate },
      );
    listening = await mount(() => served.handle);
    blobs = await mount(() => served.blobHost);
    const registry = await createRegistry({
      loginServer: `127.0.0.1:${listening.port}`,
      resourceId: '/r',
      store: createMemoryStore(),
      clock: () => new Date(),
      publish: () => Promise.resolve(),
      anonymous: false,
      roleMode: 'abac',
      identities: [
        {
          name: 'sdk',
          oid: 'sdk',
          roles: [
            { role: 'Container Registry Repository Contributor' },
            { role: 'Container Registry Repository Catalog Lister' },
          ],
        },
      ],
      // The other host: what carries a token there is refused.
      blobOrigin: `https://localhost:${blobs.port}`,
    });
    served.handle = registry.handle;
    served.blobHost = registry.blobHost!;
    const endpoint = `https://127.0.0.1:${listening.port}`;
    const options = { tlsOptions: { ca: tls.ca }, retryOptions: { maxRetries: 0 } };
    client = new ContainerRegistryClient(endpoint, credential, options);
    content = new ContainerRegistryContentClient(endpoint, REPOSITORY, credential, options);
  });
  afterAll(async () => {
    await listening.close();
    await blobs.close();
  });

  it('pushes, pulls through the redirect, lists, locks, untags and deletes', async () => {
    const layer = Buffer.alloc(5 * 1024 * 1024, 7);
    const uploaded = await content.uploadBlob(layer);
    const config = await content.uploadBlob(Buffer.from('{"architecture":"amd64","os":"linux"}'));
    const empty = await content.uploadBlob(Buffer.alloc(0));
    expect(uploaded).toEqual({
      digest: `sha256:${createHash('sha256').update(layer).digest('hex')}`,
      sizeInBytes: layer.byteLength,
    });
    expect(empty.sizeInBytes).toBe(0);
    const manifest: OciImageManifest = {
      schemaVersion: 2,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: config.digest,
        size: config.sizeInBytes,
      },
      layers: [
        { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: uploaded.digest, size: layer.byteLength },
      ],
    };
    const { digest } = await content.setManifest(manifest, { tag: 'v1' });
    expect((await content.setManifest(manifest)).digest).toBe(digest);
    const got = await content.getManifest('v1');
    expect([got.digest, got.mediaType]).toEqual([digest, 'application/vnd.oci.image.manifest.v1+json']);
    const pulled = await content.downloadBlob(uploaded.digest);
    const hash = createHash('sha256');
    for await (const chunk of pulled.content) hash.update(chunk as Buffer);
    expect(`sha256:${hash.digest('hex')}`).toBe(uploaded.digest);

    for (const tag of ['v2', 'v3']) await content.setManifest(manifest, { tag });
    expect(await collect(client.listRepositoryNames())).toEqual([REPOSITORY]);
    const repository = client.getRepository(REPOSITORY);
    expect(await repository.getProperties()).toMatchObject({ tagCount: 3, manifestCount: 1, canRead: true });
    const artifact = repository.getArtifact(digest);
    const tags: string[] = [];
    for await (const page of artifact
      .listTagProperties({ order: 'LastUpdatedOnDescending' })
      .byPage({ maxPageSize: 2 }))
      tags.push(...page.map(({ name }) => name));
    expect(tags.toSorted()).toEqual(['v1', 'v2', 'v3']);
    expect(await collect(repository.listManifestProperties())).toMatchObject([
      { digest, architecture: 'amd64', operatingSystem: 'linux', tags: ['v1', 'v2', 'v3'] },
    ]);

    expect(await artifact.updateManifestProperties({ canRead: false, canDelete: false })).toMatchObject({
      canRead: false,
      canDelete: false,
      canWrite: true,
    });
    await expect(content.getManifest(digest)).rejects.toMatchObject({
      statusCode: 405,
      details: { errors: [{ code: 'REGISTRY_DISALLOWED_OPERATION' }] },
    });
    await expect(content.deleteManifest(digest)).rejects.toMatchObject({ statusCode: 405 });
    await artifact.updateManifestProperties({ canRead: true, canDelete: true });
    expect(await artifact.updateTagProperties('v2', { canDelete: false })).toMatchObject({ canDelete: false });
    await expect(artifact.deleteTag('v2')).rejects.toMatchObject({ statusCode: 405 });
    expect(await artifact.getTagProperties('v2')).toMatchObject({ name: 'v2', digest, canDelete: false });
    await artifact.updateTagProperties('v2', { canDelete: true });
    await artifact.deleteTag('v2');
    expect(await repository.updateProperties({ canWrite: false })).toMatchObject({ canWrite: false });
    await expect(content.setManifest(manifest, { tag: 'v4' })).rejects.toMatchObject({ statusCode: 405 });
    await repository.updateProperties({ canWrite: true });

    // What is gone is gone, says the SDK, and cannot be told from what never was.
    await artifact.deleteTag('v2');
    await content.deleteBlob(`sha256:${'0'.repeat(64)}`);
    await content.deleteBlob(empty.digest);
    await artifact.delete();
    await artifact.delete();
    await expect(repository.getProperties()).rejects.toMatchObject({ statusCode: 404 });
    await client.deleteRepository(REPOSITORY);
  });

  it('deletes a whole repository', async () => {
    const { digest, sizeInBytes } = await content.uploadBlob(Buffer.from('{}'));
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: sizeInBytes };
    await content.setManifest({ schemaVersion: 2, config, layers: [] }, { tag: 'v1' });
    await client.deleteRepository(REPOSITORY);
    expect(await collect(client.listRepositoryNames())).toEqual([]);
  });
});
