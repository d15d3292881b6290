import { z } from 'zod';
import type { Resource } from '../harness/plan.js';
import { type Finding, ofType, textAt } from './read.js';

const text = z.string();
/** What is not known before it is made, and what is left out. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish();
const IDENTITIES = z.enum(['SystemAssignedIdentity', 'UserAssignedIdentity', 'StorageAccountConnectionString']);

const site = z.strictObject({
  kind: text,
  properties: z.strictObject({
    serverFarmId: text,
    httpsOnly: z.boolean(),
    clientAffinityEnabled: z.boolean(),
    publicNetworkAccess: z.enum(['Enabled', 'Disabled']),
    virtualNetworkSubnetId: maybe(text),
    keyVaultReferenceIdentity: text,
    functionAppConfig: z.strictObject({
      deployment: z.strictObject({
        storage: z.strictObject({
          type: z.literal('blobContainer'),
          value: text,
          authentication: z.strictObject({ type: IDENTITIES, userAssignedIdentityResourceId: text }),
        }),
      }),
      runtime: z.strictObject({
        name: z.enum(['dotnet-isolated', 'node', 'java', 'powershell', 'python', 'custom']),
        version: text,
      }),
      scaleAndConcurrency: z.strictObject({
        instanceMemoryMB: z.literal([512, 2048, 4096]),
        maximumInstanceCount: z.int().min(1).max(1000),
      }),
    }),
    // Flex Consumption refuses what it does not have, as ftpsState:
    // https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
    siteConfig: z.strictObject({
      minTlsVersion: z.enum(['1.0', '1.1', '1.2', '1.3']),
      scmMinTlsVersion: z.enum(['1.0', '1.1', '1.2', '1.3']),
      http20Enabled: z.boolean(),
      appSettings: z.array(z.strictObject({ name: text, value: text })),
    }),
  }),
});

const signIn = z.strictObject({
  properties: z.strictObject({
    platform: z.strictObject({ enabled: z.boolean(), runtimeVersion: text }),
    globalValidation: z.strictObject({
      requireAuthentication: z.boolean(),
      unauthenticatedClientAction: z.enum(['RedirectToLoginPage', 'AllowAnonymous', 'Return401', 'Return403']),
      excludedPaths: z.array(text),
    }),
    httpSettings: z.strictObject({ requireHttps: z.boolean() }),
    identityProviders: z.strictObject({
      azureActiveDirectory: z.strictObject({
        enabled: z.boolean(),
        registration: z.strictObject({ clientId: text, openIdIssuer: z.url() }),
        validation: z.strictObject({ allowedAudiences: z.array(text) }),
      }),
    }),
    login: z.strictObject({ tokenStore: z.strictObject({ enabled: z.boolean() }) }),
  }),
});

/**
 * What of each body we write, by the type and version of Azure's that it is written in; the real azapi knows all of it, and
 * looks at what we write in the same way. `exists`: Azure makes it with its parent, so that it can be changed, and not made.
 * https://learn.microsoft.com/azure/templates/microsoft.web/sites
 */
const BODIES: Readonly<Record<string, { body: z.ZodType; names?: RegExp; exists?: true }>> = {
  'Microsoft.Web/sites@2024-11-01': { body: site, names: /^[a-z0-9][a-z0-9-]{0,58}[a-z0-9]$/ },
  'Microsoft.Web/sites/config@2024-11-01': { body: signIn, names: /^authsettingsV2$/, exists: true },
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01': {
    body: z.strictObject({ properties: z.strictObject({ allow: z.boolean() }) }),
    names: /^(?:ftp|scm)$/,
    exists: true,
  },
  'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01': {
    body: z.strictObject({ properties: z.strictObject({}) }),
    names: /^[A-Za-z][A-Za-z0-9]{2,62}$/,
  },
};

/** What azapi, or Azure, would not take of the bodies that are sent to it. */
export function bodyFindings(resources: readonly Resource[]): readonly Finding[] {
  const made = ofType(resources, 'azapi_resource');
  return [...made, ...ofType(resources, 'azapi_update_resource')].flatMap(({ address, type, values }): Finding[] => {
    const known = BODIES[textAt(values, 'type')];
    if (known === undefined) return [`TYPE ${address} ${textAt(values, 'type')}`];
    const wrong = known.body.safeParse(values['body']).error?.issues ?? [];
    return [
      ...wrong.map(({ path, message }): Finding => `BODY ${address} ${path.join('.')}: ${message}`),
      ...(known.names?.test(textAt(values, 'name')) === false ? [`NAME ${address}` as const] : []),
      ...((type === 'azapi_update_resource') === (known.exists ?? false) ? [] : [`EXISTS ${address}` as const]),
    ];
  });
}
