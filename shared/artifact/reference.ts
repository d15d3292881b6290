import { AppError } from '../error/app-error.js';
import { type Digest, parseDigest } from './digest.js';
import { type LoginServer, parseLoginServer } from './login-server.js';
import { type Repository, parseRepository } from './repository.js';
import { type Tag, parseTag } from './tag.js';

/** Where one manifest lives. Every step acts on this, never on a bare tag. */
export interface ArtifactKey {
  readonly registry: LoginServer;
  readonly repository: Repository;
  readonly digest: Digest;
}

/** One tag of one repository. */
export interface TagKey {
  readonly registry: LoginServer;
  readonly repository: Repository;
  readonly tag: Tag;
}

/** A repository, with the registry that it is in. */
export type Place = Pick<ArtifactKey, 'registry' | 'repository'>;

/** What a person or a pipeline names: by digest, or by a tag that somebody has to resolve. */
export type Reference =
  | (ArtifactKey & { readonly tag?: Tag })
  | { readonly registry: LoginServer; readonly repository: Repository; readonly tag: Tag; readonly digest?: undefined };

/**
 * Parses `host[:port]/repository:tag`, `…@sha256:…` or both (then the digest counts). Nothing is assumed: no default
 * registry, no `latest`. Throws `INVALID_REFERENCE` or the code of the part that is wrong.
 */
export function parseReference(text: string): Reference {
  const slash = text.indexOf('/');
  if (slash <= 0) throw new AppError('INVALID_REFERENCE', 'a reference is host[:port]/repository:tag or …@sha256:…');
  const registry = parseLoginServer(text.slice(0, slash));
  const rest = text.slice(slash + 1);
  const at = rest.indexOf('@');
  const named = at === -1 ? rest : rest.slice(0, at);
  const colon = named.indexOf(':');
  const repository = parseRepository(colon === -1 ? named : named.slice(0, colon));
  const tag = colon === -1 ? undefined : parseTag(named.slice(colon + 1));
  if (at !== -1) {
    const digest = parseDigest(rest.slice(at + 1));
    return { registry, repository, digest, ...(tag !== undefined && { tag }) };
  }
  if (tag === undefined) throw new AppError('INVALID_REFERENCE', 'a reference needs a tag or a digest');
  return { registry, repository, tag };
}

/** `registry/repository@digest`. */
export function formatKey(key: ArtifactKey): string {
  return `${key.registry}/${key.repository}@${key.digest}`;
}

/** Builds a key from untrusted parts. Throws the code of the first part that is wrong. */
export function parseKey(parts: { registry: string; repository: string; digest: string }): ArtifactKey {
  return {
    registry: parseLoginServer(parts.registry),
    repository: parseRepository(parts.repository),
    digest: parseDigest(parts.digest),
  };
}

/** Parses `host[:port]/repository`. Throws `INVALID_REFERENCE`, or the code of the part that is wrong. */
export function parsePlace(text: string): Place {
  const slash = text.indexOf('/');
  if (slash <= 0) throw new AppError('INVALID_REFERENCE', 'a repository is named host[:port]/repository');
  return { registry: parseLoginServer(text.slice(0, slash)), repository: parseRepository(text.slice(slash + 1)) };
}
