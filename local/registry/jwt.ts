import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

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

/** Builds the signer. The form of the claims: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md */
export function createTokens(deps: {
  readonly audience: string;
  readonly secret: Uint8Array;
  readonly clock: () => Date;
}): Tokens {
  const mac = (text: string) => createHmac('sha256', deps.secret).update(text).digest();
  return {
    sign: (claims, seconds) => {
      const iat = Math.floor(deps.clock().getTime() / 1000);
      const issuer = { jti: randomUUID(), iss: 'Azure Container Registry', aud: deps.audience, version: '1.0' };
      const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ ...issuer, nbf: iat, iat, exp: iat + seconds, ...claims })}`;
      return `${body}.${mac(body).toString('base64url')}`;
    },
    read: (token) => {
      const [header = '', payload = '', signature = ''] = token.split('.');
      const expected = mac(`${header}.${payload}`);
      const given = Buffer.from(signature, 'base64url');
      if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) return undefined;
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
      return claims.exp * 1000 > deps.clock().getTime() ? claims : 'expired';
    },
  };
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
