import type { Identity } from '../../../local/registry/roles.js';
import { identitySchema } from '../../../local/registry/roles.js';
import type { Resource } from '../harness/plan.js';
import { grantsOf } from './privileges.js';
import { listAt, ofType } from './read.js';

/**
 * What an action of a custom role allows in a registry without attribute-based access, in the emulator's words.
 * https://learn.microsoft.com/azure/role-based-access-control/permissions/containers#microsoftcontainerregistry
 * That pulling includes the catalogue is the same inference as for AcrPull (local/registry/roles.ts).
 */
const PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.ContainerRegistry/registries/pull/read': ['pull', 'catalog'],
  'Microsoft.ContainerRegistry/registries/push/write': ['push'],
  'Microsoft.ContainerRegistry/registries/metadata/read': ['metadata_read'],
  'Microsoft.ContainerRegistry/registries/metadata/write': ['metadata_write'],
  'Microsoft.ContainerRegistry/registries/artifacts/delete': ['delete'],
};
/** It opens no repository: the emulator has no management interface. */
const ELSEWHERE = new Set(['registry_reader']);

/** What a principal may do in the registry, as an identity of the emulator's. Throws for a role that it does not know. */
export function emulated(resources: readonly Resource[], name: string, principal: string): Identity {
  const grants = grantsOf(resources).filter(
    (grant) => grant.principal === principal && grant.scope.includes('/Microsoft.ContainerRegistry/registries/'),
  );
  const own = new Map(ofType(resources, 'azurerm_role_definition').map((role) => [String(role.index), role]));
  const roles = grants.filter(({ role }) => !own.has(role)).map(({ role }) => ({ role }));
  const custom = grants
    .filter(({ role }) => own.has(role) && !ELSEWHERE.has(role))
    .flatMap(({ role }) => listAt(own.get(role)?.values, 'permissions', 'actions').map(String))
    .flatMap((action) => PERMISSIONS[action] ?? [`unknown: ${action}`]);
  return identitySchema.parse({
    name,
    oid: name,
    ...(roles.length > 0 && { roles }),
    ...(custom.length > 0 && { custom }),
  });
}
