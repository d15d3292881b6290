import { X509Certificate, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/process.js';
import { only, readResources } from './support/resource.js';

const read = (path: string) => readFileSync(join(ROOT, 'infra', 'kubernetes', path), 'utf8');
const yaml = (path: string) => parse(read(path)) as Record<string, unknown>;
const FILES = ['store', 'notation', 'cosign', 'report', 'policy', 'template', 'constraint'];
const resources = FILES.flatMap((name) => readResources(read(`ratify/base/${name}.yaml`)));
const constraint = only(resources, 'LazaretVerifiedImages', 'lazaret-verified-images');
const witness = only(resources, 'LazaretVerifiedImages', 'lazaret-verified-images-break-glass');

describe('the settings', () => {
  it('are placeholders that parse, and that nobody takes for their own', () => {
    expect(createPublicKey(read('settings/cosign.pub')).asymmetricKeyType).toBe('ec');
    expect(read('settings/cosign.pub')).toContain('REPLACE ME');
    expect(new X509Certificate(read('settings/notation-ca.crt')).subject).toContain('REPLACE ME');
  });

  it('are never applied', () => {
    expect(read('settings/kustomization.yaml')).toContain('config.kubernetes.io/local-config: "true"');
  });
});

describe('staging and production', () => {
  it('refuse where the base is applied as it is', () => {
    expect(constraint.spec['enforcementAction']).toBe('deny');
    expect(witness.spec['enforcementAction']).toBe('warn');
  });

  it('leave out the same namespaces, by name, and none by a label', () => {
    const match = constraint.spec['match'] as { excludedNamespaces: string[] };
    expect(witness.spec['match']).toEqual(match);
    expect(Object.keys(match).toSorted()).toEqual(['excludedNamespaces', 'kinds']);
    expect(match.excludedNamespaces).toEqual(expect.arrayContaining(['kube-system', 'gatekeeper-system']));
    expect(match.excludedNamespaces.filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
  });
});

describe('the charts', () => {
  interface Values {
    readonly provider: {
      timeout: { validationTimeoutSeconds: number };
      cache: { ttl: string };
      enableMutation: boolean;
    };
    readonly policy: { useRego: boolean };
    readonly cosignKeys: readonly string[];
    readonly oras: { authProviders: { azureContainerRegistryEndpoints: string[] }; cache: { ttl: number } };
    readonly azureWorkloadIdentity: { clientId: string };
  }
  const values = yaml('ratify/values.yaml') as unknown as Values;
  const gatekeeper = { ...yaml('gatekeeper/values.yaml'), ...yaml('ratify/gatekeeper.values.yaml') };

  it('let Ratify answer before Gatekeeper gives up, and Gatekeeper refuse when it does not', () => {
    const { validationTimeoutSeconds } = values.provider.timeout;
    expect(gatekeeper['validatingWebhookTimeoutSeconds']).toBeGreaterThan(validationTimeoutSeconds);
    expect(gatekeeper['validatingWebhookFailurePolicy']).toBe('Fail');
    expect(gatekeeper['externaldataProviderResponseCacheTTL']).toBe(values.provider.cache.ttl);
  });

  it('make no verifier with trust policies of Cosign, and no policy whose answer would be taken for ours', () => {
    expect([values.cosignKeys, values.policy.useRego, values.provider.enableMutation]).toEqual([[], false, false]);
    expect(Object.keys(only(resources, 'Verifier', 'verifier-cosign').spec['parameters'] as object)).toEqual(['key']);
  });

  it('read the registry as the settings say', () => {
    const settings = read('settings/settings.env');
    expect(settings).toContain(`registry=${values.oras.authProviders.azureContainerRegistryEndpoints.join()}\n`);
    expect(settings).toContain(`ratifyClientId=${values.azureWorkloadIdentity.clientId}\n`);
    const { parameters } = only(resources, 'Store').spec as { parameters: { ttl: number } };
    expect(parameters.ttl).toBe(values.oras.cache.ttl);
  });
});
