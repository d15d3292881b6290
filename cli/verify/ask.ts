import type { AskAuthorities } from '../../shared/pipeline/judge-signatures.js';
import { createRevocationFetcher } from '../../shared/revocation/fetch-answers.js';

/** Asks certificate authorities, and hosts on private addresses only where they are named. */
export function createAsk(allowedHosts: readonly string[]): AskAuthorities {
  return createRevocationFetcher({ clock: () => new Date(), allowedHosts: new Set(allowedHosts) });
}
