import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../shared/artifact/descriptor.js';
import { type Digest, digestOf } from '../../shared/artifact/digest.js';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { parseTag } from '../../shared/artifact/tag.js';
import { AppError } from '../../shared/error/app-error.js';
import type { CollectDeps } from '../../shared/pipeline/collect-signatures.js';
import { cachedEvidence } from '../../shared/registry/cached-evidence.js';

const SERVER = parseLoginServer('r.azurecr.io');
const [APP, OTHER] = [parseRepository('app'), parseRepository('other')];
const TAG = parseTag(`sha256-${'0'.repeat(64)}.sig`);
const bytesOf = (text: string, size = text.length) => Buffer.from(text.padEnd(size, ' '));
const [SMALL, LARGE] = [bytesOf('{}'), bytesOf('large', 256 * 1024 + 1)];

/** A registry that serves these bytes by digest or tag from everywhere, until it is told not to, and counts what it is asked. */
function world(contents: readonly Buffer[] = [SMALL, LARGE]) {
  const asked: string[] = [];
  let [now, fault] = [new Date('2026-06-01T12:00:00Z'), undefined as AppError | undefined];
  const find = (reference: string) => {
    const bytes = contents.find((each) => digestOf(each) === reference) ?? contents[0];
    if (fault !== undefined || bytes === undefined) throw fault ?? new AppError('MANIFEST_UNKNOWN', 'unknown');
    return Buffer.from(bytes);
  };
  const registry: CollectDeps['registry'] = {
    fetchManifest: (_server, repository, reference) => {
      asked.push(`manifest ${repository}`);
      return Promise.resolve().then(() => {
        const bytes = find(reference);
        return { bytes, mediaType: MediaType.ociManifest, digest: digestOf(bytes) };
      });
    },
    fetchBlob: ({ repository }, { digest }) => {
      asked.push(`blob ${repository}`);
      return Promise.resolve().then(() => find(digest));
    },
    listReferrers: () => {
      asked.push('list');
      return Promise.resolve({ descriptors: [], truncated: false });
    },
  };
  return {
    cached: cachedEvidence(registry, { clock: () => now }),
    asked,
    wait: (milliseconds: number) => (now = new Date(now.getTime() + milliseconds)),
    break: (error: AppError | undefined) => (fault = error),
  };
}

const keyOf = (repository = APP, digest = digestOf(SMALL)) => ({ registry: SERVER, repository, digest });
const blob = (bytes: Uint8Array, size = bytes.byteLength): Descriptor => ({
  ...{ mediaType: 'application/octet-stream', digest: digestOf(bytes), size },
});
const MAX = 1024 * 1024;

