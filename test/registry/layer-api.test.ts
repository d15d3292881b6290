import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { toBlob } from '../../local/sample/layer.js';
import { digestOf } from '../../shared/artifact/digest.js';
import { parseKey } from '../../shared/artifact/reference.js';
import { uncompressedDigest } from '../../shared/registry/layer-api.js';
import { LOGIN_SERVER } from '../support/registry.js';

const KEY = parseKey({ registry: LOGIN_SERVER, repository: 'app', digest: digestOf('x') });
const CONTENT = Buffer.alloc(100_000, 'content');

async function read(
  bytes: Uint8Array,
  changes: { respond?: (url: URL, headers: Headers) => Response; limit?: number; digest?: string } = {},
) {
  const layer = {
    mediaType: 'layer',
    digest: (changes.digest ?? toBlob(bytes).digest) as never,
    size: bytes.byteLength,
  };
  const session = { token: () => Promise.resolve('secret'), send: () => Promise.reject(new Error('not used')) };
  const answer: typeof fetch = (input, init) =>
    Promise.resolve(
      changes.respond?.(new URL(input as URL), new Headers(init?.headers)) ?? new Response(Buffer.from(bytes)),
    );
  return uncompressedDigest(
    session,
    { key: KEY, layer },
    { fetch: answer, ...(changes.limit !== undefined && { maxUnpackedBytes: changes.limit }) },
  ).catch((error: unknown) => (error as { code: string }).code);
}

describe('what a layer unpacks to', () => {
  it('is told by its bytes, whatever its type says', async () => {
    expect(await read(gzipSync(CONTENT))).toBe(digestOf(CONTENT));
    expect(await read(CONTENT)).toBe(digestOf(CONTENT));
    expect(await read(new Uint8Array())).toBe(digestOf(''));
  });
  it.each([
    ['is cut short', gzipSync(CONTENT).subarray(0, 100), {}, 'LAYER_UNREADABLE'],
    ['unpacks to more than it may', gzipSync(CONTENT), { limit: 1000 }, 'TOO_LARGE'],
    ['is not what its descriptor says', CONTENT, { digest: digestOf('other') }, 'DIGEST_MISMATCH'],
    ['is not there', CONTENT, { respond: () => new Response(null, { status: 404 }) }, 'MANIFEST_UNKNOWN'],
    ['is locked away', CONTENT, { respond: () => new Response(null, { status: 405 }) }, 'QUARANTINED'],
    [
      'is served in the clear',
      CONTENT,
      { respond: () => new Response(null, { status: 307, headers: { location: 'http://storage/' } }) },
      'INSECURE_URL',
    ],
    [
      'breaks off',
      CONTENT,
      {
        respond: () =>
          new Response(
            new ReadableStream({
              start: (controller) => {
                controller.enqueue(CONTENT.subarray(0, 10));
                controller.error(new Error('reset'));
              },
            }),
          ),
      },
      'NETWORK_UNAVAILABLE',
    ],
  ] as const)('is not known of one that %s', async (_, bytes, changes, code) => {
    expect(await read(bytes, changes)).toBe(code);
  });
  it('is read from storage without our token', async () => {
    const seen: (readonly [string, string | null])[] = [];
    const respond = (url: URL, headers: Headers) => {
      seen.push([url.host, headers.get('authorization')]);
      return url.host === LOGIN_SERVER
        ? new Response(null, { status: 307, headers: { location: 'https://storage.test/blob' } })
        : new Response(CONTENT);
    };
    expect(await read(CONTENT, { respond })).toBe(digestOf(CONTENT));
    expect(seen).toEqual([
      [LOGIN_SERVER, 'Bearer secret'],
      ['storage.test', null],
    ]);
  });
});
