import { AppError } from '../error/app-error.js';

/** A repository's name inside its registry, such as `team-a/app`. */
export type Repository = string & { readonly __brand: 'Repository' };

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;

/** The longest repository name that is accepted, in characters. */
export const MAX_REPOSITORY_LENGTH = 255;

/** Whether `text` is a repository's name. */
export function isRepository(text: string): text is Repository {
  return text.length <= MAX_REPOSITORY_LENGTH && text.split('/').every((component) => COMPONENT.test(component));
}

/**
 * Parses a repository name by the grammar of the OCI distribution specification 1.1, *Pulling manifests*.
 * Throws `INVALID_REPOSITORY`.
 */
export function parseRepository(text: string): Repository {
  if (isRepository(text)) return text;
  throw new AppError('INVALID_REPOSITORY', `not a repository name: ${JSON.stringify(text.slice(0, 80))}`);
}
