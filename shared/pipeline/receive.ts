import { type Digest, isDigest } from '../artifact/digest.js';
import type { LoginServer } from '../artifact/login-server.js';
import { type Manifest, classifyManifest, parseManifest } from '../artifact/manifest.js';
import type { ArtifactKey, TagKey } from '../artifact/reference.js';
import type { Repository } from '../artifact/repository.js';
import { type Tag, parseReferrersTag } from '../artifact/tag.js';
import { AppError, isAppError } from '../error/app-error.js';
import { MESSAGE_VERSION } from '../message/queue-message.js';
import { QUEUES } from '../message/queue-name.js';
import type { IgnoredEvent, RegistryEvent } from '../message/registry-event.js';
import { admit, type AdmitDeps } from './admit.js';
import type { LedgerEntry, TagEntry } from './entry.js';
import { type Log, LAZARET } from './effects.js';

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
  if (event.tag !== undefined) await rememberTag(key, { tag: event.tag, at: event.at }, deps);
  try {
    await receivePush(key, event, { deps, depth: 0 });
  } catch (error) {
    if (!isAppError(error, 'MANIFEST_UNKNOWN')) throw error;
    const age = deps.clock().getTime() - new Date(event.at).getTime();
    if (age < REPLICATION_MILLISECONDS) throw error;
    // No verdict and no alert: what the registry does not hold, nobody can pull.
    await deps.journal({ key, what: 'gone', who: LAZARET, id: `gone-${key.digest}-${event.at}` });
    await deps.ledger.update(key, (entry) => ({ ...entry, goneAt: deps.clock().toISOString() }));
  }
}

/** What is known of one push, however we came to hear of it. */
interface Push {
  readonly at: string;
  readonly tag?: Tag;
  readonly by?: string;
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
  let fetched: Awaited<ReturnType<typeof deps.registry.fetchManifest>>;
  try {
    fetched = await deps.registry.fetchManifest(key.registry, key.repository, key.digest);
  } catch (error) {
    // Another delivery was quicker, and its verdict has locked the digest since we looked.
    const since = isAppError(error, 'QUARANTINED') ? await deps.ledger.read(key) : undefined;
    if (since === undefined) throw error;
    await admit(key, { ...facts, known: since.entry }, deps);
    return true;
  }
  const { bytes, mediaType } = fetched;
  const manifest = parseManifest(bytes, { mediaType, digest: key.digest });
  const shape = { mediaType: manifest.mediaType, size: bytes.byteLength };
  switch (classifyManifest(manifest)) {
    case 'image':
      await admit(key, { ...facts, ...shape, kind: 'image', manifest: bytes, children: [] }, deps);
      return true;
    case 'index': {
      const children = await receiveChildren(key, manifest, { ...walk, push });
      if (children.length > 0) {
        await admit(key, { ...facts, ...shape, kind: 'index', manifest: bytes, children }, deps);
        return true;
      }
      await receiveSignature(key, { manifest, push }, deps);
      return false;
    }
    case 'signature':
      await receiveSignature(key, { manifest, push }, deps);
      return false;
    case 'other':
      return false;
  }
}

async function receiveChildren(
  index: ArtifactKey,
  manifest: Manifest,
  { deps, depth, push }: Walk & { readonly push: Push },
): Promise<LedgerEntry['children']> {
  if (manifest.form !== 'index') return [];
  if (depth >= MAX_INDEX_DEPTH) throw new AppError('INDEX_TOO_DEEP', 'indexes nested more than three deep');
  const children: LedgerEntry['children'] = [];
  for (const child of manifest.manifests) {
    const { os, architecture, variant } = child.platform ?? { os: 'unknown', architecture: 'unknown' };
    const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
    const key = { ...index, digest: child.digest };
    try {
      const { at, by } = push;
      const isImage = await receivePush(
        key,
        { at, ...(by !== undefined && { by }) },
        { deps, depth: depth + 1, parent: index.digest, platform },
      );
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
  // The signature may come before its image's own event.
  if ((await deps.ledger.read(subject)) === undefined) {
    const isImage = await receivePush(subject, { at: push.at }, { deps, depth: 0 });
    if (!isImage) return;
  }
  const since = deps.clock().toISOString();
  await deps.send(QUEUES.verify, { v: MESSAGE_VERSION, key: subject, again: true, attempt: 0, since });
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
    return { registry, repository, tag, digest, pushedAt: at, ...(current?.removed && { removed: current.removed }) };
  });
}
