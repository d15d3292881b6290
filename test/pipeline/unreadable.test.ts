import { describe, expect, it } from 'vitest';
import { toBlob } from '../../local/sample/layer.js';
import * as sample from '../../local/sample/image.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { createLine, onePolicy } from '../support/line.js';
import { RESOURCE_ID } from '../support/registry.js';

const LOCKS = onePolicy('vulnerabilities: { fail: CRITICAL }\nonPush: lock');

/** A registry that holds, beside what was pushed, manifests that no strict registry would take. */
async function lineHolding(manifests: readonly { readonly bytes: Uint8Array; readonly mediaType: string }[]) {
  const line = await createLine(LOCKS);
  const held = manifests.map((manifest) => ({ ...manifest, ...toBlob(manifest.bytes) }));
  const byDigest = new Map<string, (typeof held)[number]>(held.map((manifest) => [manifest.digest, manifest]));
  const locked: string[] = [];
  const { fetchManifest, observe, lock, pullState } = line.registry.client;
  const open = { readEnabled: true, writeEnabled: true, deleteEnabled: true, listEnabled: true };
  Object.assign(line.registry.client, {
    fetchManifest: (...args: Parameters<typeof fetchManifest>) => {
      const found = byDigest.get(args[2]);
      return found === undefined ? fetchManifest(...args) : Promise.resolve(found);
    },
    observe: (key: Parameters<typeof observe>[0]) =>
      byDigest.has(key.digest) ? Promise.resolve({ attributes: open, tags: [] }) : observe(key),
    lock: (key: Parameters<typeof lock>[0]) => {
      if (!byDigest.has(key.digest)) return lock(key);
      locked.push(key.digest);
      return Promise.resolve('done' as const);
    },
    pullState: (...args: Parameters<typeof pullState>) =>
      byDigest.has(args[2])
        ? Promise.resolve({ state: locked.includes(args[2]) ? 'refused' : 'served' })
        : pullState(...args),
  });
  const push = (digest: string) =>
    line.app.receive({
      topic: RESOURCE_ID,
      eventType: 'Microsoft.ContainerRegistry.ImagePushed',
      data: { timestamp: line.clock.now().toISOString(), target: { digest, repository: 'app' } },
    });
  return { line, held, locked, push };
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('a manifest that somebody else may be able to run, and we cannot read', () => {
  it.each([
    ['is malformed', { bytes: json({ schemaVersion: 2 }), mediaType: MediaType.ociManifest }, 'INVALID_MANIFEST'],
    [
      'is an image and an index at once',
      {
        bytes: json({ schemaVersion: 2, config: descriptor('c'), layers: [], manifests: [] }),
        mediaType: MediaType.ociManifest,
      },
      'INVALID_MANIFEST',
    ],
    [
      'is of a retired schema',
      { bytes: json({ schemaVersion: 1 }), mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
      'LEGACY_MANIFEST',
    ],
  ])('is inconclusive and locked where it %s', async (_, manifest, code) => {
    const { line, held, locked, push } = await lineHolding([manifest]);
    await push(held[0]!.digest);
    await line.settle();
    expect((await line.entry('app', held[0]!.digest))?.decision).toMatchObject({
      verdict: 'inconclusive',
      reasons: [{ code }],
    });
    expect(locked).toEqual([held[0]!.digest]);
    expect(line.cards).toMatchObject([{ kind: 'image', verdict: 'inconclusive' }]);
    expect(line.scans).toEqual([]);
  });

  it('keeps an index that lists it from passing, and its other platforms from nothing', async () => {
    const good = await sample.imageOf([{ path: 'name', content: 'good' }]);
    const broken = { bytes: json({ schemaVersion: 2, layers: 7 }), mediaType: MediaType.ociManifest };
    const platform = (architecture: string) => ({ os: 'linux', architecture });
    const index = {
      bytes: json({
        schemaVersion: 2,
        manifests: [
          { ...sized(MediaType.ociManifest, toBlob(broken.bytes)), platform: platform('arm64') },
          { ...sized(MediaType.ociManifest, good), platform: platform('amd64') },
        ],
      }),
      mediaType: MediaType.ociIndex,
    };
    const { line, held, push } = await lineHolding([index, broken]);
    await line.registry.push(good, 'app');
    await push(held[0]!.digest);
    await line.settle();
    const verdicts = await Promise.all(
      [held[0]!, held[1]!, good].map(async ({ digest }) => (await line.entry('app', digest))?.decision?.verdict),
    );
    expect(verdicts).toEqual(['inconclusive', 'inconclusive', 'pass']);
  });

  it('is not followed without end where indexes are nested', async () => {
    const index = (child: { bytes: Uint8Array; mediaType: string }) => ({
      bytes: json({ schemaVersion: 2, manifests: [sized(child.mediaType, toBlob(child.bytes))] }),
      mediaType: MediaType.ociIndex,
    });
    const nested = [{ bytes: json({ schemaVersion: 2, manifests: [] }), mediaType: MediaType.ociIndex as string }];
    for (let depth = 0; depth < 6; depth++) nested.unshift(index(nested[0]!));
    const { line, held, push } = await lineHolding(nested);
    await push(held[0]!.digest);
    await line.settle();
    expect((await line.entry('app', held[0]!.digest))?.decision).toMatchObject({
      verdict: 'inconclusive',
      reasons: [{ code: 'PLATFORM_INCONCLUSIVE' }],
    });
    expect((await line.entry('app', held[3]!.digest))?.decision?.reasons[0]?.code).toBe('INDEX_TOO_DEEP');
  });
});

function sized(mediaType: string, { digest, bytes }: { digest: string; bytes: Uint8Array }) {
  return { mediaType, digest, size: bytes.byteLength };
}

function descriptor(name: string) {
  return sized('application/vnd.oci.image.config.v1+json', toBlob(name));
}
