import { generateKeyPairSync } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { createKeyReader } from '../../shared/key-vault/read-key.js';
import type { HttpRequest } from '../../shared/net/http.js';
import { parsePublicKey } from '../../shared/signature/trust.js';

const ADDRESS = `https://team-keys.vault.azure.net/keys/ci/${'0'.repeat(32)}`;
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: ADDRESS, key_ops: ['verify'] };

function reader(answer: unknown, { status = 200, signedIn = true } = {}) {
  const asked: (HttpRequest & { readonly scope?: string })[] = [];
  const scopes: (string | readonly string[])[] = [];
  const credential: TokenCredential = {
    getToken: (scope) => {
      scopes.push(scope);
      return Promise.resolve({ token: 'secret', expiresOnTimestamp: 0 });
    },
  };
  const read = createKeyReader({
    http: (request) => {
      asked.push(request);
      const body = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
      return Promise.resolve({ status, headers: new Headers(), body });
    },
    credential: signedIn ? credential : undefined,
  });
  return { read, asked, scopes };
}
const good = { key: jwk, attributes: { enabled: true } };

describe('a key in a Key Vault', () => {
  it('is read by its version, with a token for vaults alone', async () => {
    const { read, asked, scopes } = reader(good);
    expect(parsePublicKey('k', await read(ADDRESS)).hint).toBe(parsePublicKey('k', pem).hint);
    expect(asked.map(({ url }) => url.href)).toEqual([`${ADDRESS}?api-version=7.4`]);
    expect(scopes).toEqual(['https://vault.azure.net/.default']);
  });

  it('may live in a hardware module, and be RSA', async () => {
    const hsm = { ...good, key: { ...jwk, kty: 'EC-HSM' } };
    expect(await reader(hsm).read(ADDRESS)).toContain('PUBLIC KEY');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const other = { ...good, key: { ...rsa.export({ format: 'jwk' }), kid: ADDRESS, kty: 'RSA-HSM' } };
    expect(await reader(other).read(ADDRESS)).toBe(rsa.export({ type: 'spki', format: 'pem' }));
  });

  it.each([
    ['another host', ADDRESS.replace('vault.azure.net', 'vault.azure.net.evil.example')],
    ['a host that only ends so', ADDRESS.replace('team-keys.vault', 'evil.example/x.vault')],
    ['a port', ADDRESS.replace('.net/', '.net:8443/')],
    ['a user', ADDRESS.replace('https://', 'https://u@')],
    ['plain http', ADDRESS.replace('https', 'http')],
    ['no version', ADDRESS.slice(0, -33)],
    ['a query', `${ADDRESS}?x`],
  ])('is not asked for at %s, and no token is', async (_, address) => {
    const { read, asked, scopes } = reader(good);
    await expect(read(address)).rejects.toMatchObject({ code: 'KEY_VAULT_UNAVAILABLE', retryable: false });
    expect([asked, scopes]).toEqual([[], []]);
  });

  it.each([
    ['switched off', { ...good, attributes: { enabled: false } }],
    ['another version', { ...good, key: { ...jwk, kid: ADDRESS.replace(/0$/, '1') } }],
    ['a secret', { ...good, key: { ...jwk, kty: 'oct', k: 'AA' } }],
    ['not on its curve', { ...good, key: { ...jwk, x: 'AAAA' } }],
    ['no key', {}],
    ['no JSON', '<html>'],
  ])('is refused where it is %s', async (_, answer) => {
    await expect(reader(answer).read(ADDRESS)).rejects.toMatchObject({ code: 'INVALID_PUBLIC_KEY' });
  });

  it.each([
    [403, false],
    [404, false],
    [429, true],
    [503, true],
  ])('that cannot be had (%d) may be had later: %s', async (status, retryable) => {
    const error = await reader(good, { status })
      .read(ADDRESS)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'KEY_VAULT_UNAVAILABLE', retryable });
    expect(String(error)).not.toContain('secret');
  });

  it('cannot be had without an identity', async () => {
    await expect(reader(good, { signedIn: false }).read(ADDRESS)).rejects.toMatchObject({
      code: 'KEY_VAULT_UNAVAILABLE',
    });
  });
});
