import { z } from 'zod';
import { type Digest, isDigest } from './digest.js';

/** A size that a descriptor may claim, in bytes: a whole number up to 1 TiB. */
const size = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 40);

/** zod for a digest. */
export const digestSchema = z.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'not a sha256 digest',
);

/** Bounded by the manifest that holds them. */
export const annotationsSchema = z.record(z.string(), z.string());

/** A descriptor of the OCI image specification 1.1; unknown members are dropped. */
export const descriptorSchema = z.object({
  mediaType: z.string().min(1).max(255),
  digest: digestSchema,
  size,
  artifactType: z.string().max(255).optional(),
  annotations: annotationsSchema.nullish(),
  /** Where else the content may be had; a layer that has such addresses may not be in the registry at all. */
  urls: z.array(z.string().max(2048)).max(100).optional(),
  platform: z
    .object({
      architecture: z.string().max(64),
      os: z.string().max(64),
      variant: z.string().max(64).optional(),
    })
    .optional()
    // A label for people: one that cannot be read does not keep an index from being judged.
    .catch(undefined),
});

/** A parsed descriptor: media type, digest, size in bytes, and what an index says of the platform. */
export type Descriptor = z.infer<typeof descriptorSchema>;
