import { createPublicKey } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import type { Http } from '../net/http.js';
import { KEY_VAULT_KEY } from '../policy/signature-schema.js';

// https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key
const API_VERSION = '7.4';
const text = z.string().max(2048);
const answerSchema = z.object({
  key: z.object({
    kid: text,
    kty: z.enum(['EC', 'EC-HSM', 'RSA', 'RSA-HSM']),
    crv: text.optional(),
    x: text.optional(),
    y: text.optional(),
    n: text.optional(),
    e: text.optional(),
  }),
  attributes: z.object({ enabled: z.boolean() }),
});

/** What {@link createKeyReader} needs. */
export interface KeyReaderDeps {
  readonly http: Http;
  /** Undefined where we have no identity, as in the local environment. */
  readonly credential: TokenCredential | undefined;
}

/**
 * Reads public keys from a Key Vault by their address with version, as PEM text. A version never changes, so it need not be
 * read again while the app runs. Throws `KEY_VAULT_UNAVAILABLE` (retryable where it may pass) for whatever keeps us from it,
 * and `INVALID_PUBLIC_KEY` for a key that is switched off or is none.
 */
export function createKeyReader({ http, credential }: KeyReaderDeps): (url: string) => Promise<string> {
  return async (address) => {
    // No token leaves for a host that is not a vault of Azure's.
    if (!KEY_VAULT_KEY.test(address))
      throw new AppError('KEY_VAULT_UNAVAILABLE', 'not the address of a key in a vault');
    if (credential === undefined) throw new AppError('KEY_VAULT_UNAVAILABLE', 'a Key Vault needs an identity');
    const url = new URL(address);
    const vault = url.host.slice(url.host.indexOf('.') + 1);
    const token = await credential.getToken(`https://${vault}/.default`).catch((cause: unknown) => {
      throw new AppError('KEY_VAULT_UNAVAILABLE', 'no token for the Key Vault', { retryable: true, cause });
    });
    if (token === null) throw new AppError('KEY_VAULT_UNAVAILABLE', 'no token for the Key Vault');
    url.searchParams.set('api-version', API_VERSION);
    const { status, body } = await http({ url, headers: { authorization: `Bearer ${token.token}` } });
    if (status !== 200) {
      const retryable = status === 429 || status >= 500;
      throw new AppError('KEY_VAULT_UNAVAILABLE', `${url.host} answered ${status}`, { retryable });
    }
    return toPem(address, body);
  };
}

function toPem(address: string, body: Uint8Array): string {
  try {
    const { key, attributes } = answerSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    if (!attributes.enabled) throw new Error('switched off');
    // Another version than the one that was asked for would be another key.
    if (key.kid !== address) throw new Error('another key');
    const kty = key.kty.replace('-HSM', '');
    const { crv, x, y, n, e } = key;
    const jwk = kty === 'EC' ? { kty, crv: crv ?? '', x: x ?? '', y: y ?? '' } : { kty, n: n ?? '', e: e ?? '' };
    return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
  } catch (cause) {
    throw new AppError('INVALID_PUBLIC_KEY', 'the Key Vault holds no key there that can be used', { cause });
  }
}
