import { z } from 'zod';
import { readResources } from './resource.js';

const matchSchema = z.looseObject({ match: z.looseObject({ excludedNamespaces: z.array(z.string()) }) });

/**
 * A definition of Azure Policy that carries a constraint template, in the form that the add-on for AKS takes (Microsoft Learn,
 * "Azure Policy definition structure", mode `Microsoft.Kubernetes.Data`).
 */
export function definitionOf({
  template,
  constraints,
  version,
}: {
  readonly template: string;
  readonly constraints: string;
  readonly version: string;
}) {
  const constraint = readResources(constraints).find(({ metadata }) => metadata.name === 'lazaret-allowed-images');
  const { excludedNamespaces } = matchSchema.parse(constraint?.['spec']).match;
  return {
    properties: {
      displayName: 'Lazaret: images come from allowed registries, pinned by a digest',
      description:
        'Containers, init containers, ephemeral containers and image volumes. It verifies no signature and reads no report.',
      policyType: 'Custom',
      mode: 'Microsoft.Kubernetes.Data',
      metadata: { version, category: 'Kubernetes' },
      parameters: {
        effect: {
          type: 'String',
          metadata: { displayName: 'Effect', description: 'Audit tells, Deny refuses.' },
          allowedValues: ['Audit', 'Deny', 'Disabled'],
          defaultValue: 'Audit',
        },
        excludedNamespaces: {
          type: 'Array',
          metadata: { displayName: 'Namespaces that are left out', description: 'By name; what the cluster needs.' },
          defaultValue: excludedNamespaces,
        },
        registries: {
          type: 'Array',
          metadata: { displayName: 'Registries', description: 'Hosts, or hosts with a path: contoso.azurecr.io' },
        },
      },
      policyRule: {
        if: { field: 'type', in: ['Microsoft.ContainerService/managedClusters'] },
        then: {
          effect: "[parameters('effect')]",
          details: {
            templateInfo: { sourceType: 'Base64Encoded', content: Buffer.from(template, 'utf8').toString('base64') },
            apiGroups: [''],
            kinds: ['Pod'],
            excludedNamespaces: "[parameters('excludedNamespaces')]",
            values: { registries: "[parameters('registries')]" },
          },
        },
      },
    },
  } as const;
}
