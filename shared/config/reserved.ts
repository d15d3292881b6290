import { type LoginServer, parseLoginServer } from '../artifact/login-server.js';
import { parseReference } from '../artifact/reference.js';
import type { Problem } from '../error/app-error.js';
import { patternProblem } from '../policy/pattern.js';
import type { Reserved } from '../policy/reserved.js';

/** Settings that name something which Lazaret pulls from a registry: an OCI reference, or `directory:PATH`. */
export interface NamedArtifacts {
  readonly LAZARET_JOB_IMAGE?: string | undefined;
  readonly LAZARET_DATABASE?: string | undefined;
  readonly LAZARET_JAVA_DATABASE?: string | undefined;
}

/**
 * The repositories that must never be enforced: those of what the settings name, and `list`, whose members are
 * `login-server/repository` with `*` and `**` as in the policy. Adds to `problems` whatever cannot be used.
 */
export function readReserved(
  { list, named }: { readonly list: readonly string[]; readonly named: NamedArtifacts },
  registries: readonly LoginServer[],
  problems: Problem[],
): readonly Reserved[] {
  const fromNamed = Object.entries(named).flatMap(([path, text]: [string, string | undefined]): Reserved[] => {
    if (text === undefined || text.startsWith('directory:')) return [];
    try {
      const { registry, repository } = parseReference(text);
      // What is in somebody else's registry is not ours to lock.
      return registries.includes(registry) ? [{ registry, repository }] : [];
    } catch {
      problems.push({ path, message: 'is not host/repository:tag or …@sha256:…' });
      return [];
    }
  });
  const fromList = list.flatMap((text, index): Reserved[] => {
    const path = `LAZARET_RESERVED_REPOSITORIES.${index}`;
    const slash = text.indexOf('/');
    const repository = text.slice(slash + 1);
    const problem = slash <= 0 ? 'is not login-server/repository' : patternProblem(repository);
    if (problem !== undefined) {
      problems.push({ path, message: problem });
      return [];
    }
    const registry = registries.find((each) => each === loginServerOf(text.slice(0, slash)));
    if (registry !== undefined) return [{ registry, repository }];
    problems.push({ path, message: 'names a registry that is not in LAZARET_REGISTRIES' });
    return [];
  });
  return [...fromNamed, ...fromList];
}

function loginServerOf(text: string): LoginServer | undefined {
  try {
    return parseLoginServer(text);
  } catch {
    return undefined;
  }
}
