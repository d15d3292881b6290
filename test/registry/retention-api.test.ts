import { describe, expect, it } from 'vitest';
import { createHttp } from '../../shared/net/http.js';
import { createRetentionReader } from '../../shared/registry/retention-api.js';
import { RESOURCE_ID } from '../support/registry.js';

async function read(answer: () => Response, hasIdentity = true) {
  const requests: { url: string; authorization: string | null }[] = [];
  const asked: string[] = [];
  const fake: typeof fetch = (input, init) => {
    requests.push({ url: (input as URL).href, authorization: new Headers(init?.headers).get('authorization') });
    return Promise.resolve(answer());
  };
  const reader = createRetentionReader({
    http: createHttp({ fetch: fake, sleep: () => Promise.resolve() }),
    resourceManager: new URL('https://management.azure.test'),
    credential: hasIdentity
      ? {
          getToken: (scope) => {
            asked.push(String(scope));
            return Promise.resolve({ token: 'arm', expiresOnTimestamp: 0 });
          },
        }
      : undefined,
  });
  return { retention: await reader(RESOURCE_ID), requests, asked };
}

const policy = (retentionPolicy: object | undefined) => () =>
  Response.json({ properties: { policies: { retentionPolicy } } });

describe("a registry's retention policy", () => {
  it.each([
    ['on', { status: 'enabled', days: 7 }, { state: 'on', days: 7 }],
    ['off', { status: 'disabled', days: 7 }, { state: 'off' }],
    ['off where there is none', undefined, { state: 'off' }],
  ])('is %s', async (_, given, expected) => {
    expect((await read(policy(given))).retention).toEqual(expected);
  });
  it.each([
    ['we may not read it', () => new Response(null, { status: 403 }), 'STATUS_403'],
    ['the answer is no JSON', () => new Response('no'), 'RETENTION_UNREADABLE'],
    ['the answer is larger than it may be', () => new Response('x'.repeat(2_000_000)), 'RESPONSE_TOO_LARGE'],
  ])('is unknown, never off, where %s', async (_, answer, code) => {
    expect((await read(answer)).retention).toEqual({ state: 'unknown', code });
  });
  it('is unknown where we are nobody', async () => {
    const { retention, requests } = await read(policy(undefined), false);
    expect(retention).toEqual({ state: 'unknown', code: 'IDENTITY_MISSING' });
    expect(requests).toEqual([]);
  });
  it('is asked of the configured host alone, with a token for it', async () => {
    const { requests, asked } = await read(policy(undefined));
    expect(asked).toEqual(['https://management.azure.test/.default']);
    expect(requests).toEqual([
      { url: `https://management.azure.test${RESOURCE_ID}?api-version=2023-07-01`, authorization: 'Bearer arm' },
    ]);
  });
});
