import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { faultSchema } from './faults.js';
import type { RegistryOptions } from './registry.js';
import { replicaSchema } from './replication.js';
import { identitySchema } from './roles.js';
import { parseSwitches } from './switches.js';
import { throttlingSchema } from './throttle.js';

/** What a file may say of a registry; `notes` are for people. */
const schema = z
  .strictObject({
    switches: z.unknown().transform((value) => (value === undefined ? undefined : parseSwitches(value))),
    anonymous: z.union([z.boolean(), z.literal('pull')]),
    identities: z.array(identitySchema),
    roleMode: z.enum(['rbac', 'abac']),
    blobOrigin: z.url(),
    throttling: throttlingSchema,
    retentionDays: z.number().int().positive(),
    location: z.string().min(1),
    replicas: z.array(replicaSchema),
    faults: z.array(faultSchema),
    connectedRegistry: z.string(),
    notes: z.unknown(),
  })
  .partial();

/** The part of {@link RegistryOptions} that a file can say. */
export type FileOptions = Partial<
  Pick<
    RegistryOptions,
    | 'switches'
    | 'anonymous'
    | 'identities'
    | 'roleMode'
    | 'blobOrigin'
    | 'throttling'
    | 'retentionDays'
    | 'location'
    | 'replicas'
    | 'faults'
    | 'connectedRegistry'
  >
>;

/** Reads options from parsed JSON. Throws a `ZodError` that names every mistake; a member that is not known is one. */
export function parseRegistryOptions(json: unknown): FileOptions {
  const options = Object.entries(schema.parse(json));
  return Object.fromEntries(options.filter(([name, value]) => name !== 'notes' && value !== undefined));
}

/** Reads a JSON file, such as `lazaret probe --out` writes. */
export async function loadRegistryOptions(file: string): Promise<FileOptions> {
  return parseRegistryOptions(JSON.parse(await readFile(file, 'utf8')));
}
