import type { TokenCredential } from '@azure/identity';
import { z } from 'zod';
import { isAppError } from '../error/app-error.js';
import type { Http } from '../net/http.js';
import type { Retention } from '../pipeline/coverage.js';

// https://learn.microsoft.com/azure/container-registry/container-registry-retention-policy
const API_VERSION = '2023-07-01';
const registrySchema = z.object({
  properties: z.object({
    policies: z
      .object({
        retentionPolicy: z.object({ status: z.string().optional(), days: z.number().optional() }).optional(),
      })
      .optional(),
  }),
});

/** What {@link createRetentionReader} needs. */
export interface RetentionDeps {
  readonly http: Http;
  /** Azure Resource Manager, such as `https://management.azure.com`. */
  readonly resourceManager: URL;
  /** Undefined where we have no identity, as in the local environment. */
  readonly credential: TokenCredential | undefined;
}

/**
 * Reads a registry's retention policy. It stands in the registry's management interface, so it needs the right to read
 * the resource; whatever keeps us from knowing is `unknown`, never `off`.
 */
export function createRetentionReader({ http, resourceManager, credential }: RetentionDeps) {
  return async (resourceId: string): Promise<Retention> => {
    if (credential === undefined) return { state: 'unknown', code: 'IDENTITY_MISSING' };
    try {
      const token = await credential.getToken(new URL('/.default', resourceManager).href);
      if (token === null) return { state: 'unknown', code: 'IDENTITY_UNAVAILABLE' };
      const url = new URL(resourceId, resourceManager);
      url.searchParams.set('api-version', API_VERSION);
      const answer = await http({ url, headers: { authorization: `Bearer ${token.token}` }, maxBytes: 1024 * 1024 });
      if (answer.status !== 200) return { state: 'unknown', code: `STATUS_${answer.status}` };
      const { properties } = registrySchema.parse(JSON.parse(Buffer.from(answer.body).toString('utf8')));
      const { status, days } = properties.policies?.retentionPolicy ?? {};
      return status === 'enabled' && days !== undefined ? { state: 'on', days } : { state: 'off' };
    } catch (error) {
      return { state: 'unknown', code: isAppError(error) ? error.code : 'RETENTION_UNREADABLE' };
    }
  };
}
