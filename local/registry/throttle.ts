import { z } from 'zod';
import { RegistryError } from './error.js';

/** What is counted. A listing of referrers counts as a read too. */
export type OperationClass = 'read' | 'write' | 'delete' | 'referrers' | 'oauth';

interface Limit {
  readonly registry: number;
  readonly identity: number;
}

/**
 * Operations per minute, of Basic and Standard registries and of Premium ones. For the token service no limit per
 * identity is published. https://learn.microsoft.com/azure/container-registry/container-registry-skus
 */
export const LIMITS: Readonly<Record<'standard' | 'premium', Readonly<Record<OperationClass, Limit>>>> = {
  standard: {
    read: { registry: 10_000, identity: 5000 },
    write: { registry: 2000, identity: 1000 },
    delete: { registry: 1000, identity: 500 },
    referrers: { registry: 500, identity: 250 },
    oauth: { registry: 10_000, identity: 10_000 },
  },
  premium: {
    read: { registry: 20_000, identity: 10_000 },
    write: { registry: 4000, identity: 2000 },
    delete: { registry: 4000, identity: 2000 },
    referrers: { registry: 2000, identity: 1000 },
    oauth: { registry: 20_000, identity: 20_000 },
  },
};

/** How a registry throttles: the published limits, times `scale`. */
export const throttlingSchema = z.strictObject({
  sku: z.enum(['standard', 'premium']),
  scale: z.number().positive(),
});
export type Throttling = z.infer<typeof throttlingSchema>;

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** The class of a request. */
export function classOf(request: Request): readonly OperationClass[] {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith('/oauth2/')) return ['oauth'];
  if (pathname.includes('/referrers/')) return ['referrers', 'read'];
  if (request.method === 'GET' || request.method === 'HEAD') return ['read'];
  return request.method === 'DELETE' ? ['delete'] : ['write'];
}

/** Token buckets for the registry and for each caller; all who come without credentials are one caller. */
export function createThrottle({ sku, scale }: Throttling, clock: () => Date) {
  const buckets = new Map<string, Bucket>();
  const fill = (name: string, perMinute: number) => {
    const at = clock().getTime();
    const capacity = Math.max(perMinute * scale, 1);
    const bucket = buckets.get(name) ?? { tokens: capacity, at };
    const tokens = Math.min(capacity, bucket.tokens + ((at - bucket.at) / 60_000) * capacity);
    return { name, capacity, tokens, at };
  };
  /** Throws `TOOMANYREQUESTS` with the seconds to wait. A request that is refused takes nothing. */
  return (request: Request, caller: string): void => {
    const filled = classOf(request).flatMap((operation) => {
      const { registry, identity } = LIMITS[sku][operation];
      return [fill(`registry ${operation}`, registry), fill(`${operation} of ${caller}`, identity)];
    });
    const waits = filled.map(({ tokens, capacity }) => Math.max(0, ((1 - tokens) / capacity) * 60));
    // Ten seconds are ten, whatever the last bit of a division says.
    const seconds = Math.ceil(Math.max(...waits) - 1e-6);
    for (const { name, tokens, at } of filled) buckets.set(name, { tokens: seconds > 0 ? tokens : tokens - 1, at });
    if (seconds <= 0) return;
    throw new RegistryError(429, 'TOOMANYREQUESTS', {
      message: 'too many requests',
      headers: { 'retry-after': String(seconds) },
    });
  };
}
