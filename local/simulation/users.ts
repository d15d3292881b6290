import type { Digest } from '../../shared/artifact/digest.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { type ArtifactKey, formatKey } from '../../shared/artifact/reference.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import type { Repository } from '../../shared/artifact/repository.js';
import type { Tag } from '../../shared/artifact/tag.js';
import type { Artifact } from '../sample/image.js';
import type { Deed, History, Push, Where } from './history.js';
import type { DeedKind } from './trouble.js';
import { imageOf, indexOf, signatureOf } from './images.js';
import type { ReleaseAnswer } from './release-call.js';
import type { MemoryRegistry } from './memory-registry.js';
import { REGISTRIES, REPOSITORIES, TAGS } from './setting.js';

/** Something that was really pushed under a tag; without a digest, the tag was deleted with what it pointed to. */
export interface TagPush {
  readonly at: number;
  readonly registry: LoginServer;
  readonly repository: Repository;
  readonly tag: Tag;
  readonly digest: Digest | undefined;
}

/** What the users of the simulated world really did: what the judge goes by. */
export interface Deeds {
  readonly tagPushes: TagPush[];
  /** When a digest was first pushed, by `registry/repository@digest`. */
  readonly firstPushed: Map<string, number>;
  /** Subjects of signatures by the trusted key, by `registry/repository@digest`, and the digests of those. */
  readonly signed: Map<string, Digest[]>;
  /** What came of releases, by `registry/repository@digest`. */
  readonly releases: Map<string, Exclude<ReleaseAnswer, 'refused'>>;
  readonly deleted: Set<string>;
  /** What was there before the app, and what of it, or of anything else, has been pushed since. */
  readonly existing: Set<string>;
  readonly pushedSince: Set<string>;
  /** Whose marks somebody has deleted. */
  readonly unmarked: Set<string>;
  /** Every index that was pushed, with what it holds. */
  readonly indexes: (ArtifactKey & { readonly children: readonly Digest[] })[];
  /** When each vulnerability database after the first one came out. */
  readonly databases: number[];
}

/** What {@link performHistory} needs. */
export interface UserOptions {
  readonly registries: ReadonlyMap<string, MemoryRegistry>;
  readonly now: () => number;
  readonly at: (seconds: number, work: () => void) => void;
  /** Asks the app to release a digest until it answers; resolves with what it said. */
  readonly release: (reference: string) => Promise<ReleaseAnswer>;
}

/** Puts everything that people do in a history on the schedule, and returns what comes of it. */
export function performHistory(
  history: History,
  options: UserOptions,
): { readonly deeds: Deeds; readonly perform: (deed: Omit<Deed, 'at'>) => void } {
  const deeds: Deeds = {
    tagPushes: [],
    firstPushed: new Map(),
    signed: new Map(),
    releases: new Map(),
    deleted: new Set(),
    ...{ existing: new Set(), pushedSince: new Set(), unmarked: new Set() },
    indexes: [],
    databases: [],
  };
  const perform = ({ kind, push: index }: Omit<Deed, 'at'>): void => {
    const push = history.pushes[index];
    if (kind === 'database') deeds.databases.push(options.now());
    else if (push) performOn(kind, push, { ...options, deeds });
  };
  // No two things happen in the same millisecond: events tell no shorter times apart.
  for (const [i, push] of history.pushes.entries()) {
    if (push === null) continue;
    if (push.existing) {
      pushArtifact(artifactOf(push), { push, tag: push.tag }, { ...options, deeds });
      continue;
    }
    options.at(push.at + i / 1000, () =>
      pushArtifact(artifactOf(push), { push, tag: push.tag }, { ...options, deeds }),
    );
  }
  for (const [i, deed] of history.deeds.entries()) {
    options.at(deed.at + (history.pushes.length + i) / 1000, () => perform(deed));
  }
  return { deeds, perform };
}

/** Images that are pushed to move a tag have serial numbers of their own. */
const MOVED = 1_000_000;

type World = UserOptions & { readonly deeds: Deeds };

function artifactOf({ images }: Push): Artifact {
  const made = images.map(({ content, serial }) => imageOf(content, serial));
  const [only] = made;
  return made.length === 1 && only !== undefined ? only : indexOf(made);
}

/** The repository that a push goes to. */
export function placeOf({ registry, repository }: Where) {
  const place = REGISTRIES[registry % REGISTRIES.length];
  const name = REPOSITORIES[repository % REPOSITORIES.length];
  if (place === undefined || name === undefined) throw new Error('a history of another world');
  return { registry: place.loginServer, repository: name };
}

