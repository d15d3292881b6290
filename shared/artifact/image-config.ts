import { z } from 'zod';
import { AppError } from '../error/app-error.js';
import { type Digest } from './digest.js';
import { digestSchema } from './descriptor.js';

/** The largest image configuration that is read, in bytes. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const MAX_DIFF_IDS = 1000;

// https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
const configSchema = z.object({
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digestSchema).max(MAX_DIFF_IDS) }),
});

/** What an image's configuration claims of its layers. */
export interface ImageConfig {
  /** The digest of each layer's uncompressed archive, lowest layer first. */
  readonly diffIds: readonly Digest[];
}

/** Parses an image configuration as far as it speaks of layers. Throws `CONFIG_MALFORMED`. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  try {
    const { rootfs } = configSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return { diffIds: rootfs.diff_ids };
  } catch (cause) {
    throw new AppError('CONFIG_MALFORMED', 'The image configuration names no layers.', { cause });
  }
}
