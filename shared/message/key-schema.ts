import { z } from 'zod';
import { digestSchema } from '../artifact/descriptor.js';
import { type LoginServer, parseLoginServer } from '../artifact/login-server.js';
import { type Repository, parseRepository } from '../artifact/repository.js';
import { type Tag, isTag } from '../artifact/tag.js';

function accepts(parse: (text: string) => unknown) {
  return (value: unknown) => {
    if (typeof value !== 'string') return false;
    try {
      parse(value);
      return true;
    } catch {
      return false;
    }
  };
}

/** zod for a tag. */
export const tagSchema = z.custom<Tag>((value) => typeof value === 'string' && isTag(value), 'not a tag');

/** zod for an {@link ArtifactKey}. */
export const keySchema = z.object({
  registry: z.custom<LoginServer>(accepts(parseLoginServer), 'not a registry host'),
  repository: z.custom<Repository>(accepts(parseRepository), 'not a repository name'),
  digest: digestSchema,
});
