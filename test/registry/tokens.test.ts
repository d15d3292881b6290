import { describe, expect, it } from 'vitest';
import { createClock } from '../support/clock.js';
import { LOGIN_SERVER, createTestRegistry, entraToken } from '../support/registry.js';

const ORIGIN = `https://${LOGIN_SERVER}`;

async function open() {
  const clock = createClock();
  const registry = await createTestRegistry(clock.now, {
    anonymous: false,
    identities: [{ name: 'reader', oid: 'oid-1', password: 'secret', roles: [{ role: 'AcrPull' }] }],
  });
  const post = async (door: 'exchange' | 'token', form: Record<string, string>) => {
    const body = new URLSearchParams({ service: LOGIN_SERVER, ...form }).toString();
    const response = await registry.fetch(`${ORIGIN}/oauth2/${door}`, { method: 'POST', body });
    return { status: response.status, json: (await response.json()) as Record<string, string> };
  };
  const get = (path: string, authorization?: string) =>
    registry.fetch(`${ORIGIN}${path}`, authorization === undefined ? {} : { headers: { authorization } });
  const refreshToken = async () =>
    (await post('exchange', { grant_type: 'access_token', access_token: entraToken('oid-1') })).json['refresh_token']!;
  const accessToken = async (scope: string) =>
    (await post('token', { grant_type: 'refresh_token', refresh_token: await refreshToken(), scope })).json[
      'access_token'
    ]!;
  return { clock, post, get, refreshToken, accessToken };
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const NOBODY = '00000000-0000-0000-0000-000000000000';

describe('the token service', () => {
  it('answers a request without a token with the challenge, letter by letter', async () => {
    const { get } = await open();
    const response = await get('/v2/hello-world/manifests/latest');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer realm="${ORIGIN}/oauth2/token",service="${LOGIN_SERVER}",scope="repository:hello-world:pull"`,
    );
    expect(await response.json()).toEqual({
      errors: [
        {
          code: 'UNAUTHORIZED',
          message: 'authentication required, visit https://aka.ms/acr/authorization for more information.',
          detail: [{ Type: 'repository', Name: 'hello-world', Action: 'pull' }],
        },
      ],
    });
    const catalog = await get('/acr/v1/_catalog');
    expect(catalog.headers.get('www-authenticate')).toContain('scope="registry:catalog:*"');
  });

  it('writes tokens with the claims of real ones', async () => {
    const { refreshToken, accessToken } = await open();
    expect(claimsOf(await refreshToken())).toMatchObject({
      iss: 'Azure Container Registry',
      aud: LOGIN_SERVER,
      version: '1.0',
      grant_type: 'refresh_token',
    });
    const claims = claimsOf(await accessToken('repository:a/b:pull,push'));
    expect(claims['access']).toEqual([{ type: 'repository', name: 'a/b', actions: ['pull'] }]);
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(4500);
  });

  it('lets a token end, and says what is wrong with it', async () => {
    const { clock, get, accessToken, refreshToken, post } = await open();
    const token = await accessToken('repository:a:pull');
    expect((await get('/v2/a/tags/list', `Bearer ${token}`)).status).toBe(404);
    const other = await get('/acr/v1/a/_tags', `Bearer ${token}`);
    expect(other.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    const refresh = await refreshToken();
    clock.advance(4500_000);
    const ended = await get('/v2/a/tags/list', `Bearer ${token}`);
    expect(ended.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const form = { grant_type: 'refresh_token', scope: 'repository:a:pull', refresh_token: refresh };
    expect((await post('token', form)).status).toBe(200);
    clock.advance(2 * 3_600_000);
    expect((await post('token', form)).status).toBe(401);
  });

  it.each([
    ['a password at the token service', basic('reader', 'secret'), 200],
    ['a wrong one', basic('reader', 'guess'), 401],
    ['an empty one, where nobody is anonymous', basic('', ''), 401],
  ])('takes or refuses %s', async (_, authorization, status) => {
    const { get } = await open();
    const response = await get(`/oauth2/token?service=${LOGIN_SERVER}&scope=repository:a:pull`, authorization);
    expect(response.status).toBe(status);
  });

  it('takes a refresh token as the password of the nameless user, and Basic credentials without any token', async () => {
    const { get, refreshToken } = await open();
    expect((await get('/v2/', basic(NOBODY, await refreshToken()))).status).toBe(200);
    expect((await get('/v2/a/tags/list', basic('reader', 'secret'))).status).toBe(404);
    expect((await get('/acr/v1/a/_tags', basic('reader', 'guess'))).status).toBe(401);
  });

  it.each([
    ['another service', { service: 'evil.azurecr.test' }],
    ['another grant', { grant_type: 'password' }],
    ['an identity that is not known', { access_token: entraToken('oid-2') }],
    ['what is no token', { access_token: 'x' }],
  ])('gives no refresh token for %s', async (_, form) => {
    const { post } = await open();
    const answer = await post('exchange', { grant_type: 'access_token', access_token: entraToken('oid-1'), ...form });
    expect(answer.status).toBe(401);
  });

  it('takes no access token for a refresh token, and the other way round', async () => {
    const { get, post, accessToken, refreshToken } = await open();
    const access = await accessToken('repository:a:pull');
    expect((await post('token', { grant_type: 'refresh_token', scope: '', refresh_token: access })).status).toBe(401);
    expect((await get('/v2/a/tags/list', `Bearer ${await refreshToken()}`)).status).toBe(401);
    expect((await get('/v2/a/tags/list', `Bearer ${access.slice(0, -2)}xx`)).status).toBe(401);
  });
});
