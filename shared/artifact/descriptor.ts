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

const annotations = z.record(z.string().max(1024), z.string().max(65_536));

/** A descriptor of the OCI image specification 1.1; unknown members are dropped. */
export const descriptorSchema = z.object({
  mediaType: z.string().min(1).max(255),
  digest: digestSchema,
  size,
  artifactType: z.string().max(255).optional(),
  annotations: annotations.nullish(),
  platform: z
    .object({
      architecture: z.string().max(64),
      os: z.string().max(64),
      variant: z.string().max(64).optional(),
    })
    .optional(),
});

/** A parsed descriptor: media type, digest, size in bytes, and what an index says of the platform. */
export type Descriptor = z.infer<typeof descriptorSchema>;
