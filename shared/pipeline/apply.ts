import type { Digest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import type { Tag } from '../artifact/tag.js';
import { AppError } from '../error/app-error.js';
import type { AppliedOperation, Attributes, ObservedArtifact, Operation } from '../policy/operation.js';
import type { TagEntry } from './entry.js';
import type { Clock, Journal } from './effects.js';

/** How the registry took a change; `gone`: what was to be changed is not there. */
export type Outcome = 'done' | 'refused' | 'gone';

/** What {@link applyOperation} and {@link lookAgain} need. */
export interface ApplyDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly registry: {
    observe: (key: ArtifactKey) => Promise<ObservedArtifact | undefined>;
    resolveTag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Digest | undefined>;
    pullState: (
      registry: LoginServer,
      repository: Repository,
      reference: Digest | Tag,
    ) => Promise<{ readonly state: 'served' | 'refused' | 'absent' }>;
    untag: (registry: LoginServer, repository: Repository, tag: Tag) => Promise<Outcome>;
    lock: (key: ArtifactKey) => Promise<Outcome>;
    unlock: (key: ArtifactKey, attributes: Attributes) => Promise<Outcome>;
    retag: (key: ArtifactKey, tag: Tag) => Promise<Outcome>;
  };
  readonly ledger: {
    updateTag: (key: TagKey, change: (current: TagEntry | undefined) => TagEntry | undefined) => Promise<unknown>;
  };
}

/** Who wants the change, for the journal. */
export interface Cause {
  readonly who: string;
  readonly why: string;
}

/** Carries out one operation and journals it. Safe to repeat. */
export async function applyOperation(
  key: ArtifactKey,
  operation: Operation,
  { cause, ...deps }: ApplyDeps & { readonly cause: Cause },
): Promise<AppliedOperation> {
  const outcome = await carryOut(key, operation, deps);
  const at = deps.clock().toISOString();
  const tag = 'tag' in operation ? { tag: operation.tag } : {};
  await deps.journal({ key, what: `${operation.kind}-${outcome}`, ...cause, detail: { ...tag } });
  return { kind: operation.kind, ...tag, outcome: outcome === 'refused' ? 'refused' : 'done', at };
}

async function carryOut(key: ArtifactKey, operation: Operation, deps: ApplyDeps): Promise<Outcome> {
  const { registry, repository } = key;
  switch (operation.kind) {
    case 'untag': {
      // ACR cannot remove a tag on a condition, so it is read as late as possible. The removal begins with this look:
      // whoever pushes the tag after it is overtaken.
      const at = deps.clock().toISOString();
      const current = await deps.registry.resolveTag(registry, repository, operation.tag);
      if (current !== key.digest) return 'gone';
      await rememberRemoval(key, { tag: operation.tag, at }, deps);
      const outcome = await deps.registry.untag(registry, repository, operation.tag);
      const until = deps.clock().toISOString();
      await deps.ledger.updateTag({ registry, repository, tag: operation.tag }, (row) =>
        row?.removed?.digest === key.digest ? { ...row, removed: { ...row.removed, until } } : undefined,
      );
      return outcome;
    }
    case 'lock':
      return deps.registry.lock(key);
    case 'unlock':
      return deps.registry.unlock(key, operation.attributes);
    case 'retag': {
      const current = await deps.registry.resolveTag(registry, repository, operation.tag);
      // Somebody has pushed the tag since: theirs stays.
      if (current !== undefined) return current === key.digest ? 'done' : 'gone';
      return deps.registry.retag(key, operation.tag);
    }
  }
}

/** Written before the removal, so that a tag that is gone can always be resolved, and an overtaken push be found. */
async function rememberRemoval(
  key: ArtifactKey,
  { tag, at }: { readonly tag: Tag; readonly at: string },
  deps: ApplyDeps,
): Promise<void> {
  const { registry, repository, digest } = key;
  await deps.ledger.updateTag({ registry, repository, tag }, (current) => ({
    registry,
    repository,
    tag,
    digest: current?.digest ?? digest,
    pushedAt: current?.pushedAt ?? at,
    removed: { digest, at },
  }));
}

/**
 * After a lock: what would a client get now? Tags that still serve the locked digest are returned, to be removed.
 * Throws `LOCK_NOT_EFFECTIVE` (retryable: attributes replicate) while the digest itself is still served.
 */
export async function lookAgain(key: ArtifactKey, tags: readonly Tag[], deps: ApplyDeps): Promise<readonly Tag[]> {
  const { registry, repository, digest } = key;
  const { state } = await deps.registry.pullState(registry, repository, digest);
  if (state === 'served') {
    throw new AppError('LOCK_NOT_EFFECTIVE', 'the registry still serves a digest that is locked', { retryable: true });
  }
  const serving: Tag[] = [];
  for (const tag of tags) {
    const pull = await deps.registry.pullState(registry, repository, tag);
    if (pull.state !== 'served') continue;
    if ((await deps.registry.resolveTag(registry, repository, tag)) === digest) serving.push(tag);
  }
  return serving;
}