describe('what is read as evidence', () => {
  it('is asked for once by its digest', async () => {
    const { cached, asked } = world();
    const first = await cached.fetchManifest(SERVER, APP, digestOf(SMALL));
    expect(await cached.fetchManifest(SERVER, APP, digestOf(SMALL))).toEqual({
      ...first,
      bytes: Uint8Array.from(SMALL),
    });
    for (let i = 0; i < 2; i++) expect(Buffer.from(await cached.fetchBlob(keyOf(), blob(SMALL), MAX))).toEqual(SMALL);
    expect(asked).toEqual(['manifest app', 'blob app']);
  });

  it('is asked for in each repository and at each registry', async () => {
    const { cached, asked } = world();
    for (const repository of [APP, OTHER]) {
      await cached.fetchManifest(SERVER, repository, digestOf(SMALL));
      await cached.fetchBlob(keyOf(repository), blob(SMALL), MAX);
    }
    await cached.fetchManifest(parseLoginServer('s.azurecr.io'), APP, digestOf(SMALL));
    expect(asked).toEqual(['manifest app', 'blob app', 'manifest other', 'blob other', 'manifest app']);
  });

  it('is asked for every time by a tag, as lists are', async () => {
    const { cached, asked } = world();
    for (let i = 0; i < 2; i++) {
      await cached.fetchManifest(SERVER, APP, TAG);
      await cached.listReferrers(keyOf(), { maxDescriptors: 1, maxPages: 1 });
    }
    // What a tag led to is not what a digest leads to, though it may be the same.
    await cached.fetchManifest(SERVER, APP, digestOf(SMALL));
    expect(asked).toEqual(['manifest app', 'list', 'manifest app', 'list', 'manifest app']);
  });

  it.each(['MANIFEST_UNKNOWN', 'QUARANTINED', 'NETWORK_UNAVAILABLE'])('is not remembered as %s', async (code) => {
    const { cached, asked, ...registry } = world();
    registry.break(new AppError(code, code));
    await expect(cached.fetchManifest(SERVER, APP, digestOf(SMALL))).rejects.toMatchObject({ code });
    await expect(cached.fetchBlob(keyOf(), blob(SMALL), MAX)).rejects.toMatchObject({ code });
    registry.break(undefined);
    await cached.fetchManifest(SERVER, APP, digestOf(SMALL));
    await cached.fetchBlob(keyOf(), blob(SMALL), MAX);
    expect(asked).toHaveLength(4);
  });

  it('is asked for anew after five minutes, and when the clock was set back', async () => {
    const { cached, asked, ...registry } = world();
    const ask = () => cached.fetchManifest(SERVER, APP, digestOf(SMALL));
    await ask();
    registry.wait(299_999);
    await ask();
    expect(asked).toHaveLength(1);
    registry.wait(1);
    registry.break(new AppError('QUARANTINED', 'locked'));
    await expect(ask()).rejects.toMatchObject({ code: 'QUARANTINED' });
    registry.break(undefined);
    await ask();
    registry.wait(-1);
    await ask();
    expect(asked).toHaveLength(4);
  });

  it('is not changed by whoever got it', async () => {
    const { cached } = world();
    for (let i = 0; i < 3; i++) {
      const { bytes } = await cached.fetchManifest(SERVER, APP, digestOf(SMALL));
      const content = await cached.fetchBlob(keyOf(), blob(SMALL), MAX);
      expect([Buffer.from(bytes), Buffer.from(content)]).toEqual([SMALL, SMALL]);
      bytes.fill(0);
      content.fill(0);
    }
  });

  it('is of the size that was asked for, and within the bound', async () => {
    const { cached, asked } = world();
    await cached.fetchBlob(keyOf(), blob(SMALL), MAX);
    await cached.fetchBlob(keyOf(), blob(SMALL, 3), MAX);
    await cached.fetchBlob(keyOf(), blob(SMALL, 3), MAX);
    await cached.fetchBlob(keyOf(), blob(SMALL), 1);
    expect(asked).toHaveLength(4);
  });

  it('is not kept where it is of another digest', async () => {
    const { cached, asked } = world();
    for (let i = 0; i < 2; i++) await cached.fetchManifest(SERVER, APP, digestOf(bytesOf('another')));
    expect(asked).toHaveLength(2);
  });

  it('is not kept where it is large', async () => {
    const { cached, asked } = world();
    for (let i = 0; i < 2; i++) {
      await cached.fetchManifest(SERVER, APP, digestOf(LARGE));
      await cached.fetchBlob(keyOf(), blob(LARGE), MAX);
    }
    expect(asked).toHaveLength(4);
  });

  it.each<[string, number, number, number]>([
    ['a thousand', 8, 1000, 1001],
    ['32 MiB', 256 * 1024, 128, 129],
  ])('is forgotten beyond %s', async (_, size, fits, count) => {
    const contents = Array.from({ length: count }, (_each, i) => bytesOf(`${i}`, size));
    const digests = contents.map((each): Digest => digestOf(each));
    const { cached, asked } = world(contents);
    const ask = async (some: readonly Digest[]) => {
      for (const digest of some) await cached.fetchManifest(SERVER, APP, digest);
    };
    await ask(digests.slice(0, fits));
    await ask(digests.slice(0, fits));
    expect(asked).toHaveLength(fits);
    await ask(digests.slice(fits));
    await ask(digests.slice(1));
    expect(asked).toHaveLength(count);
    await ask(digests.slice(0, 1));
    expect(asked).toHaveLength(count + 1);
  });
});
