import { type Digest, isDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { type Manifest, classifyManifest, parseManifest } from '../artifact/manifest.js';
import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { type Tag, parseReferrersTag } from '../artifact/tag.js';
import { AppError, isAppError } from '../error/app-error.js';
import { MESSAGE_VERSION, type SweepRequest } from '../message/queue-message.js';
import type { IgnoredEvent, RegistryEvent } from '../message/registry-event.js';
import { admit, type AdmitDeps, verifyQueue } from './admit.js';
import type { Excluded, LedgerEntry, TagEntry } from './entry.js';
import { type Log, LAZARET } from './effects.js';
import { isOwnPush } from './overtaken.js';

/** How long after an event a missing manifest is put down to replication, in milliseconds. */
export const REPLICATION_MILLISECONDS = 15 * 60_000;
const MAX_INDEX_DEPTH = 3;

/** What {@link receive} needs. */
export interface ReceiveDeps extends AdmitDeps {
  /** Lower-cased resource id → login server. */
  readonly registries: ReadonlyMap<string, LoginServer>;
  readonly registry: {
    fetchManifest: (
      registry: LoginServer,
      repository: Repository,
      reference: Digest,
    ) => Promise<{ readonly bytes: Uint8Array; readonly mediaType: string }>;
  };
  readonly ledger: AdmitDeps['ledger'] & {
    updateTag: (key: TagKey, change: (current: TagEntry | undefined) => TagEntry | undefined) => Promise<unknown>;
    exclude: (excluded: Excluded) => Promise<void>;
    readExcluded: (key: ArtifactKey) => Promise<Excluded | undefined>;
  };
  readonly log: Log;
}

/**
 * The first step: what happened in a registry becomes work. Throws `REGISTRY_NOT_CONFIGURED` (permanent, before any
 * request leaves) and whatever the registry or the ledger throw.
 */
export async function receive(event: RegistryEvent | IgnoredEvent, deps: ReceiveDeps): Promise<void> {
  if (event.action === 'ignore') return;
  const registry = deps.registries.get(event.resourceId);
  if (registry === undefined) {
    throw new AppError('REGISTRY_NOT_CONFIGURED', 'an event of a registry that is not configured');
  }
  const key: ArtifactKey = { registry, repository: event.repository, digest: event.digest };
  if (event.action === 'delete') {
    // Events come in any order: a push after the delete has brought the digest back.
    await deps.ledger.update(key, (entry) =>
      new Date(event.at) < new Date(entry.pushedAt) ? undefined : { ...entry, goneAt: event.at },
    );
    return;
  }
  const { at, tag, by } = event;
  await receiveOrForget(key, { at, ...(tag !== undefined && { tag }), ...(by !== undefined && { by }) }, deps);
}

/** A manifest that a sweep found becomes work as if its event had come, behind every push. Throws what {@link receive} throws. */
export async function receiveFound({ key, tags, at, existing }: SweepRequest, deps: ReceiveDeps): Promise<void> {
  for (const tag of tags.slice(0, -1)) await rememberTag(key, { tag, at }, deps);
  const tag = tags.at(-1);
  await receiveOrForget(key, { at, sweep: true, existing, ...(tag !== undefined && { tag }) }, deps);
}

async function receiveOrForget(key: ArtifactKey, push: Push, deps: ReceiveDeps): Promise<void> {
  if (push.tag !== undefined) await rememberTag(key, { tag: push.tag, at: push.at }, deps);
  try {
    await receivePush(key, push, { deps, depth: 0 });
  } catch (error) {
    if (!isAppError(error, 'MANIFEST_UNKNOWN')) throw error;
    const age = deps.clock().getTime() - new Date(push.at).getTime();
    if (age < REPLICATION_MILLISECONDS) throw error;
    // No verdict and no alert: what the registry does not hold, nobody can pull.
    await deps.journal({ key, what: 'gone', who: LAZARET, id: `gone-${key.digest}-${push.at}` });
    await deps.ledger.update(key, (entry) => ({ ...entry, goneAt: deps.clock().toISOString() }));
  }
}

/** What is known of one push, however we came to hear of it. */
interface Push {
  readonly at: string;
  readonly tag?: Tag;
  readonly by?: string;
  /** A sweep found it. */
  readonly sweep?: boolean;
  /** It is older than this installation. */
  readonly existing?: boolean;
}

interface Walk {
  readonly deps: ReceiveDeps;
  readonly depth: number;
  /** The index that lists this digest. */
  readonly parent?: Digest;
  readonly platform?: string;
}

/** Returns whether the digest is an image or an index, so that an index knows its platforms. */
async function receivePush(key: ArtifactKey, push: Push, walk: Walk): Promise<boolean> {
  const { deps, parent, platform } = walk;
  const facts = { ...push, ...(parent !== undefined && { parent }), ...(platform !== undefined && { platform }) };
  const known = await deps.ledger.read(key);
  // A known digest needs no second look, and a locked one would refuse it.
  if (known !== undefined) {
    await admit(key, { ...facts, known: known.entry }, deps);
    return true;
  }
  // A digest never becomes something else: a chart that is pushed again, or a mark of our own.
  if ((await deps.ledger.readExcluded(key))?.kind === 'other') return false;
  let read: Awaited<ReturnType<typeof fetchAndParse>>;
  try {
    read = await fetchAndParse(key, deps);
  } catch (error) {
    if (isUnreadable(error)) {
      // Somebody else's runtime may read what we cannot, so it gets an entry, and never a pass.
      await admit(key, { ...facts, kind: 'image', children: [], unreadable: error }, deps);
      return true;
    }
    // Another delivery was quicker, and its verdict has locked the digest since we looked.
    const since = isAppError(error, 'QUARANTINED') ? await deps.ledger.read(key) : undefined;
    if (since === undefined) throw error;
    await admit(key, { ...facts, known: since.entry }, deps);
    return true;
  }
  const { bytes, manifest } = read;
  const shape = { mediaType: manifest.mediaType, size: bytes.byteLength };
  switch (classifyManifest(manifest)) {
    case 'image':
      await admit(key, { ...facts, ...shape, kind: 'image', manifest: bytes, children: [] }, deps);
      return true;
    case 'index': {
      if (walk.depth >= MAX_INDEX_DEPTH) {
        const unreadable = new AppError('INDEX_TOO_DEEP', 'Indexes are nested more than three deep.');
        await admit(key, { ...facts, ...shape, kind: 'image', manifest: bytes, children: [], unreadable }, deps);
        return true;
      }
      const children = await receiveChildren(key, manifest, { ...walk, push });
      if (children.length > 0) {
        await admit(key, { ...facts, ...shape, kind: 'index', manifest: bytes, children }, deps);
        return true;
      }
      await receiveSignature(key, { manifest, push }, deps);
      await exclude(key, 'signature', deps);
      return false;
    }
    case 'signature':
      await receiveSignature(key, { manifest, push }, deps);
      await exclude(key, 'signature', deps);
      return false;
    case 'other':
      await exclude(key, 'other', deps);
      return false;
  }
}

async function fetchAndParse(key: ArtifactKey, { registry }: ReceiveDeps) {
  const { bytes, mediaType } = await registry.fetchManifest(key.registry, key.repository, key.digest);
  return { bytes, manifest: parseManifest(bytes, { mediaType, digest: key.digest }) };
}

/** Whether this is a manifest of a runnable kind that cannot be judged, as opposed to one that could not be had. */
function isUnreadable(error: unknown): error is AppError {
  return ['INVALID_MANIFEST', 'MANIFEST_TOO_LARGE', 'LEGACY_MANIFEST'].some((code) => isAppError(error, code));
}

async function receiveChildren(
  index: ArtifactKey,
  manifest: Manifest,
  { deps, depth, push }: Walk & { readonly push: Push },
): Promise<LedgerEntry['children']> {
  if (manifest.form !== 'index') return [];
  const children: LedgerEntry['children'] = [];
  for (const child of manifest.manifests) {
    const { os, architecture, variant } = child.platform ?? { os: 'unknown', architecture: 'unknown' };
    const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
    const key = { ...index, digest: child.digest };
    try {
      const { at, by, sweep, existing } = push;
      const untagged = { at, ...(by !== undefined && { by }), ...(sweep && { sweep, existing: existing === true }) };
      const isImage = await receivePush(key, untagged, { deps, depth: depth + 1, parent: index.digest, platform });
      if (isImage) children.push({ digest: child.digest, platform });
    } catch (error) {
      const age = deps.clock().getTime() - new Date(push.at).getTime();
      if (!isAppError(error, 'MANIFEST_UNKNOWN') || age < REPLICATION_MILLISECONDS) throw error;
      // A platform that is not there cannot be judged, so the index that lists it cannot pass.
      if (os !== 'unknown') children.push({ digest: child.digest, platform });
    }
  }
  return children;
}

/** A signature, or an index of the referrers tag schema, arrived: what it speaks of is verified (again). */
async function receiveSignature(
  key: ArtifactKey,
  { manifest, push }: { readonly manifest: Manifest; readonly push: Push },
  deps: ReceiveDeps,
): Promise<void> {
  const hex = push.tag === undefined ? undefined : parseReferrersTag(push.tag)?.subjectHex;
  const digest = hex === undefined ? manifest.subject?.digest : `sha256:${hex}`;
  if (digest === undefined || !isDigest(digest) || digest === key.digest) return;
  const subject: ArtifactKey = { ...key, digest };
  // An image that nobody has told of yet may be older than this installation, which its signature does not know. Its own
  // event, or a sweep, brings it, and its verification finds the signature.
  if ((await deps.ledger.read(subject)) === undefined) return;
  const since = deps.clock().toISOString();
  await deps.send(verifyQueue(push), { v: MESSAGE_VERSION, key: subject, again: true, attempt: 0, since });
}

async function exclude(key: ArtifactKey, kind: Excluded['kind'], { ledger, clock }: ReceiveDeps): Promise<void> {
  await ledger.exclude({ key, kind, at: clock().toISOString() });
}

async function rememberTag(
  key: ArtifactKey,
  { tag, at }: { readonly tag: Tag; readonly at: string },
  deps: ReceiveDeps,
): Promise<void> {
  const { registry, repository, digest } = key;
  await deps.ledger.updateTag({ registry, repository, tag }, (current) => {
    // Events come in any order: only a newer push moves the tag.
    if (current !== undefined && new Date(current.pushedAt) > new Date(at)) return undefined;
    if (current?.digest === digest && current.pushedAt === at) return undefined;
    if (isOwnPush(current, { digest, at })) return undefined;
    return { ...current, registry, repository, tag, digest, pushedAt: at };
  });
}
