import { AppError } from '../../error/app-error.js';
import type { Certificate } from '../x509/certificate.js';
import type { NotationTrust } from './trust.js';
import { parseTrustPolicy } from './trust-policy.js';
import { STORE_TYPES, type StoreName, type StoreType, readTrustStore } from './trust-store.js';

/** Notation's configuration: a trust policy with the stores of certificates that it names. */
export type NotationMaterial = Omit<NotationTrust, 'scope'>;

/** What the trust policy's file may be called; the first one that is there counts. Notation's CLI knows the second alone. */
const POLICY_FILES = ['trustpolicy.oci.json', 'trustpolicy.json'] as const;

/**
 * Reads a directory in Notation's own layout: `trustpolicy.oci.json` or `trustpolicy.json`, and
 * `truststore/x509/{ca,signingAuthority,tsa}/NAME/*`. `files` are those of all directories, by path. Throws `TRUST_MISSING`,
 * `TRUST_POLICY_INVALID`, or what reading a store throws.
 */
export function readNotationMaterial(directory: string, files: ReadonlyMap<string, Uint8Array>): NotationMaterial {
  const bytes = POLICY_FILES.map((name) => files.get(`${directory}/${name}`)).find((each) => each !== undefined);
  if (bytes === undefined) throw new AppError('TRUST_MISSING', `${directory} holds no trust policy`);
  const policy = parseTrustPolicy(bytes);
  const stores = new Map<StoreName, readonly Certificate[]>();
  for (const store of new Set(policy.statements.flatMap((statement) => statement.stores))) {
    const [type, name] = splitStoreName(store);
    const prefix = `${directory}/truststore/x509/${type}/${name}/`;
    const own = [...files].filter(([path]) => path.startsWith(prefix));
    const named = own.map(([path, content]) => ({ name: path.slice(prefix.length), bytes: content }));
    stores.set(store, readTrustStore({ type, name, files: named }));
  }
  return { policy, stores };
}

function splitStoreName(store: StoreName): readonly [StoreType, string] {
  const type = STORE_TYPES.find((each) => store.startsWith(`${each}:`)) ?? 'ca';
  return [type, store.slice(type.length + 1)];
}
