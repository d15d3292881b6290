import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Artifact, debianFiles, makeArtifact, makeImage, makeIndex, npmFiles } from '../../local/sample/image.js';
import { type Blob, makeLayer, makeTar, toBlob } from '../../local/sample/layer.js';
import type { Digest } from '../../shared/artifact/digest.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { inspectImage } from '../../shared/pipeline/inspect-image.js';
import { LOGIN_SERVER, createTestRegistry } from '../support/registry.js';

const NOW = () => new Date('2026-06-01T12:00:00Z');
const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
const ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
const PLAIN = 'application/vnd.oci.image.layer.v1.tar';

const base = await makeLayer(debianFiles([['libssl3', 'openssl', '3.0.15-1~deb12u1']]));
const app = await makeLayer(npmFiles('minimist', '1.2.5'));

/** An image of any layers, whose configuration claims what it is told to. */
function imageOf(layers: readonly { type?: string; blob: Blob; urls?: string[] }[], config: unknown): Artifact {
  const blob = toBlob(JSON.stringify(config));
  const made = makeArtifact({
    configType: 'application/vnd.oci.image.config.v1+json',
    config: blob,
    layers: layers.map(({ type = GZIP, blob: layer }) => ({ type, blob: layer })),
  });
  const manifest = JSON.parse(Buffer.from(made.bytes).toString()) as { layers: object[] };
  layers.forEach(({ urls }, index) => urls && Object.assign(manifest.layers[index]!, { urls }));
  return { ...made, ...toBlob(JSON.stringify(manifest)) };
}

const claims = (...diffIds: Digest[]) => ({ rootfs: { type: 'layers', diff_ids: diffIds } });

async function inspect(artifact: Artifact, changes: { limit?: number; mangle?: (digest: string) => boolean } = {}) {
  const registry = await createTestRegistry(NOW);
  await registry.push(artifact, 'app');
  registry.faults.push((request) =>
    request.method === 'GET' && changes.mangle?.(request.url.split('/').at(-1) ?? '') === true
      ? new Response('other bytes')
      : undefined,
  );
  const key = parseKey({ registry: LOGIN_SERVER, repository: 'app', digest: artifact.digest });
  const deps = { maxImageBytes: changes.limit ?? 1_000_000, registry: registry.client };
  const outcome = await inspectImage(key, deps).then(
    () => 'fine',
    (error: unknown) => (error as { code: string }).code,
  );
  return { outcome, requests: registry.requests };
}

describe('what a scanner is shown', () => {
  const twice = (compress: (tar: Uint8Array) => Uint8Array) => toBlob(compress(tar));
  let tar: Uint8Array;
  it.each<readonly [string, () => Promise<Artifact> | Artifact, string]>([
    ['an honest image', () => makeImage([base, app]), 'fine'],
    ['one layer twice', () => makeImage([base, app, app]), 'fine'],
    ['an image without layers', () => makeImage([]), 'fine'],
    [
      'the same content in three compressions',
      async () => {
        tar = await makeTar(npmFiles('minimist', '1.2.6'));
        const diffId = digestOf(tar);
        return imageOf(
          [
            { blob: twice(gzipSync) },
            { type: ZSTD, blob: twice(zstdCompressSync) },
            { type: PLAIN, blob: twice((bytes) => bytes) },
          ],
          claims(diffId, diffId, diffId),
        );
      },
      'fine',
    ],
    [
      'a layer behind the name of the one above',
      () => makeImage([base, app], undefined, [app.diffId, app.diffId]),
      'LAYER_MISMATCH',
    ],
    [
      'a layer behind the name of the one below',
      () => makeImage([base, app], undefined, [base.diffId, base.diffId]),
      'LAYER_MISMATCH',
    ],
    [
      'two layers behind the name of neither',
      () => makeImage([base, app], undefined, [digestOf('x'), digestOf('x')]),
      'LAYER_MISMATCH',
    ],
    ['fewer names than layers', () => makeImage([base, app], undefined, [base.diffId]), 'LAYER_MISMATCH'],
    ['more names than layers', () => makeImage([base], undefined, [base.diffId, app.diffId]), 'LAYER_MISMATCH'],
    ['a configuration that is none', () => imageOf([{ blob: base }], { architecture: 'amd64' }), 'CONFIG_MALFORMED'],
    [
      'a layer from somewhere else',
      () => imageOf([{ blob: base, urls: ['http://169.254.169.254/'] }], claims(base.diffId)),
      'FOREIGN_LAYER',
    ],
    [
      'a layer of a strange type',
      () => imageOf([{ blob: base }, { type: 'application/x', blob: app }], claims(base.diffId, app.diffId)),
      'LAYER_UNSUPPORTED',
    ],
    [
      'an index',
      () => makeIndex([{ image: makeImage([base]), platform: { os: 'linux', architecture: 'amd64' } }]),
      'NOT_AN_IMAGE',
    ],
  ])('%s', async (_, make, expected) => {
    expect((await inspect(await make())).outcome).toBe(expected);
  });

  it('is looked at without a pull of any layer, as long as no two share a name', async () => {
    const { requests } = await inspect(makeImage([base, app]));
    expect(requests.filter((request) => request.includes('/blobs/') && request.startsWith('GET'))).toHaveLength(1);
  });
  it('is refused before any pull where it is too large', async () => {
    const { outcome, requests } = await inspect(makeImage([base, app]), { limit: 100 });
    expect(outcome).toBe('TOO_LARGE');
    expect(requests.filter((request) => request.includes('/blobs/') && request.startsWith('GET'))).toEqual([]);
  });
  it('is not believed where the registry serves another layer, or another configuration', async () => {
    const shared = makeImage([base, app], undefined, [base.diffId, base.diffId]);
    expect((await inspect(shared, { mangle: (digest) => digest === base.digest })).outcome).toBe('DIGEST_MISMATCH');
    const config = shared.blobs[0]!.digest;
    expect((await inspect(shared, { mangle: (digest) => digest === config })).outcome).toBe('DIGEST_MISMATCH');
  });
});
