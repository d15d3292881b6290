import { AppError } from '../error/app-error.js';

/** A repository's name inside its registry, such as `team-a/app`. */
export type Repository = string & { readonly __brand: 'Repository' };

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;

/** The longest repository name that is accepted, in characters. */
export const MAX_REPOSITORY_LENGTH = 255;

/**
 * Parses a repository name by the grammar of the OCI distribution specification 1.1, *Pulling manifests*.
 * Throws `INVALID_REPOSITORY`.
 */
export function parseRepository(text: string): Repository {
  const valid = text.length <= MAX_REPOSITORY_LENGTH && text.split('/').every((component) => COMPONENT.test(component));
  if (!valid) {
    throw new AppError('INVALID_REPOSITORY', `not a repository name: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text as Repository;
}
