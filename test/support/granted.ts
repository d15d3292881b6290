import type { Identity, RoleMode } from '../../local/registry/roles.js';

const repository = (role: 'Reader' | 'Contributor') => `Container Registry Repository ${role}` as const;

/**
 * What the infrastructure grants the two working identities in a registry of each mode. The whole line runs with it
 * (test/registry/identities.test.ts), and so it is what Terraform gives (test/infra).
 */
export const GRANTED: Readonly<Record<RoleMode, { readonly job: Identity; readonly app: Identity }>> = {
  abac: {
    job: { name: 'job', oid: 'job', roles: [{ role: repository('Reader') }] },
    app: {
      name: 'app',
      oid: 'app',
      roles: [{ role: repository('Contributor') }, { role: 'Container Registry Repository Catalog Lister' }],
    },
  },
  // No built-in role without attribute-based access locks, so the function app has one of its own.
  rbac: {
    job: { name: 'job', oid: 'job', roles: [{ role: 'AcrPull' }] },
    app: {
      name: 'app',
      oid: 'app',
      custom: ['pull', 'catalog', 'push', 'metadata_read', 'metadata_write', 'delete'],
    },
  },
};
