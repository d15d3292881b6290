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
    readTag: (key: TagKey) => Promise<TagEntry | undefined>;
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
      const change = { what: 'removed', tag: operation.tag, at } as const;
      return remembered(key, change, { ...deps, work: () => deps.registry.untag(registry, repository, operation.tag) });
    }
    case 'lock':
      return deps.registry.lock(key);
    case 'unlock':
      return deps.registry.unlock(key, operation.attributes);
    case 'retag': {
      // Nor can it set a tag on the condition that it is absent, so this is written down in the same way.
      const at = deps.clock().toISOString();
      const current = await deps.registry.resolveTag(registry, repository, operation.tag);
      if (current === key.digest) return 'done';
      // Somebody has pushed the tag since: theirs stays. What we have put there ourselves, over a later push, does not.
      if (current !== undefined && !(await isMisplaced(key, { tag: operation.tag, current }, deps))) return 'gone';
      const change = { what: 'restored', tag: operation.tag, at } as const;
      return remembered(key, change, { ...deps, work: () => deps.registry.retag(key, operation.tag) });
    }
  }
}

/** Whether the tag was last pushed for this digest, and points to another one only because we restored it there. */
async function isMisplaced(
  { registry, repository, digest }: ArtifactKey,
  { tag, current }: { readonly tag: Tag; readonly current: Digest },
  { ledger }: ApplyDeps,
): Promise<boolean> {
  const row = await ledger.readTag({ registry, repository, tag });
  return row?.digest === digest && row.restored?.at(-1)?.digest === current;
}

/**
 * Changes a tag, and writes it down before, so that a tag that is gone can always be resolved, and after, so that a push
 * that it has overtaken is found.
 */
async function remembered(
  { registry, repository, digest }: ArtifactKey,
  { what, tag, at }: { readonly what: 'removed' | 'restored'; readonly tag: Tag; readonly at: string },
  { ledger, clock, work }: ApplyDeps & { readonly work: () => Promise<Outcome> },
): Promise<Outcome> {
  const key: TagKey = { registry, repository, tag };
  const note = what === 'removed' ? withRemoval : withRestoration;
  await ledger.updateTag(key, (row) => note(row ?? { ...key, digest, pushedAt: at }, { digest, at }));
  const outcome = await work();
  const until = clock().toISOString();
  await ledger.updateTag(key, (row) => row && note(row, { digest, at, until }));
  return outcome;
}

type TagChange = NonNullable<TagEntry['removed']>;

/** Of two removals at once the later one is kept, with the end of whichever was over last. */
function withRemoval(row: TagEntry, change: TagChange): TagEntry | undefined {
  const { removed } = row;
  if (change.until === undefined || removed === undefined) return { ...row, removed: change };
  return removed.digest === change.digest ? { ...row, removed: { ...change, at: removed.at } } : undefined;
}

const MAX_RESTORATIONS = 10;

/** The restoration that came through last is the last one. */
function withRestoration(row: TagEntry, change: TagChange): TagEntry {
  const others = (row.restored ?? []).filter(({ digest }) => digest !== change.digest);
  return { ...row, restored: [...others, change].slice(-MAX_RESTORATIONS) };
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
