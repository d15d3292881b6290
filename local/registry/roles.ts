import { z } from 'zod';

const PERMISSIONS = ['pull', 'push', 'delete', 'metadata_read', 'metadata_write', 'untag', 'catalog'] as const;

/** What a caller may do in one repository, or (`catalog`) in the registry. */
export type Permission = (typeof PERMISSIONS)[number];

/** How a registry gives rights: by role alone, or by role and repository. */
export type RoleMode = 'rbac' | 'abac';

interface Role {
  readonly mode: RoleMode;
  readonly permissions: readonly Permission[];
}

const READ = ['pull', 'metadata_read'] as const;

/**
 * Azure's built-in roles, as far as they reach a registry's data:
 * https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-directory-reference
 * `AcrPush` untags and does not lock; the repository roles of attribute-based access lock too. A role is not honoured by
 * a registry of the other mode. That `AcrPull` lists repositories and tags is an inference.
 */
export const ROLES = {
  AcrPull: { mode: 'rbac', permissions: [...READ, 'catalog'] },
  AcrPush: { mode: 'rbac', permissions: [...READ, 'catalog', 'push', 'untag'] },
  AcrDelete: { mode: 'rbac', permissions: ['delete', 'metadata_read', 'untag'] },
  Contributor: { mode: 'rbac', permissions: [...READ, 'catalog', 'push', 'metadata_write', 'delete', 'untag'] },
  'Container Registry Repository Reader': { mode: 'abac', permissions: READ },
  'Container Registry Repository Writer': { mode: 'abac', permissions: [...READ, 'push', 'metadata_write', 'untag'] },
  'Container Registry Repository Contributor': {
    mode: 'abac',
    permissions: [...READ, 'push', 'metadata_write', 'untag', 'delete'],
  },
  'Container Registry Repository Catalog Lister': { mode: 'abac', permissions: ['catalog'] },
} as const satisfies Readonly<Record<string, Role>>;

/** The name of a role. */
export type RoleName = keyof typeof ROLES;

/** https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions */
const SCOPE_MAP_ACTIONS = {
  'content/read': ['pull'],
  'content/write': ['push'],
  'content/delete': ['delete', 'untag'],
  'metadata/read': ['metadata_read'],
  'metadata/write': ['metadata_write', 'untag'],
} as const satisfies Readonly<Record<string, readonly Permission[]>>;

const roleNames = Object.keys(ROLES) as [RoleName, ...RoleName[]];
const actionNames = Object.keys(SCOPE_MAP_ACTIONS) as [
  keyof typeof SCOPE_MAP_ACTIONS,
  ...(keyof typeof SCOPE_MAP_ACTIONS)[],
];

/** One who may come: an Entra identity by its object id, a token of the registry's own by name and password, or both. */
export const identitySchema = z.strictObject({
  name: z.string().min(1),
  /** The `oid` of its Entra tokens. */
  oid: z.string().optional(),
  /** For Basic credentials, with `name` as the user. */
  password: z.string().optional(),
  roles: z.array(z.strictObject({ role: z.enum(roleNames), repositoryPrefix: z.string().optional() })).optional(),
  /** A custom role of a registry without attribute-based access: https://learn.microsoft.com/azure/role-based-access-control/custom-roles */
  custom: z.array(z.enum(PERMISSIONS)).optional(),
  /** Actions by repository name; a name may end in `*`. */
  scopeMap: z.record(z.string(), z.array(z.enum(actionNames))).optional(),
});

/** An identity and what it was granted. */
export type Identity = z.infer<typeof identitySchema>;

/** Whether an identity may do this to a repository; the catalogue is asked for with an empty name. */
export function isPermitted(
  { roles = [], custom = [], scopeMap = {} }: Identity,
  {
    mode,
    repository,
    permission,
  }: { readonly mode: RoleMode; readonly repository: string; readonly permission: Permission },
): boolean {
  const byRole = roles.some(({ role, repositoryPrefix }) => {
    const { mode: honouredBy, permissions }: Role = ROLES[role];
    // A condition is on a repository's name; the catalogue has none.
    const inScope = permission === 'catalog' || mode === 'rbac' || repository.startsWith(repositoryPrefix ?? '');
    return honouredBy === mode && permissions.includes(permission) && inScope;
  });
  const byCustomRole = mode === 'rbac' && custom.includes(permission);
  return (
    byRole ||
    byCustomRole ||
    Object.entries(scopeMap).some(
      ([pattern, actions]) =>
        matches(pattern, repository) &&
        actions.some((action) => (SCOPE_MAP_ACTIONS[action] as readonly Permission[]).includes(permission)),
    )
  );
}

function matches(pattern: string, repository: string): boolean {
  return pattern.endsWith('*') ? repository.startsWith(pattern.slice(0, -1)) : pattern === repository;
}
