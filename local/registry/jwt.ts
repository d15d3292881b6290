import { createHmac, createSecretKey, randomUUID, timingSafeEqual } from 'node:crypto';
import { createRecent } from '../../shared/artifact/recent.js';

/** What a token of the registry says, as far as it is looked at. */
export interface Claims {
  readonly sub: string;
  readonly exp: number;
  readonly grant_type: 'access_token' | 'refresh_token';
  readonly access?: readonly Access[];
}

/** What a token allows. */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Signs and reads the registry's own tokens, with the claims of a real one. */
export interface Tokens {
  readonly sign: (claims: object, seconds: number) => string;
  /** Undefined for a token that is not ours; `expired` for one that was. */
  readonly read: (token: string) => Claims | 'expired' | undefined;
}

/** Tokens that are read once. */
const MAX_KEPT = 1000;

/** Builds the signer. The form of the claims: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
export function createTokens(deps: {
  readonly audience: string;
  readonly secret: Uint8Array;
  readonly clock: () => Date;
}): Tokens {
  const key = createSecretKey(deps.secret);
  const mac = (text: string) => createHmac('sha256', key).update(text).digest();
  // A client comes with the same token many times. What it says was signed by us, and only its end is a matter of time.
  const ours = createRecent<Claims>({ max: MAX_KEPT });
  return {
    sign: (claims, seconds) => {
      const iat = Math.floor(deps.clock().getTime() / 1000);
      const issuer = { jti: randomUUID(), iss: 'Azure Container Registry', aud: deps.audience, version: '1.0' };
      const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ ...issuer, nbf: iat, iat, exp: iat + seconds, ...claims })}`;
      return `${body}.${mac(body).toString('base64url')}`;
    },
    read: (token) => {
      const claims = ours.get(token) ?? verified(token, mac);
      if (claims === undefined) return undefined;
      ours.set(token, claims);
      return claims.exp * 1000 > deps.clock().getTime() ? claims : 'expired';
    },
  };
}

/** What a token says that was signed with our key. */
function verified(token: string, mac: (text: string) => Buffer): Claims | undefined {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const expected = mac(`${header}.${payload}`);
  const given = Buffer.from(signature, 'base64url');
  if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
}

/** The `oid` of an Entra token. Its signature is not checked: that is the emulator's own choice. */
export function objectIdOf(entraToken: string): string | undefined {
  try {
    const payload = Buffer.from(entraToken.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { oid } = JSON.parse(payload) as { readonly oid?: unknown };
    return typeof oid === 'string' ? oid : undefined;
  } catch {
    return undefined;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
