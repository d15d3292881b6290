import { z } from 'zod';
import { AppError } from '../error/app-error.js';

/** What a caller may do. Entra app roles of the same names. */
export const ROLES = { read: 'Verdict.Read', release: 'Quarantine.Release', operate: 'Lazaret.Operate' } as const;
export type Role = (typeof ROLES)[keyof typeof ROLES];

/** Who calls one of the HTTP doors. */
export interface Principal {
  /** For the journal: a user's name, or an application's id. */
  readonly name: string;
  readonly roles: ReadonlySet<string>;
}

/**
 * How callers are known: by the platform's Entra sign-in, or, on a developer's machine, by what they say. `closed`: the
 * platform's sign-in is switched off, so its header could be anybody's, and nobody is let in.
 */
export type SignIn = 'entra' | 'local' | 'closed';

// https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
const principalSchema = z.object({
  auth_typ: z.literal('aad'),
  role_typ: z.string().optional(),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(500),
});
const ROLE_CLAIMS = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];
const NAME_CLAIMS = [
  'preferred_username',
  'upn',
  'appid',
  'azp',
  'http://schemas.microsoft.com/identity/claims/objectidentifier',
  'oid',
];
const MAX_HEADER = 32_768;

/**
 * Reads the caller from the headers that the platform's sign-in sets (and strips from outside). Throws `NOT_SIGNED_IN`,
 * or `NOT_ALLOWED` where the role is missing.
 */
export function requireRole(headers: { get: (name: string) => string | null }, role: Role, signIn: SignIn): Principal {
  if (signIn === 'local') {
    const name = (headers.get('x-lazaret-caller') ?? 'local').replaceAll(/[^\w.@-]/g, '').slice(0, 100);
    return { name: name === '' ? 'local' : name, roles: new Set(Object.values(ROLES)) };
  }
  if (signIn === 'closed') throw new AppError('NOT_SIGNED_IN', "the platform's sign-in is switched off");
  const principal = readPrincipal(headers.get('x-ms-client-principal'));
  if (!principal.roles.has(role)) throw new AppError('NOT_ALLOWED', `this needs the app role ${role}`);
  return principal;
}

function readPrincipal(header: string | null): Principal {
  if (header === null || header.length > MAX_HEADER)
    throw new AppError('NOT_SIGNED_IN', 'sign in with Microsoft Entra');
  try {
    const { claims, role_typ: roleType } = principalSchema.parse(
      JSON.parse(Buffer.from(header, 'base64').toString('utf8')),
    );
    const roleTypes = new Set([...ROLE_CLAIMS, ...(roleType === undefined ? [] : [roleType])]);
    const name = NAME_CLAIMS.map((type) => claims.find(({ typ }) => typ === type)?.val).find(
      (value) => value !== undefined,
    );
    if (name === undefined) throw new Error('no name');
    return {
      name: name.slice(0, 200),
      roles: new Set(claims.filter(({ typ }) => roleTypes.has(typ)).map(({ val }) => val)),
    };
  } catch (cause) {
    throw new AppError('NOT_SIGNED_IN', 'sign in with Microsoft Entra', { cause });
  }
}