function pushArtifact(
  artifact: Artifact,
  { push, tag }: { readonly push: Where & { readonly existing?: boolean }; readonly tag: number | undefined },
  world: World,
): void {
  const { registry, repository } = placeOf(push);
  const held = world.registries.get(registry);
  if (held === undefined) return;
  const put = (one: Artifact, name?: Tag): void => {
    for (const { bytes, digest } of one.blobs) held.blobs.set(digest, bytes);
    if (held.put(repository, one, name) !== 'done') return;
    const key = formatKey({ registry, repository, digest: one.digest });
    (push.existing === true ? world.deeds.existing : world.deeds.pushedSince).add(key);
    if (!world.deeds.firstPushed.has(key)) world.deeds.firstPushed.set(key, world.now());
    const children = one.children.map(({ digest }) => digest);
    if (children.length > 0) world.deeds.indexes.push({ registry, repository, digest: one.digest, children });
    if (name !== undefined)
      world.deeds.tagPushes.push({ at: world.now(), registry, repository, tag: name, digest: one.digest });
  };
  for (const child of artifact.children) put(child);
  put(artifact, tag === undefined ? undefined : TAGS[tag % TAGS.length]);
}

function performOn(kind: Exclude<DeedKind, 'database'>, first: Push, world: World): void {
  const push = { ...first, existing: false };
  const artifact = artifactOf(push);
  const { registry, repository } = placeOf(push);
  const key: ArtifactKey = { registry, repository, digest: artifact.digest };
  switch (kind) {
    case 'sign':
    case 'sign-legacy':
    case 'sign-stranger':
      sign(kind, { artifact, push }, world);
      break;
    case 'release':
      void release(key, world);
      break;
    case 'delete':
      remove(key, world);
      break;
    case 'unlock':
      world.registries.get(registry)?.setAttributes(repository, key.digest, { readEnabled: true, deleteEnabled: true });
      break;
    case 'untag':
      untag(key, TAGS[push.tag % TAGS.length], world);
      break;
    case 'unmark':
      unmark(key, world);
      break;
    case 'again':
      pushArtifact(artifact, { push, tag: push.tag }, world);
      break;
    case 'retag':
      pushArtifact(artifact, { push, tag: push.tag + 1 }, world);
      break;
    case 'twin':
      pushArtifact(artifact, { push: { ...push, registry: push.registry + 1 }, tag: push.tag }, world);
      break;
    case 'move':
      pushArtifact(imageOf('good', MOVED + world.deeds.tagPushes.length), { push, tag: push.tag }, world);
      break;
  }
}

async function release(key: ArtifactKey, { deeds, ...world }: World): Promise<void> {
  const name = formatKey(key);
  const answer = await world.release(name);
  if (answer === 'released' || (answer === 'unclear' && !deeds.releases.has(name))) deeds.releases.set(name, answer);
}

function remove({ registry, repository, digest }: ArtifactKey, { registries, deeds, now }: World): void {
  if (registries.get(registry)?.remove(repository, digest) !== 'done') return;
  deeds.deleted.add(formatKey({ registry, repository, digest }));
  for (const tag of TAGS) {
    const last = deeds.tagPushes.findLast(
      (push) => push.registry === registry && push.repository === repository && push.tag === tag,
    );
    if (last?.digest === digest) deeds.tagPushes.push({ at: now(), registry, repository, tag, digest: undefined });
  }
}

function untag(key: ArtifactKey, tag: Tag | undefined, { registries, deeds, now }: World): void {
  const { registry, repository, digest } = key;
  const held = registries.get(registry);
  if (tag === undefined || held?.repository(repository).tags.get(tag) !== digest) return;
  held.removeTag(repository, tag);
  deeds.tagPushes.push({ at: now(), registry, repository, tag, digest: undefined });
}

function unmark(key: ArtifactKey, { registries, deeds }: World): void {
  const { registry, repository, digest } = key;
  const held = registries.get(registry)?.repository(repository);
  const mark = [...(held?.referrers.get(digest) ?? [])].sort().find((referrer) => {
    const type = held?.manifests.get(referrer)?.artifactType;
    return type === MediaType.cyclonedx || type === MediaType.sarif;
  });
  if (mark !== undefined && registries.get(registry)?.remove(repository, mark) === 'done') {
    deeds.unmarked.add(formatKey(key));
  }
}

function sign(
  kind: 'sign' | 'sign-legacy' | 'sign-stranger',
  { artifact, push }: { readonly artifact: Artifact; readonly push: Push },
  { registries, deeds }: World,
): void {
  const { registry, repository } = placeOf(push);
  const held = registries.get(registry);
  if (held === undefined) return;
  const signer = kind === 'sign-stranger' ? 'stranger' : 'trusted';
  const signature = signatureOf(artifact, { signer, form: kind === 'sign-legacy' ? 'legacy' : 'bundle' });
  for (const { bytes, digest } of signature.artifact.blobs) held.blobs.set(digest, bytes);
  if (held.put(repository, signature.artifact, signature.tag) !== 'done' || signer === 'stranger') return;
  const key = formatKey({ registry, repository, digest: artifact.digest });
  deeds.signed.set(key, [...(deeds.signed.get(key) ?? []), signature.artifact.digest]);
}
