import type { LoginServer } from '../artifact/login-server.js';
import type { Place } from '../artifact/reference.js';
import { matchesPattern } from './pattern.js';

/** A repository, or a pattern of some, that Lazaret itself or the cluster's admission lives on. */
export interface Reserved {
  readonly registry: LoginServer;
  readonly repository: string;
}

/** Whether a digest is never enforced beyond marks: to lock it would take down what locks. */
export function isReserved(reserved: readonly Reserved[], key: Place): boolean {
  return reserved.some(
    ({ registry, repository }) => registry === key.registry && matchesPattern(repository, key.repository),
  );
}
