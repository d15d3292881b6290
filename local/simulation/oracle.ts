import type { Digest } from '../../shared/artifact/digest.js';
import { formatKey } from '../../shared/artifact/reference.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import type { Repository } from '../../shared/artifact/repository.js';
import { contentOf, verdictOn } from './images.js';
import type { HeldManifest, HeldRepository } from './memory-registry.js';
import { DEMANDS, MARKED_ONLY, type RepositoryName } from './setting.js';
import type { Deeds } from './users.js';

/** A final verdict. */
export type Final = 'pass' | 'fail' | 'inconclusive';

/** Where the oracle looks. */
export interface Place {
  readonly registry: LoginServer;
  readonly repository: Repository;
  readonly held: HeldRepository;
  readonly deeds: Deeds;
}

const RANK: Readonly<Record<Final, number>> = { pass: 0, inconclusive: 1, fail: 2 };

function worse(a: Final, b: Final): Final {
  return RANK[a] >= RANK[b] ? a : b;
}

/** What the policy asks of a place: the same as the policy's text says, in words of its own. */
export function demandOf({ registry, repository }: Pick<Place, 'registry' | 'repository'>): {
  readonly action: 'mark' | 'untag' | 'lock' | 'lock-and-untag';
  readonly signed: boolean;
} {
  if (registry === MARKED_ONLY.registry && repository === MARKED_ONLY.repository)
    return { action: 'mark', signed: false };
  return DEMANDS[repository as RepositoryName];
}

/**
 * Every verdict that a manifest may rightly have at the end, from what was really pushed: its contents, its signatures,
 * the indexes that hold it. More than one where the history leaves it open (a signature that was deleted again, a
 * database that became newer meanwhile). Undefined for what gets no verdict.
 */
export function verdictsOf(manifest: HeldManifest, place: Place): ReadonlySet<Final> | undefined {
  const own = contentsOf(manifest, place);
  if (own === undefined) return undefined;
  const verdicts = new Set<Final>();
  const { signed } = demandOf(place);
  for (const content of own) {
    const signatures = signed ? signedState(manifest.digest, place) : ['yes'];
    for (const state of signatures) verdicts.add(state === 'yes' ? content : worse(content, 'fail'));
  }
  return verdicts;
}

function contentsOf(manifest: HeldManifest, place: Place): readonly Final[] | undefined {
  if (manifest.children.length === 0) {
    const content = contentOf(manifest.bytes);
    return content === undefined
      ? undefined
      : databasesFor(manifest.digest, place).map((serial) => verdictOn(content, serial));
  }
  let combined: readonly Final[] = ['pass'];
  for (const digest of manifest.children) {
    const child = place.held.manifests.get(digest);
    const key = formatKey({ ...place, digest });
    // A platform that was deleted may or may not have been judged before.
    const verdicts: readonly Final[] = [
      ...(child === undefined ? (['pass', 'fail'] as const) : (verdictsOf(child, place) ?? [])),
      ...(place.deeds.deleted.has(key) ? (['inconclusive'] as const) : []),
    ];
    combined = [...new Set(combined.flatMap((before) => verdicts.map((verdict) => worse(before, verdict))))];
  }
  return combined;
}

/** The numbers of the databases that may have been the current one when this digest was scanned. */
function databasesFor(digest: Digest, { deeds, ...place }: Place): readonly number[] {
  const pushed = deeds.firstPushed.get(formatKey({ ...place, digest })) ?? 0;
  const first = 1 + deeds.databases.filter((at) => at <= pushed).length;
  return Array.from({ length: deeds.databases.length + 2 - first }, (_, i) => first + i);
}

/** Whether a signature of the trusted key stands for this digest: its own, or that of an index that holds it. */
function signedState(digest: Digest, { held, deeds, ...place }: Place): readonly ('yes' | 'no')[] {
  const state = (subject: Digest): { readonly ever: boolean; readonly now: boolean } => {
    const signatures = deeds.signed.get(formatKey({ ...place, digest: subject })) ?? [];
    const there = held.manifests.has(subject) || subject === digest;
    return { ever: signatures.length > 0, now: there && signatures.some((signature) => held.manifests.has(signature)) };
  };
  const own = state(digest);
  const holders = deeds.indexes.filter(
    ({ registry, repository, children }) =>
      registry === place.registry && repository === place.repository && children.includes(digest),
  );
  const all = [own, ...holders.map((index) => state(index.digest))];
  if (all.some(({ now }) => now)) return ['yes'];
  return all.some(({ ever }) => ever) ? ['yes', 'no'] : ['no'];
}
